#!/usr/bin/env bash
# Usage: image-archive.sh IMAGE VERSION FOLDER [PLATFORM...]. Builds the container image for linux/amd64 and linux/arm64, or
# for the platforms that are named, as an OCI archive for `ctr images import` and `kind load image-archive`, with its bill of
# materials beside it. Needs neither a container engine nor a registry. From the same commit come the same bytes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

[[ $# -ge 3 ]] || die "usage: $0 IMAGE VERSION FOLDER [PLATFORM...]"
readonly image=$1 version=$2 folder=$3
shift 3
platforms=("$@")
((${#platforms[@]} > 0)) || platforms=(linux/amd64 linux/arm64)

pack=$(hack/tool.sh pack-image)
# The time of the commit, as https://reproducible-builds.org/specs/source-date-epoch/ wants it.
created=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
binaries=()
for platform in "${platforms[@]}"; do
	binary=$scratch/${platform//\//-}
	say "grantor $version for $platform"
	GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 heartbeat 30 "go build" \
		go build -trimpath -buildvcs=false -o "$binary" \
		-ldflags "-s -w -X github.com/grantor-dev/grantor/internal/app.version=$version" ./cmd/grantor
	binaries+=("$platform=$binary")
done

mkdir -p "$folder"
say "$folder/grantor-image.tar, and grantor-image.spdx.json with what is in it"
"$pack" -name "$image" -version "$version" -created "$created" \
	-archive "$folder/grantor-image.tar" -sbom "$folder/grantor-image.spdx.json" "${binaries[@]}"
