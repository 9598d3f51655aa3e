#!/usr/bin/env bash
# Usage: hack/bench-profile.sh
#
# Where the CPU time of an exchange goes within the token server's handler, where one provider and one client are declared, and
# where very many are, and what it allocates: BenchmarkDeclared, profiled, on one core. Rewrites the table in docs/performance.md.
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
# run NAME SIZE FLAG...: profile the benchmark of a size as NAME, and keep how often it ran.
run() {
	say "$1"
	(cd tokenserver && GOGC=400 "$dir/test" -test.run '^$' -test.bench "Declared/$2" -test.cpu 1 "${@:3}") |
		awk '/^BenchmarkDeclared/ { print $2 }' >"$dir/$1.count"
}
run one one -test.benchtime 6s -test.cpuprofile "$dir/one"
run all all -test.benchtime 6s -test.cpuprofile "$dir/all"
run allocations one -test.benchtime 20000x -test.memprofilerate 1 -test.memprofile "$dir/allocations"

# part PROFILE IGNORED REGEXP: of one exchange, the µs or the allocations that pass through one and not the other.
part() {
	local flags=(-unit us)
	[[ $1 != allocations ]] || flags=(-sample_index alloc_objects)
	go tool pprof "${flags[@]}" -top -nodefraction 0 -nodecount 100000 -focus "$3" -ignore "$2" "$dir/test" "$dir/$1" 2>/dev/null |
		awk -v count="$(<"$dir/$1.count")" '/^Showing nodes accounting for/ { found = $5 + 0 } END { printf "%.1f", found / count }'
}

# Making the requests and the objects is no part of it.
readonly setup='tokenserver\.declared|tokenserver\.\(\*fixture\)\.client|trust\.\(\*Tx\)|httptest|url\.Values'
# row NAME IGNORED REGEXP
row() {
	printf '| %s | %s | %s | %s |\n' "$1" "$(part one "$2" "$3")" "$(part all "$2" "$3")" "$(part allocations "$2" "$3")"
}
table() {
	printf '| | µs, one of each declared | µs, 10,000 providers and 100,000 clients | allocations |\n|---|---|---|---|\n'
	ignored=$setup
	for named in "${parts[@]}"; do
		row "${named%%|*}" "$ignored" "${named#*|}"
		ignored="$ignored|${named#*|}"
	done
	row Together "$setup" .
}
table >"$dir/table"
awk -v table="$dir/table" '
	/<!-- bench-profile -->/ { print; while ((getline line <table) > 0) print line; inside = 1; next }
	/<!-- \/bench-profile -->/ { inside = 0 }
	!inside' docs/performance.md >"$dir/page"
cmp -s "$dir/page" docs/performance.md || cat "$dir/page" >docs/performance.md
cat "$dir/table"
