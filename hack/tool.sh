#!/usr/bin/env bash
# Usage: tool.sh NAME. Prints the path of a tool that hack/tools pins, building it when it is not in the cache. The cache is
# keyed by everything that decides the binary, so an upgrade builds anew and a second checkout does not.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -eq 1 ]] || die "usage: $0 NAME"
readonly name=$1

# pinned NAME: prints the package of the tool directive whose last element is NAME.
pinned() {
	awk -v name="$1" '
		$1 == "tool" && $2 != "(" { package = $2 }
		$1 == "tool" && $2 == "(" { inside = 1; next }
		inside && $1 == ")"       { inside = 0 }
		inside                    { package = $1 }
		package                   { n = split(package, part, "/"); if (part[n] == name) { print package; exit } }
	' "$ROOT/hack/tools/go.mod"
}

if [[ $name == golangci-lint ]]; then
	module=$ROOT/hack/tools/lint package=. hint="golangci-lint: a few minutes the first time"
elif [[ $name == helm ]]; then
	module=$ROOT/hack/tools/helm package=helm.sh/helm/v4/cmd/helm hint="helm: a few minutes the first time"
elif [[ $name == render-chart ]]; then
	module=$ROOT/hack/tools/chart package=. hint="render-chart: a minute or two the first time"
elif [[ $name == pack-image ]]; then
	module=$ROOT/hack/tools/image package=. hint="pack-image"
elif [[ $name == render-docs ]]; then
	module=$ROOT/hack/tools/docs package=. hint="render-docs"
else
	module=$ROOT/hack/tools package=$(pinned "$name") hint="$name"
	[[ -n $package ]] || die "hack/tools/go.mod pins no tool called $name"
fi
readonly module package hint

key=$({ go version; cat "$module/go.mod" "$module/go.sum"; find "$module" -maxdepth 1 \( -name '*.go' -o -name '*.html' -o -name '*.css' \) -exec cat {} +; } |
	git hash-object --stdin)
readonly dir=$GRANTOR_CACHE/tools/${key:0:16}
readonly binary=$dir/$name

if [[ ! -x $binary ]]; then
	locked "$GRANTOR_CACHE/tools/$name.lock"
fi
if [[ ! -x $binary ]]; then
	scratch=$(scratch_dir "$GRANTOR_CACHE/tools/.$name")
	trap 'rm -rf "$scratch"' EXIT
	say "building $hint"
	heartbeat 15 "$name" env CGO_ENABLED=0 GOOS="$(go env GOHOSTOS)" GOARCH="$(go env GOHOSTARCH)" go -C "$module" build -trimpath -buildvcs=false -ldflags '-s -w' \
		-o "$scratch/$name" "$package" >&2 || die "cannot build $name: see above"
	mkdir -p "$dir"
	mv "$scratch/$name" "$binary"
fi
printf '%s\n' "$binary"
