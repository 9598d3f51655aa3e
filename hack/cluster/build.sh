#!/usr/bin/env bash
# Prints the folders with what a node of the test cluster runs, joined by colons as in PATH: etcd, kube-apiserver and kubectl
# from hack/controlplane.sh, the other parts of Kubernetes, containerd, CoreDNS, and the two images of the cluster itself.
# What is not cached is built from the modules that are pinned here and in hack/controlplane. Each group is published whole,
# so an interrupted build keeps the groups that were done. Only the folders go to standard output.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

arch=$(go env GOHOSTARCH)
readonly arch cache=$GRANTOR_CACHE/cluster
scratch='' folders=''

# required MODULE PATH: prints the version that the module file requires of the path.
required() { awk -v path="$2" '$1 == "require" { $0 = substr($0, 9) } $1 == path && $2 ~ /^v/ { print $2; exit }' "$1/go.mod"; }

# group NAME MODULE PATH PACKAGE...: builds the packages into a folder keyed by the version of the path and by the module
# files, unless it is cached, and adds it to the folders. What is in flags goes to go build.
group() {
	local name=$1 module=$ROOT/$2 path=$3 version dir package count=0
	shift 3
	version=$(required "$module" "$path")
	[[ -n $version ]] || die "$module/go.mod requires no version of $path"
	dir=$cache/$name-$version-linux-$arch-$(cat "$module/go.mod" "$module/go.sum" | digest)
	add "$dir" && return
	say "building $name $version from modules"
	scratch=$(scratch_dir "$cache/.$name")
	for package in "$@"; do
		count=$((count + 1))
		one "$count/$#" "$module" "$package"
	done
	publish "$dir"
}

# one LABEL MODULE PACKAGE: builds a package into the scratch folder.
one() {
	local name begin=$SECONDS
	name=$(basename "$3")
	heartbeat 15 "$1 $name" env CGO_ENABLED=0 GOOS=linux GOARCH="$arch" go -C "$2" build -trimpath -buildvcs=false \
		"${flags[@]}" -o "$scratch/$name" "$3" >&2 || die "cannot build $name: see above"
	say "$1 $name: $(elapsed $((SECONDS - begin)))"
}

# add FOLDER: adds it to the folders, if it is there: it is only ever renamed into place whole.
add() {
	[[ -d $1 ]] || return 1
	folders=$folders:$1
}

publish() {
	chmod 0755 "$scratch"
	mv "$scratch" "$1"
	scratch=
	add "$1"
}

# digest: prints a short key of standard input.
digest() { git hash-object --stdin | cut -c 1-8; }

# images packs the two images of the cluster: the binaries of CoreDNS, the last folder so far, and of pause.
images() {
	local coredns=${folders##*:}/coredns dir
	dir=$cache/images-linux-$arch-$(cat "$ROOT/hack/cluster/pack.sh" "$ROOT/hack/cluster/pause/main.go" - <<<"$coredns" | digest)
	add "$dir" && return
	scratch=$(scratch_dir "$cache/.images")
	one "1/1" "$ROOT" ./hack/cluster/pause
	"$ROOT/hack/cluster/pack.sh" localhost/pause:cluster "$scratch/pause" "$scratch/pause.tar"
	"$ROOT/hack/cluster/pack.sh" localhost/coredns:cluster "$coredns" "$scratch/coredns.tar"
	publish "$dir"
}

main() {
	local controlplane version stamps stamp=k8s.io/component-base/version
	controlplane=$("$ROOT/hack/controlplane.sh")
	trap '[[ -z $scratch ]] || rm -rf "$scratch"' EXIT
	locked "$cache/build.lock"

	version=$(required "$ROOT/hack/controlplane" k8s.io/kubernetes)
	[[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || die "hack/controlplane/go.mod requires no version of k8s.io/kubernetes"
	stamps="-X $stamp.gitVersion=$version -X $stamp.gitMajor=${BASH_REMATCH[1]} -X $stamp.gitMinor=${BASH_REMATCH[2]}"
	flags=(-ldflags "-s -w $stamps")
	group kubernetes hack/controlplane k8s.io/kubernetes \
		k8s.io/kubernetes/cmd/{kubelet,kube-controller-manager,kube-scheduler,kube-proxy}

	flags=(-ldflags "-s -w" -tags "no_btrfs,no_devmapper,no_zfs")
	group containerd hack/cluster/containerd github.com/containerd/containerd/v2 \
		github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}

	flags=(-ldflags "-s -w")
	group coredns hack/cluster/coredns github.com/coredns/coredns github.com/coredns/coredns
	images
	printf '%s%s\n' "$controlplane" "$folders"
}

main
