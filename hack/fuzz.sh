#!/usr/bin/env bash
# Runs every fuzz target for FUZZTIME (default 30s) each, and fails on the first that finds something.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

readonly fuzztime=${FUZZTIME:-30s}

targets=$(git ls-files --cached --others --exclude-standard -- '*_test.go' ':!*/testdata/*' | sort -u | while IFS= read -r file; do
	sed -nE "s|^func (Fuzz[A-Za-z0-9_]*)\(.*|./$(dirname "$file") \1|p" "$file"
done)
[[ -n $targets ]] || die "there is no fuzz target"

total=$(wc -l <<<"$targets")
count=0
while read -r package target; do
	count=$((count + 1))
	say "$count/$((total)) $target in $package for $fuzztime"
	go test -run='^$' -fuzz="^$target\$" -fuzztime="$fuzztime" -fuzzminimizetime=20x "$package" </dev/null
done <<<"$targets"
