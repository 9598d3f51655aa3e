#!/usr/bin/env bash
# Usage: node.sh. Prints a folder with the program node and the libraries that test/interop/node pins, in node_modules;
# installs both when they are not in the cache, keyed by everything that decides them. A Node.js that is on this machine is
# used when it is new enough for the libraries.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Older ones lack the global crypto, which the libraries need.
readonly oldest=20
readonly libraries=$ROOT/test/interop/node own=$ROOT/hack/tools/node

is_new() { "$1" -e "process.exit(Number(process.versions.node.split('.')[0]) >= $oldest ? 0 : 1)" 2>/dev/null; }

ensure_npm() {
	command -v npm >/dev/null && return
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "no npm, which the tests with other people's clients need: installing Debian's, which takes a minute or two"
		heartbeat 15 "apt-get" install_npm || die "cannot install npm"
		command -v npm >/dev/null && return
	fi
	die "npm is needed to install the libraries of the tests with other people's clients." \
		"On Debian and Ubuntu: apt-get install npm. On Fedora: dnf install nodejs-npm. On macOS: brew install node"
}

install_npm() {
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm; } >/dev/null
}

# install FOLDER INTO LABEL: installs exactly what the lock file of the folder says, and runs no script of any package.
install() {
	mkdir -p "$2"
	cp "$1"/package.json "$1"/package-lock.json "$1"/.npmrc "$2"
	(cd "$2" && heartbeat 15 "$3" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || die "cannot install $3: see above"
}

# own_node FOLDER: installs the node that hack/tools/node pins below the folder, and prints its path from there.
own_node() {
	say "no Node.js $oldest or newer: installing one for the tests alone"
	install "$own" "$1/own" "Node.js"
	local found
	found=$(cd "$1" && find own/node_modules -path '*/bin/node' -type f | head -n 1)
	[[ -n $found ]] || die "there is no Node.js to install for $(uname -sm): install Node.js $oldest or newer"
	is_new "$1/$found" || die "the installed Node.js does not run: $1/$found"
	printf '%s\n' "$found"
}

system=$(command -v node || true)
[[ -z $system ]] || is_new "$system" || system=
key=$({ cat "$libraries/package-lock.json" "$own/package-lock.json" && printf '%s %s\n' "$system" "$(uname -sm)"; } | git hash-object --stdin)
readonly dir=$GRANTOR_CACHE/node/${key:0:16}

if [[ ! -x $dir/node ]]; then
	locked "$GRANTOR_CACHE/node/lock"
fi
if [[ ! -x $dir/node ]]; then
	ensure_npm
	scratch=$(scratch_dir "$GRANTOR_CACHE/node/.install")
	trap 'rm -rf "$scratch"' EXIT
	say "installing the libraries of test/interop/node"
	install "$libraries" "$scratch" "libraries"
	[[ -n $system ]] || system=$(own_node "$scratch")
	ln -s "$system" "$scratch/node"
	rm -rf "$dir" # its node has gone
	mv "$scratch" "$dir"
	trap - EXIT
fi
printf '%s\n' "$dir"
