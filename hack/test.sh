#!/usr/bin/env bash
# Usage: test.sh [PACKAGE...]. Runs every test but those of test/e2e, which need a cluster, with the race detector and
# against a real control plane.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# The race detector needs cgo, and cgo needs a C compiler with the headers of the C library.
has_cc() { printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $(go env CC) -x c -o /dev/null - 2>/dev/null; }

ensure_cc() {
	has_cc && return
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "no C compiler, which the race detector needs: installing gcc and libc6-dev"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev; } \
			>/dev/null || die "cannot install gcc and libc6-dev"
		has_cc && return
	fi
	die "the race detector needs a C compiler ($(go env CC)) and the headers of the C library." \
		"On Debian and Ubuntu: apt-get install gcc libc6-dev. On Fedora: dnf install gcc glibc-devel. On macOS: xcode-select --install"
}

ensure_cc
ensure_haproxy
ensure_valkey
ensure_chromium
KUBEBUILDER_ASSETS=$(hack/controlplane.sh)
export KUBEBUILDER_ASSETS CGO_ENABLED=1
# A slow machine may take longer than the 20 s that a control plane is given to come and to go.
export KUBEBUILDER_CONTROLPLANE_START_TIMEOUT=90s KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT=90s
hack/tool.sh render-chart >/dev/null # test/chart asks for it; built here, it does not count as time of the test
hack/tool.sh pack-image >/dev/null   # so does test/image
hack/tool.sh render-docs >/dev/null  # and test/docs
hack/node.sh >/dev/null              # test/interop needs it
hack/prometheus.sh >/dev/null        # test/monitoring needs it

packages=("$@")
if ((${#packages[@]} == 0)); then
	listed=$(go list ./...)
	while IFS= read -r package; do
		[[ -z $package || $package == */test/e2e || $package == */test/e2e/* ]] || packages+=("$package")
	done <<<"$listed"
	((${#packages[@]} > 0)) || die "there is no Go package to test"
fi

say "testing ${#packages[@]} packages with the race detector; the first build of the dependencies takes minutes"
# What starts a control plane runs one after the other: two of them at once would share the processors, and what is measured
# in seconds would be measured wrong.
beside=() apart=()
for package in "${packages[@]}"; do
	case $package in
	*/test/* | ./test/*) apart+=("$package") ;;
	*) beside+=("$package") ;;
	esac
done
run() {
	# shellcheck disable=SC2086 # GOTESTFLAGS is a list
	heartbeat 30 "tests" go test -race -shuffle=on -timeout=20m ${GOTESTFLAGS:-} "$@"
}
status=0
if ((${#beside[@]} > 0)); then run "${beside[@]}" || status=$?; fi
if ((${#apart[@]} > 0)); then run -p 1 "${apart[@]}" || status=$?; fi
exit "$status"
