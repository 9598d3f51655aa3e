#!/usr/bin/env bash
# The node's first process: starts the parts of the cluster in order, says in /node/phase what it does, and makes /node/ready
# when everything runs. Ends as soon as one of them ends, and everything with it.
set -euo pipefail
umask 077
export HOME=/root PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin KUBECONFIG=/node/kubeconfig
readonly address=198.18.77.2 services=10.96.0.0/16 pods=10.244.0.0/24 pki=/node/pki config=/node/config
declare -A parts=()

phase() {
	printf '%s\n' "$*" >/node/phase.new
	mv /node/phase.new /node/phase
}

fail() {
	printf '%s\n' "$*" >/node/failed
	exit 1
}

# part NAME COMMAND...: starts a part of the cluster.
part() {
	# What it makes for pods must be readable for any user.
	(umask 022 && exec "${@:2}") </dev/null >"/var/log/$1.log" 2>&1 &
	parts[$!]=$1
}

# alive ends the node when a part has ended.
alive() {
	local pid
	for pid in "${!parts[@]}"; do
		kill -0 "$pid" 2>/dev/null || fail "${parts[$pid]} has ended: see its log"
	done
}

# until_done COMMAND...: repeats the command until it succeeds. Who waits for the node bounds the time.
until_done() {
	until "$@" >/dev/null 2>&1; do
		alive
		sleep 0.2
	done
}

network() {
	until_done ip link show eth0
	ip link set lo up
	ip addr add "$address/30" dev eth0
	ip link set eth0 up
	# No default route: nothing leaves the machine. A part of the cluster that calls a service needs a route to be looked at
	# before kube-proxy's rules turn it.
	ip route add "$services" dev eth0 src "$address"
	echo 1 >/proc/sys/net/ipv4/ip_forward
	# The machine that carries the node knows no way to the pods.
	nft -f - <<-RULES
		table ip node {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				ip saddr $pods ip daddr != $pods oifname "eth0" masquerade
			}
		}
	RULES
}

# certificate NAME SUBJECT EXTENSIONS: a key and a certificate of the cluster's authority.
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/$1.key" -out "$pki/$1.csr" -subj "$2"
	printf '%s\n' "$3" >"$pki/$1.ext"
	openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 365 \
		-extfile "$pki/$1.ext" -out "$pki/$1.crt"
}

certificates() {
	mkdir "$pki"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/ca.key" -out "$pki/ca.crt" -days 365 \
		-subj /CN=grantor-cluster
	certificate apiserver /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,IP:$address,DNS:localhost,$(
		printf 'DNS:%s,' kubernetes kubernetes.default kubernetes.default.svc
	)DNS:kubernetes.default.svc.cluster.local"
	certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client extendedKeyUsage=clientAuth
	openssl genrsa -out "$pki/serviceaccount.key" 2048
	openssl rsa -in "$pki/serviceaccount.key" -pubout -out "$pki/serviceaccount.pub"
}

# user NAME USER GROUP: a bearer token for the user, and a kubeconfig that holds it.
user() {
	local token
	token=$(openssl rand -hex 16)
	printf '%s,%s,%s,%s\n' "$token" "$2" "$2" "$3" >>/node/tokens.csv
	cat >"/node/$1" <<-CONFIG
		apiVersion: v1
		kind: Config
		clusters:
		  - name: grantor
		    cluster: {server: "https://$address:6443", certificate-authority-data: $(base64 -w 0 "$pki/ca.crt")}
		users: [{name: "$2", user: {token: $token}}]
		contexts: [{name: grantor, context: {cluster: grantor, user: "$2"}}]
		current-context: grantor
	CONFIG
}

users() {
	user kubeconfig admin system:masters
	user kubelet.kubeconfig system:node:node system:nodes
	user kube-controller-manager.kubeconfig system:kube-controller-manager ""
	user kube-scheduler.kubeconfig system:kube-scheduler ""
	user kube-proxy.kubeconfig system:kube-proxy ""
}

apiserver() {
	local issuer=https://kubernetes.default.svc.cluster.local
	part etcd etcd --data-dir=/node/etcd --unsafe-no-fsync --listen-client-urls=http://127.0.0.1:2379 \
		--advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380
	part kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --secure-port=6443 \
		--advertise-address="$address" --service-cluster-ip-range="$services" --allow-privileged=true \
		--tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
		--client-ca-file="$pki/ca.crt" --token-auth-file=/node/tokens.csv \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
		--service-account-issuer="$issuer" --service-account-jwks-uri="$issuer/openid/v1/jwks" \
		--service-account-key-file="$pki/serviceaccount.pub" --service-account-signing-key-file="$pki/serviceaccount.key" \
		--kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
		--kubelet-preferred-address-types=InternalIP
}

runtime() {
	local image plugins=/usr/lib/cni
	[[ -x $plugins/ptp ]] || plugins=/usr/libexec/cni
	sed -i "s|CNI_PLUGINS|$plugins|" "$config/containerd.toml"
	part containerd containerd --config "$config/containerd.toml"
	until_done ctr version
	for image in /opt/bin/*.tar; do
		ctr -n k8s.io images import "$image"
	done
}

controllers() {
	part kube-controller-manager kube-controller-manager --kubeconfig=/node/kube-controller-manager.kubeconfig \
		--bind-address=127.0.0.1 --leader-elect=false --use-service-account-credentials=true \
		--root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/serviceaccount.key"
	part kube-scheduler kube-scheduler --kubeconfig=/node/kube-scheduler.kubeconfig --bind-address=127.0.0.1 --leader-elect=false
	part kube-proxy kube-proxy --config="$config/kube-proxy.yaml"
	part kubelet kubelet --config="$config/kubelet.yaml" --kubeconfig=/node/kubelet.kubeconfig \
		--hostname-override=node --node-ip="$address" --root-dir=/var/lib/kubelet
}

node_is_ready() { kubectl wait --for=condition=Ready node/node --timeout=1s; }

dns_is_ready() { kubectl -n kube-system wait --for=condition=Available deployment/coredns --timeout=1s; }

main() {
	phase "network and certificates"
	network
	certificates
	users
	phase "API server and container runtime"
	apiserver
	runtime
	until_done kubectl get --raw /readyz
	phase "node"
	controllers
	until_done kubectl apply -f "$config/coredns.yaml"
	until_done node_is_ready
	phase "DNS"
	until_done dns_is_ready
	# Without it the first pod of somebody else would be refused.
	until_done kubectl -n default get serviceaccount default
	phase "ready"
	touch /node/ready
	wait -n "${!parts[@]}" || true
	alive
}

main
