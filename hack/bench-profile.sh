#!/usr/bin/env bash
# Usage: hack/bench-profile.sh
#
# Where the CPU time of an exchange goes within the token server's handler, where one provider and one client are declared, and
# where very many are: BenchmarkDeclared, profiled, on one core. Rewrites the table in docs/performance.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# What is counted together: the first of these that a sample passes through.
readonly parts=(
	"Signatures: verify one, make one|crypto/(ecdsa|rsa|ed25519)"
	"Garbage collection|runtime\.(gcBgMarkWorker|gcAssistAlloc|bgsweep|bgscavenge|gcStart|deductSweepCredit)"
	"Find the client and the provider|trust\.\(\*Snapshot\)"
	"All other steps|."
)

say "build"
go test -c -o "$dir/test" ./tokenserver
for size in one all; do
	say "$size"
	(cd tokenserver && GOGC=400 "$dir/test" -test.run '^$' -test.bench "Declared/$size" -test.benchtime 6s -test.cpu 1 -test.cpuprofile "$dir/$size") |
		awk '/^BenchmarkDeclared/ { print $3 / 1000 }' >"$dir/$size.time"
done

# share SIZE IGNORED REGEXP: the part of the samples of the handler that pass through one and not the other.
share() {
	go tool pprof -top -focus "$3" ${2:+-ignore "$2"} "$dir/test" "$dir/$1" 2>/dev/null |
		awk '/^Showing nodes accounting for/ { sub(/%.*/, ""); sub(/.*, /, ""); print $0 / 100; found = 1 } END { if (!found) print 0 }'
}

# Making the requests and the objects is no part of it.
readonly setup='tokenserver\.declared|tokenserver\.\(\*fixture\)\.client|trust\.\(\*Tx\)|httptest|url\.Values'
table() {
	printf '| Where the time goes, in µs | one of each | 10,000 providers and 100,000 clients |\n|---|---|---|\n'
	ignored=$setup
	for part in "${parts[@]}"; do
		printf '| %s |' "${part%%|*}"
		for size in one all; do
			awk -v part="$(share $size "$ignored" "${part#*|}")" -v all="$(share $size "$setup" .)" -v time="$(<"$dir/$size.time")" \
				'BEGIN { printf " %.1f |", part / all * time }'
		done
		printf '\n'
		ignored="$ignored|${part#*|}"
	done
	printf '| Together |'
	for size in one all; do awk '{ printf " %.1f |", $1 }' "$dir/$size.time"; done
	printf '\n'
}
table >"$dir/table"
awk -v table="$dir/table" '
	/<!-- bench-profile -->/ { print; while ((getline line <table) > 0) print line; inside = 1; next }
	/<!-- \/bench-profile -->/ { inside = 0 }
	!inside' docs/performance.md >"$dir/page"
cmp -s "$dir/page" docs/performance.md || cat "$dir/page" >docs/performance.md
cat "$dir/table"
