#!/usr/bin/env bash
# Prints the folder that holds etcd, kube-apiserver and kubectl, which the tests and the demo run against. Looks, in this
# order, at KUBEBUILDER_ASSETS, at the cache, at what setup-envtest can download, and at last builds them from the modules
# that hack/controlplane/go.mod pins. Only the folder goes to standard output.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly module=$ROOT/hack/controlplane
version=$(awk '$1 == "k8s.io/kubernetes" && $2 ~ /^v/ { print $2; exit }' "$module/go.mod")
[[ $version =~ ^v([0-9]+)\.([0-9]+)\.[0-9]+ ]] || die "hack/controlplane/go.mod requires no version of k8s.io/kubernetes"
readonly version major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}

os=$(go env GOHOSTOS) arch=$(go env GOHOSTARCH)
readonly os arch platform=$os-$arch
readonly built=$GRANTOR_CACHE/controlplane-$version-$platform
scratch=

complete() {
	local name
	for name in etcd kube-apiserver kubectl; do
		[[ -x $1/$name ]] || return 1
	done
}

# cached prints the first complete folder of the cache: built here, or downloaded for the same minor version.
cached() {
	local dir
	for dir in "$built" "$GRANTOR_CACHE/envtest-$major.$minor."*"-$platform"; do
		if complete "$dir"; then
			printf '%s\n' "$dir"
			return 0
		fi
	done
	return 1
}

# download prints the folder that setup-envtest has filled, or fails. Both of its steps are bounded: listing shows in
# seconds whether there is a way out at all.
download() {
	local setup want=$major.$minor.x got target
	setup=$("$ROOT/hack/tool.sh" setup-envtest 9>&-) || return 1
	say "control plane $version is not cached: asking setup-envtest for $want (at most 20 s)"
	bounded 20 "$setup" list --bin-dir "$scratch/envtest" "$want" >"$scratch/list" 2>/dev/null &&
		grep -q "$os/$arch" "$scratch/list" || return 1
	say "downloading the control plane (at most 3 minutes)"
	got=$(heartbeat 15 "downloading" bounded 180 \
		"$setup" use --bin-dir "$scratch/envtest" -p path "$want") || return 1
	complete "$got" || return 1
	target=$GRANTOR_CACHE/envtest-$(basename "$got")
	chmod -R u+w "$got"
	publish "$got" "$target"
	complete "$target" || return 1
	printf '%s\n' "$target"
}

# build fills a scratch folder and renames it, so that an interrupted build never looks complete.
build() {
	local begin=$SECONDS
	say "building control plane $version from modules: about 8 minutes the first time on 2 cores"
	one 1 etcd go.etcd.io/etcd/server/v3
	one 2 kubectl k8s.io/kubernetes/cmd/kubectl
	one 3 kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
	publish "$scratch/out" "$built"
	say "control plane built in $(elapsed $((SECONDS - begin)))"
}

one() {
	local stamp=k8s.io/component-base/version
	say "$1/3 $2"
	heartbeat 15 "$2" env CGO_ENABLED=0 GOOS="$os" GOARCH="$arch" go -C "$module" build -trimpath -buildvcs=false \
		-ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor" \
		-o "$scratch/out/$2" "$3" >&2 || die "cannot build $2: see above"
}

publish() {
	if [[ -e $2 ]]; then # incomplete, or cached would have answered
		mv "$2" "$scratch/replaced"
	fi
	mv "$1" "$2"
}

cleanup() {
	[[ -z $scratch ]] || { chmod -R u+w "$scratch" 2>/dev/null && rm -rf "$scratch"; } || true
}

main() {
	if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
		if complete "$KUBEBUILDER_ASSETS"; then
			(cd "$KUBEBUILDER_ASSETS" && pwd)
			return
		fi
		say "KUBEBUILDER_ASSETS lacks etcd, kube-apiserver or kubectl: looking elsewhere"
	fi
	cached && return

	locked "$GRANTOR_CACHE/controlplane.lock"
	cached && return # by the run that held the lock

	trap cleanup EXIT
	scratch=$(scratch_dir "$GRANTOR_CACHE/.controlplane")
	download && return
	say "setup-envtest cannot download it from here"
	build
	printf '%s\n' "$built"
}

main
