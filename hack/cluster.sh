#!/usr/bin/env bash
# A single-node Kubernetes cluster on this machine, from binaries that hack/cluster/build.sh builds.
#
# Usage: cluster.sh up                 start it, unless it runs, and print the path of its kubeconfig
#        cluster.sh kubeconfig         print the path of the kubeconfig of the cluster that runs
#        cluster.sh load ARCHIVE...    give the node the images of OCI archives
#        cluster.sh exec COMMAND...    run a command on the node, where ctr and kubectl work
#        cluster.sh down               remove it, whatever state it is in
#
# The node is a process in namespaces of its own (processes, mounts, network), so that everything that it mounts, every
# interface and every packet filter ends with it. It and all that it starts stand in one control group: by that, and by no
# number in a file, they are known to be ours.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The machine has room for one, whoever starts it from whichever checkout: so its names and its state are the machine's.
readonly group=grantor-cluster link=grantor-node run=/var/lib/grantor-cluster lock=/run/grantor-cluster.lock
readonly logs=$GRANTOR_CACHE/cluster/logs limit=300
export PATH=$PATH:/usr/sbin:/sbin

# hierarchies prints the roots of the control groups: one, or with the old version one for each controller, and perhaps a new
# one beside them.
hierarchies() {
	if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
		echo /sys/fs/cgroup
	else
		awk '$3 ~ /^cgroup2?$/ && index($2, "/sys/fs/cgroup/") == 1 { print $2 }' /proc/mounts
	fi
}

# home prints the control group by which the processes of the cluster are known.
home() {
	local hierarchy
	for hierarchy in $(hierarchies); do
		if [[ $hierarchy == /sys/fs/cgroup || $hierarchy == /sys/fs/cgroup/pids ]]; then
			printf '%s\n' "$hierarchy/$group"
			return
		fi
	done
	die "no control groups at /sys/fs/cgroup that could hold a cluster"
}

# make_groups makes the control group of the cluster, with one for the node's own processes beside that of its pods.
make_groups() {
	local hierarchy file controller
	for hierarchy in $(hierarchies); do
		mkdir -p "$hierarchy/$group/node"
		for file in cpuset.cpus cpuset.mems; do # empty ones of the old version take no process
			[[ -f $hierarchy/$file ]] || continue
			cat "$hierarchy/$file" >"$hierarchy/$group/$file"
			cat "$hierarchy/$file" >"$hierarchy/$group/node/$file"
		done
		[[ -f $hierarchy/cgroup.controllers ]] || continue
		for controller in $(<"$hierarchy/cgroup.controllers"); do
			echo "+$controller" >"$hierarchy/cgroup.subtree_control" || true
			echo "+$controller" >"$hierarchy/$group/cgroup.subtree_control" || true
		done 2>/dev/null
	done
}

members() { find "$home" -name cgroup.procs -exec cat {} + 2>/dev/null || true; }

# is_running: whether the number in the file is that of our node. Another process that has got it is in another group.
is_running() { grep -qs "/$group/node\$" "/proc/$(pid_of_node)/cgroup"; }

# pid_of_node prints the number of the node's first process, or nothing: a file can go while it is looked for.
pid_of_node() { cat "$run/node/pid" 2>/dev/null || true; }

is_ready() { is_running && [[ -f $run/node/ready ]]; }

# ours COMMAND...: becomes the command, in the control group of the cluster, so that down finds it.
ours() {
	# shellcheck disable=SC2016 # expanded by the other shell
	exec sh -c 'echo $$ >"$0/node/cgroup.procs" && exec "$@"' "$home" "$@" 9>&-
}

on_node() {
	(ours nsenter --target "$(pid_of_node)" --mount --uts --ipc --net --pid -- \
		env HOME=/root PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin KUBECONFIG=/node/kubeconfig "$@")
}

