#!/usr/bin/env bash
# Fails when something that is derived is out of date: the module files, what hack/generate.sh writes, or what go vet finds.
# Regenerates in place, so after a failure the tree holds the right content: look at it and commit it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

failed=0
readonly generated=(api config/crd/bases config/rbac charts/grantor/files charts/grantor/README.md docs/reference)

# state prints one line for each generated file that git does not ignore: its content and its path.
state() {
	git ls-files --cached --others --exclude-standard -z -- "${generated[@]}" | sort -zu | while IFS= read -r -d '' file; do
		[[ ! -f $file ]] || printf '%s %s\n' "$(git hash-object --no-filters "$file")" "$file"
	done
}

tidy() {
	local file dir diff
	while IFS= read -r file; do
		dir=$(dirname "$file")
		say "go mod tidy in $dir"
		diff=$(heartbeat 30 "go mod tidy" go -C "$dir" mod tidy -diff </dev/null) || {
			head -n 20 <<<"$diff" >&2
			printf 'error: %s is not tidy: run "go -C %s mod tidy"\n' "$file" "$dir" >&2
			failed=1
		}
	done < <(git ls-files --cached --others --exclude-standard -- go.mod '*/go.mod' | sort -u)
}

regenerate() {
	local before after
	before=$(state)
	hack/generate.sh
	after=$(state)
	[[ $before != "$after" ]] || return 0
	{
		echo "error: generated files were out of date; they have been regenerated, commit them:"
		comm -3 <(sort <<<"$before") <(sort <<<"$after") | awk '{ print "  " $2 }' | sort -u
	} >&2
	failed=1
}

tidy
say "generated files"
regenerate
say "go vet"
heartbeat 30 "go vet" go vet ./... || failed=1
go vet -tags faults ./test/faults || failed=1

((failed == 0)) || die "verify failed: see above"
say "verified"
