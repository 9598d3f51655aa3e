#!/usr/bin/env bash
# Usage: image.sh IMAGE VERSION. Builds the container image with docker or podman.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

[[ $# -eq 2 ]] || die "usage: $0 IMAGE VERSION"

for engine in docker podman; do
	if command -v "$engine" >/dev/null && bounded 20 "$engine" info >/dev/null 2>&1; then
		say "building $1 with $engine"
		DOCKER_BUILDKIT=1 "$engine" build --build-arg "VERSION=$2" --tag "$1" .
		exit
	fi
done
die "building an image needs docker or podman with a running engine, and neither answers here. 'make build' needs neither"