# remove ends what is left of a cluster, and takes away what it has made outside of its namespaces.
remove() {
	local begin=$SECONDS pid pids killed='' hierarchy
	rm -f "$run/node/ready"
	while pids=$(members) && [[ -n $pids ]]; do
		((SECONDS - begin < 60)) || die "processes of the cluster do not end: $(xargs <<<"$pids")"
		xargs kill -KILL <<<"$pids" 2>/dev/null || true
		killed+=" $pids"
		sleep 0.1
	done
	# A process leaves its group a moment before it is gone.
	for pid in $(tr ' ' '\n' <<<"$killed" | sort -u); do
		while [[ -d /proc/$pid ]] && ((SECONDS - begin < 60)); do sleep 0.1; done
	done
	for hierarchy in $(hierarchies); do
		while [[ -d $hierarchy/$group ]]; do
			((SECONDS - begin < 60)) || die "cannot remove $hierarchy/$group"
			find "$hierarchy/$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
		done
	done
	# The kernel removes the link some time after the namespace.
	[[ ! -e /sys/class/net/$link ]] || ip link delete "$link" 2>/dev/null || true
	while [[ -e /sys/class/net/$link ]]; do
		((SECONDS - begin < 60)) || die "cannot remove the interface $link"
		sleep 0.1
	done
	rm -rf --one-file-system "$run"
}

# start FOLDERS: starts the node. Whatever happens until it is ready, nothing stays.
start() {
	local begin=$SECONDS pid
	rm -rf "$logs"
	mkdir -p "$run" "$logs"
	chmod 0700 "$run" "$logs"
	trap 'trap "" INT TERM HUP; say "removing the half-made cluster; its logs stay in $logs"; remove' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	make_groups
	# Of the environment nothing: a proxy for the internet is none for the node.
	ours setsid env -i PATH="$PATH" unshare --mount --uts --ipc --net --pid --fork --kill-child \
		"$BASH" "$ROOT/hack/cluster/enter.sh" "$run" "$1" </dev/null >"$logs/node.log" 2>&1 &
	pid=$!
	until is_running; do
		if ! kill -0 "$pid" 2>/dev/null || ((SECONDS - begin >= limit)); then failed; fi
		sleep 0.1
	done
	ip link add "$link" type veth peer name eth0 netns "$(pid_of_node)"
	ip addr add 198.18.77.1/30 dev "$link"
	ip link set "$link" up
	await "$begin"
	printf '%s\n' "$1" >"$run/folders"
	trap - EXIT INT TERM HUP
	say "cluster is up after $(elapsed $((SECONDS - begin)))"
}

# await BEGIN: waits until the node is ready, and says what it does.
await() {
	local phase said=
	until is_ready; do
		phase=$(cat "$run/node/phase" 2>/dev/null || true)
		[[ $phase == "$said" ]] || say "starting: $phase"
		said=$phase
		if ! is_running || ((SECONDS - $1 >= limit)); then failed; fi
		sleep 0.1
	done
}

failed() {
	local log
	log=$(awk '{ print $1 }' "$run/node/failed" 2>/dev/null || true)
	cat "$run/node/failed" >&2 2>/dev/null || true
	tail -n 15 "$logs/${log:-node}.log" >&2 || true
	die "the cluster did not start"
}

up() {
	local folders
	ensure_node_packages
	folders=$("$ROOT/hack/cluster/build.sh")
	locked "$lock" "another run starts or stops the cluster"
	if is_ready; then
		[[ $folders == "$(cat "$run/folders")" ]] || say "the cluster that runs is of other versions than this tree; down ends it"
	else
		remove
		start "$folders"
	fi
	kubeconfig
}

kubeconfig() {
	is_ready || die "no cluster runs: hack/cluster.sh up"
	printf '%s\n' "$run/node/kubeconfig"
}

load() {
	local archive
	is_ready || die "no cluster runs: hack/cluster.sh up"
	for archive in "$@"; do
		on_node ctr --namespace k8s.io images import - <"$archive" >&2 || die "cannot load $archive"
	done
}

[[ $(uname -s) == Linux ]] || die "the cluster needs Linux; where Docker runs, make kind-up starts another one"
[[ $(id -u) -eq 0 ]] || die "the cluster needs root: it makes namespaces and control groups"
home=$(home)
readonly home

case ${1:-} in
	up) up ;;
	kubeconfig) kubeconfig ;;
	load)
		[[ $# -gt 1 ]] || die "usage: $0 load ARCHIVE..."
		load "${@:2}"
		;;
	exec)
		[[ $# -gt 1 ]] || die "usage: $0 exec COMMAND..."
		is_ready || die "no cluster runs: hack/cluster.sh up"
		on_node "${@:2}"
		;;
	down)
		locked "$lock" "another run starts or stops the cluster"
		remove
		;;
	*) die "usage: $0 up|kubeconfig|load ARCHIVE...|exec COMMAND...|down" ;;
esac
