#!/usr/bin/env bash
# Usage: test-e2e.sh          runs test/e2e on the cluster that $KUBECONFIG leads to, which must have the images; without it, on
#                             the one of hack/cluster.sh, which is started anew and removed again, unless E2E_KEEP is set
#        test-e2e.sh images   packs the images, and prints the archives
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# The image has the name that the chart gives it by default, so that the commands of the pages work as they stand there.
image=$(awk '$1 == "repository:" { print $2; exit }' charts/grantor/values.yaml)
version=$(awk '$1 == "appVersion:" { print $2 }' charts/grantor/Chart.yaml)
export GRANTOR_IMAGE=$image:$version GRANTOR_PREVIOUS_IMAGE=$image:$version-previous
export WORKLOAD_IMAGE=localhost/grantor-workload:e2e VALKEY_IMAGE=localhost/valkey:e2e
readonly archives=$GRANTOR_CACHE/e2e

# An upgrade begins with the chart and the program of this commit: a released one, as soon as there is one. A clone without
# history asks where it came from.
previous=e17b17d0f9bc7c7efba2de6a43c727ce303be783
if ! git cat-file -e "$previous^{commit}" 2>/dev/null && ! bounded 60 git fetch --quiet --depth=1 origin "$previous" 2>/dev/null; then
	say "WARNING: commit $previous is not in this clone, so the upgrade is tested from the tree as it is to itself." \
		"Fetch the history: git fetch --unshallow"
	previous=none
fi
readonly previous
export GRANTOR_PREVIOUS_CHART=$archives/previous-$previous/charts/grantor

# pack_valkey ARCHIVE: packs the server of this machine's distribution.
pack_valkey() {
	local server libraries
	server=$(command -v valkey-server || command -v redis-server)
	mapfile -t libraries < <(ldd "$server" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }')
	hack/cluster/pack.sh "$VALKEY_IMAGE" "$server" "$1" "${libraries[@]}"
}

# pack_previous PLATFORM: packs the program of the previous commit, with its chart beside it, once per machine.
pack_previous() {
	local folder=$archives/previous-$previous source=$ROOT
	rm -rf "$folder.new"
	if [[ $previous != none ]]; then
		[[ ! -e $folder ]] || return 0
		source=$scratch/previous
		mkdir "$source"
		git archive "$previous" | tar -x -C "$source"
		SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$previous")
		export SOURCE_DATE_EPOCH
	fi
	"$source/hack/image-archive.sh" "$GRANTOR_PREVIOUS_IMAGE" "$version-previous" "$folder.new" "$1"
	mkdir "$folder.new/charts"
	cp -R "$source/charts/grantor" "$folder.new/charts"
	rm -rf "$folder"
	mv "$folder.new" "$folder"
}

# images: packs all that the tests need, and prints the archives.
images() {
	local platform
	platform=linux/$(go env GOHOSTARCH)
	mkdir -p "$archives"
	hack/image-archive.sh "$GRANTOR_IMAGE" "$version" "$archives" "$platform" >&2
	(pack_previous "$platform") >&2 # in a shell of its own, for it sets the time of a commit
	say "images of the workload and of the state server"
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$scratch/workload" ./test/e2e/workload
	hack/cluster/pack.sh "$WORKLOAD_IMAGE" "$scratch/workload" "$archives/workload.tar"
	pack_valkey "$archives/valkey.tar"
	printf '%s\n' "$archives"/{grantor-image,workload,valkey}.tar "$archives/previous-$previous/grantor-image.tar"
}

scratch=$(mktemp -d)
started=
cleanup() {
	rm -rf "$scratch"
	[[ -z $started || -n ${E2E_KEEP:-} ]] || hack/cluster.sh down
}
trap cleanup EXIT

case ${1:-} in
images)
	ensure_valkey
	images
	exit
	;;
"") ;;
*) die "usage: $0 [images]" ;;
esac
helm=$(hack/tool.sh helm)
PATH=$(dirname "$helm"):$(hack/controlplane.sh):$PATH
export PATH
if [[ -z ${KUBECONFIG:-} ]]; then
	ensure_valkey
	packed=$(images)
	mapfile -t packed <<<"$packed"
	started=yes
	hack/cluster.sh down
	KUBECONFIG=$(hack/cluster.sh up)
	export KUBECONFIG
	hack/cluster.sh load "${packed[@]}"
fi
say "testing an installation"
# shellcheck disable=SC2086 # GOTESTFLAGS is a list
heartbeat 30 "e2e" go test -count=1 -timeout=30m -v ./test/e2e ${GOTESTFLAGS:-}
