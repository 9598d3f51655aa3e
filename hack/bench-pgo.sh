#!/usr/bin/env bash
# Usage: hack/bench-pgo.sh
#
# Tries whether a profile makes the token server faster (go doc cmd/go, -pgo): one benchmark, built without and with a
# profile of itself, in turns. Prints the median of each and the ratio. See docs/adr/0031-no-profile-guided-optimization.md.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd tokenserver

say "profile"
go test -c -o "$dir/without" .
"$dir/without" -test.run '^$' -test.bench 'Serve|Exchange/.*/whole' -test.benchtime 8s -test.cpu 1 -test.cpuprofile "$dir/profile" >/dev/null
say "build with it"
go test -c -pgo="$dir/profile" -o "$dir/with" .
for ((i = 1; i <= rounds; i++)); do
	say "round $i of $rounds"
	for build in without with; do
		"$dir/$build" -test.run '^$' -test.bench 'Serve/RS256' -test.benchtime 2s -test.cpu 1 |
			awk '/^BenchmarkServe/ { print $3 }' >>"$dir/$build.times"
	done
done
median() { sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
awk -v without="$(median "$dir/without.times")" -v with="$(median "$dir/with.times")" \
	'BEGIN { printf "without %.1f µs, with %.1f µs per exchange: %.2f times\n", without / 1000, with / 1000, with / without }'
