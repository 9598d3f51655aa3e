#!/usr/bin/env bash
# Usage: prometheus.sh. Prints a folder with the programs prometheus and promtool: those of this machine, or else those of
# Debian's package, which is unpacked into the cache and not installed, so that no service starts.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
	dirname "$(command -v promtool)"
	exit
fi
readonly dir=$GRANTOR_CACHE/prometheus/bin
if [[ ! -x $dir/promtool ]]; then
	locked "$GRANTOR_CACHE/prometheus/lock"
fi
if [[ ! -x $dir/promtool ]]; then
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
		die "the tests of alerts and the dashboard need prometheus and promtool. On Fedora: dnf install prometheus. On macOS: brew install prometheus"
	scratch=$(scratch_dir "$GRANTOR_CACHE/prometheus/.unpack")
	trap 'rm -rf "$scratch"' EXIT
	say "no prometheus: unpacking Debian's"
	fetch() { (cd "$scratch" && apt-get download -qq prometheus) >&2; }
	fetch 2>/dev/null || {
		[[ $(id -u) -ne 0 ]] || apt-get update -qq >&2
		fetch || die "cannot download the package prometheus: apt-get update, and try again"
	}
	dpkg-deb -x "$scratch"/prometheus_*.deb "$scratch/root" || die "cannot unpack prometheus"
	mkdir "$scratch/bin"
	mv "$scratch/root/usr/bin/prometheus" "$scratch/root/usr/bin/promtool" "$scratch/bin"
	"$scratch/bin/promtool" --version >/dev/null 2>&1 || die "the unpacked promtool does not run"
	rm -rf "$dir"
	mv "$scratch/bin" "$dir"
fi
printf '%s\n' "$dir"
