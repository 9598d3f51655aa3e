#!/usr/bin/env bash
# Tries hack/cluster.sh on this machine: that up is idempotent, that workloads, names, tokens and logs work, and that down
# leaves nothing, whatever happened before. Ends a cluster that runs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

readonly cluster=$ROOT/hack/cluster.sh run=/var/lib/grantor-cluster
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; "$cluster" down' EXIT

# traces prints what a cluster could leave on the machine.
traces() {
	local pid ours
	ours=$(readlink /proc/self/ns/pid)
	for pid in /proc/[0-9]*; do
		[[ -e $pid/ns/pid ]] || continue # has ended, or is about to
		# By its namespace too: one that has left the group is the one that down does not find.
		[[ $(readlink "$pid/ns/pid" || echo "$ours") == "$ours" ]] || printf 'process %s in another namespace\n' "${pid##*/}"
		! grep -qs /grantor-cluster "$pid/cgroup" || printf 'process %s in the group\n' "${pid##*/}"
	done
	ip -o link | awk '{ print "link", $2 }' | sort
	ip netns | sed 's/^/netns /'
	sort /proc/mounts
	nft list tables
	! command -v iptables-save >/dev/null || iptables-save | sed '/^#/d; s/\[[0-9:]*\]//'
	find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d | sort
	sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys net.ipv4.ip_forward \
		net.netfilter.nf_conntrack_max 2>/dev/null || true
	[[ ! -e $run ]] || find "$run" -maxdepth 1
}

# nothing_left: fails when the machine is not as before.
nothing_left() {
	traces >"$scratch/after"
	diff "$scratch/before" "$scratch/after" >&2 || die "$1: down left something (see above)"
	say "ok: $1"
}

# eventually SECONDS COMMAND...: repeats the command until it succeeds.
eventually() {
	local begin=$SECONDS
	until "${@:2}" >/dev/null 2>&1; do
		((SECONDS - begin < $1)) || die "not in $1 s: ${*:2}"
		sleep 0.1
	done
}

is_in_phase() { grep -qs "^$1" "$run/node/phase"; }

workloads() {
	local log
	CGO_ENABLED=0 go -C "$ROOT" build -trimpath -buildvcs=false -o "$scratch/probe" ./hack/cluster/probe
	"$ROOT/hack/cluster/pack.sh" localhost/probe:check "$scratch/probe" "$scratch/probe.tar"
	"$cluster" load "$scratch/probe.tar"
	# A Deployment and a Job wait for their service account by themselves.
	kubectl apply -f "$ROOT/hack/cluster/probe/probe.yaml"
	kubectl -n probe rollout status deployment/server --timeout=90s
	kubectl -n probe wait --for=condition=Complete job/caller --timeout=90s || {
		kubectl -n probe logs job/caller
		die "the caller has not found the server"
	}
	log=$(kubectl -n probe logs job/caller)
	[[ $log == *"answer: served"* ]] || die "the Service is not found by its name: $log"
	[[ $log == *'"aud":["https://grantor.example.com"]'*'"iss":"https://kubernetes.default.svc.cluster.local"'* ]] ||
		die "no projected token of this cluster: $log"
	[[ $log == *"outside absent: true"* ]] || die "a name outside of the cluster is not refused: $log"
	kubectl get --raw /openid/v1/jwks | grep -q '"kty":"RSA"' || die "the keys of the service account issuer are not there"
	kubectl get --raw /.well-known/openid-configuration | grep -q '"jwks_uri":"https://kubernetes.default.svc.cluster.local/' ||
		die "the service account issuer is not discovered"
	kubectl get --raw /apis/admissionregistration.k8s.io/v1 | grep -q validatingadmissionpolicies ||
		die "no ValidatingAdmissionPolicy"
	eventually 30 answers 198.18.77.2 30080
	forwarded
	say "ok: workloads"
}

kubectl() { KUBECONFIG=$kubeconfig "$kubectl" "$@"; }

# answers ADDRESS PORT: whether the server of the pods answers this machine there.
answers() {
	(exec 3<>"/dev/tcp/$1/$2" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && grep -q served <&3)
}

# forwarded: the two ways through the API server to a pod.
forwarded() {
	local pid port
	[[ $(kubectl -n probe exec deployment/server -- /probe 2>&1 || true) == "usage: probe"* ]] || die "exec does not run a command"
	KUBECONFIG=$kubeconfig "$kubectl" -n probe port-forward --address 127.0.0.1 service/server :80 >"$scratch/forward" &
	pid=$!
	eventually 30 grep Forwarding "$scratch/forward"
	port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$scratch/forward")
	eventually 30 answers 127.0.0.1 "$port"
	kill "$pid"
}

# interrupted SIGNAL PHASE: ends the script that starts the cluster while it is in the phase.
interrupted() {
	local pid
	set -m # a process group of its own, which a terminal would send the signal to
	"$cluster" up >/dev/null 2>"$scratch/up" &
	pid=$!
	set +m
	eventually 120 is_in_phase "$2"
	kill "-$1" -- "-$pid"
	wait "$pid" && die "up succeeded although it was ended in phase $2"
	[[ $1 == KILL ]] || nothing_left "SIG$1 in phase $2, by itself"
	"$cluster" down
	nothing_left "SIG$1 in phase $2"
}

members() { find /sys/fs/cgroup -path '*/grantor-cluster/*' -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u; }

# killed: everything is killed hard, and the number of the node's process is then somebody else's.
killed() {
	members | xargs kill -KILL 2>/dev/null || true # the first takes others with it
	sleep 300 &
	printf '%s\n' $! >"$run/node/pid"
	"$cluster" kubeconfig 2>/dev/null && die "a stranger was taken for the node"
	"$cluster" up >/dev/null
	kill $! || die "up has ended a process that is not its own"
	say "ok: up after a hard kill"
}

# crashed: without one of its parts the node does not go on as if nothing had happened.
crashed() {
	local pid
	for pid in $(members); do
		[[ $(cat "/proc/$pid/comm" 2>/dev/null) != kube-scheduler ]] || kill -KILL "$pid"
	done
	eventually 30 is_over
	grep -q '^kube-scheduler has ended' "$run/node/failed" || die "the node does not say what has ended"
	"$cluster" kubeconfig 2>/dev/null && die "a cluster without a scheduler is taken for one"
	say "ok: a part that ends"
}

is_over() { [[ -z $(members) ]]; }

main() {
	local node begin
	"$cluster" down
	traces >"$scratch/before"
	begin=$SECONDS
	kubeconfig=$("$cluster" up)
	say "up: $((SECONDS - begin)) s"
	node=$(cat "$run/node/pid") begin=$SECONDS
	[[ $("$cluster" up) == "$kubeconfig" && $("$cluster" kubeconfig) == "$kubeconfig" && $(cat "$run/node/pid") == "$node" ]] ||
		die "up is not idempotent"
	((SECONDS - begin < 10)) || die "up on a cluster that runs took $((SECONDS - begin)) s"
	kubectl=$("$ROOT/hack/controlplane.sh")/kubectl
	workloads
	begin=$SECONDS
	"$cluster" down
	say "down: $((SECONDS - begin)) s"
	nothing_left "down with workloads"
	"$cluster" down
	nothing_left "down without a cluster"
	interrupted KILL "network"
	interrupted INT "API server"
	interrupted KILL "node"
	interrupted TERM "DNS"
	"$cluster" up >/dev/null
	killed
	crashed
	"$cluster" down
	nothing_left "down after a hard kill"
	trap 'rm -rf "$scratch"' EXIT
	say "the cluster does what it should"
}

main
