# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run. Standard output belongs to the script's answer: everything here
# talks on standard error.

# shellcheck disable=SC2034 # used by those who source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export GRANTOR_CACHE=${GRANTOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/grantor}
[[ $GRANTOR_CACHE == /* ]] || GRANTOR_CACHE=$PWD/$GRANTOR_CACHE

say() { printf '==> %s\n' "$*" >&2; }

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# elapsed SECONDS: prints a span of time as 4m05s.
elapsed() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# heartbeat INTERVAL LABEL COMMAND...: runs the command in the foreground and says every INTERVAL seconds that it still
# runs, so that a long silence is never taken for a hang.
heartbeat() {
	local interval=$1 label=$2 status=0 pid
	shift 2
	_beat "$interval" "$label" $$ >&2 &
	pid=$!
	"$@" 9>&- || status=$?
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	return "$status"
}

_beat() {
	local interval=$1 label=$2 parent=$3 begin=$SECONDS next=$((SECONDS + $1)) nap=
	exec 9>&- # the lock: this loop outlives a killed script for a moment
	# The nap is a child of ours: without this it would outlive us and hold the caller's pipe open.
	trap 'kill "$nap" 2>/dev/null; exit 0' TERM
	while kill -0 "$parent" 2>/dev/null; do
		sleep 1 &
		nap=$!
		wait "$nap"
		((SECONDS >= next)) || continue
		next=$((next + interval))
		printf '    %s: %s so far\n' "$label" "$(elapsed $((SECONDS - begin)))"
	done
}

# bounded SECONDS COMMAND...: runs the command and kills it when the time is over (status 124). timeout(1) is not on
# every machine that builds this.
bounded() {
	local limit=$1 begin=$SECONDS pid
	shift
	"$@" 9>&- &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if ((SECONDS - begin >= limit)); then
			kill "$pid" 2>/dev/null || true
			wait "$pid" 2>/dev/null || true
			return 124
		fi
		sleep 0.2
	done
	wait "$pid"
}

# locked FILE [WHO]: holds a lock until the script ends, so that two runs do not do the same work twice. What they produce is
# renamed into place whole, so a system without flock(1) only loses time. The lock is file descriptor 9; what may outlive
# the script is started without it.
locked() {
	mkdir -p "$(dirname "$1")"
	command -v flock >/dev/null || return 0
	exec 9>"$1"
	flock --nonblock 9 || {
		say "${2:-another run is building the same thing}: waiting for it"
		flock 9
	}
}

_has_haproxy() { PATH=$PATH:/usr/sbin command -v haproxy >/dev/null; }

# ensure_haproxy: rolling restarts are tested behind a real balancer, which this installs where it can.
ensure_haproxy() {
	_has_haproxy && return
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "no haproxy: installing it"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy; } \
			>/dev/null || die "cannot install haproxy"
		_has_haproxy && return
	fi
	die "the tests need haproxy. On Debian and Ubuntu: apt-get install haproxy. On Fedora: dnf install haproxy. On macOS: brew install haproxy"
}

# scratch_dir PREFIX: prints a new folder beside what will be published, on the same file system. Where locks work, what a
# killed run has left goes first: the lock says that nobody uses it.
scratch_dir() {
	if command -v flock >/dev/null; then
		chmod -R u+w "$1".* 2>/dev/null || true
		rm -rf "$1".*
	fi
	mktemp -d "$1.XXXXXX"
}

_has_valkey() { command -v valkey-server >/dev/null || command -v redis-server >/dev/null; }

# ensure_valkey: what token servers share is tested against a real server, which this installs where it can.
ensure_valkey() {
	_has_valkey && return
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "neither valkey-server nor redis-server: installing redis-server"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server; } \
			>/dev/null || die "cannot install redis-server"
		_has_valkey && return
	fi
	die "the tests need valkey-server or redis-server (7.0 or newer)." \
		"On Debian and Ubuntu: apt-get install redis-server. On Fedora: dnf install valkey. On macOS: brew install valkey"
}

# _missing_for_node prints the packages of Debian that the node still needs.
_missing_for_node() {
	local pair
	for pair in runc:runc nft:nftables ip:iproute2 openssl:openssl unshare:util-linux; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${pair%:*}" >/dev/null || printf '%s ' "${pair#*:}"
	done
	[[ -x /usr/lib/cni/ptp || -x /usr/libexec/cni/ptp ]] || printf 'containernetworking-plugins '
}

# ensure_node_packages: what the node of the test cluster needs beside what is built for it, which this installs where it can.
ensure_node_packages() {
	local missing
	read -ra missing <<<"$(_missing_for_node)"
	((${#missing[@]} > 0)) || return 0
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "installing what the node needs: ${missing[*]}"
		# Docker comes with a runc that excludes Debian's: nothing may be removed for this.
		{ apt-get update -qq &&
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove "${missing[@]}"; } \
			>/dev/null || die "cannot install ${missing[*]}"
		[[ -n $(_missing_for_node) ]] || return 0
	fi
	die "the cluster needs runc, the plug-ins of CNI (in /usr/lib/cni or /usr/libexec/cni), nft, ip, openssl and util-linux." \
		"On Debian and Ubuntu: apt-get install ${missing[*]}." \
		"On Fedora: dnf install runc containernetworking-plugins nftables iproute openssl util-linux"
}

_has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

# ensure_chromium: the pages of the console are tested in a real browser, which this installs where it can.
ensure_chromium() {
	_has_chromium && return
	if command -v apt-get >/dev/null && [[ $(id -u) -eq 0 ]]; then
		say "no chromium: installing it"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } \
			>/dev/null || die "cannot install chromium"
		_has_chromium && return
	fi
	die "the tests need chromium. On Debian: apt-get install chromium. On Fedora: dnf install chromium." \
		"On macOS: brew install --cask google-chrome, and put it into the PATH as google-chrome"
}
