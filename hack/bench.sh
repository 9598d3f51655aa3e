#!/usr/bin/env bash
# Usage: bench.sh [FLAG...]. Measures what an exchange costs and rewrites the tables of docs/performance.md; the flags are those
# of test/bench/exchange. Says with a profile what having much declared costs. Nothing else should run meanwhile.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

command -v taskset >/dev/null || die "the servers are pinned to a core with taskset. On Debian, Ubuntu and Fedora: install util-linux"
ensure_valkey
status=0
go run ./test/bench/exchange -page docs/performance.md "$@" bin/grantor || status=$?
hack/bench-profile.sh
exit $status
