#!/usr/bin/env bash
# Runs every test of test/faults and below, of test/state and of test/hostile, for as long as the faults last in real life, without
# the race detector. The quick set of them is part of test.sh. FAULTS is a pattern of test names, by default all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

ensure_haproxy
ensure_valkey
KUBEBUILDER_ASSETS=$(hack/controlplane.sh)
export KUBEBUILDER_ASSETS

say "breaking things; all of it takes about half an hour"
# shellcheck disable=SC2086 # GOTESTFLAGS is a list
heartbeat 60 "faults" go test -p 1 -tags=faults -count=1 -timeout=90m -v -run="${FAULTS:-.}" ${GOTESTFLAGS:-} ./test/faults/... ./test/state ./test/hostile
