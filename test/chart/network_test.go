package chart

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// network answers what a CNI would let through. Policies are additive: what one of them allows is allowed.
type network []*networkingv1.NetworkPolicy

func newNetwork(t *testing.T, m manifest) network {
	t.Helper()
	var n network
	for _, o := range m.objects {
		if o.GetKind() == "NetworkPolicy" {
			n = append(n, into[networkingv1.NetworkPolicy](t, m, "NetworkPolicy", o.GetName()))
		}
	}
	return n
}

// of returns the policies that select the pods of a component, as a CNI does by their labels.
func (n network) of(component string) (found []*networkingv1.NetworkPolicy) {
	labels := map[string]string{"app.kubernetes.io/name": "grantor", "app.kubernetes.io/component": component}
	for _, p := range n {
		matches := len(p.Spec.PodSelector.MatchExpressions) == 0
		for name, value := range p.Spec.PodSelector.MatchLabels {
			matches = matches && labels[name] == value
		}
		if matches {
			found = append(found, p)
		}
	}
	return found
}

// reaches reports whether pods of a component may connect to an address that is no pod.
func (n network) reaches(component, address string, port int32) bool {
	for _, p := range n.of(component) {
		for _, rule := range p.Spec.Egress {
			if hasPort(rule.Ports, port) && (len(rule.To) == 0 || slices.ContainsFunc(rule.To, func(peer networkingv1.NetworkPolicyPeer) bool {
				return contains(peer.IPBlock, address)
			})) {
				return true
			}
		}
	}
	return false
}

func contains(block *networkingv1.IPBlock, address string) bool {
	if block == nil {
		return false
	}
	ip := netip.MustParseAddr(address)
	for _, except := range block.Except {
		if netip.MustParsePrefix(except).Contains(ip) {
			return false
		}
	}
	return netip.MustParsePrefix(block.CIDR).Contains(ip)
}

func hasPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port.IntVal == port && (p.Protocol == nil || *p.Protocol == corev1.ProtocolTCP)
	})
}

// TestDefaultDeny: each pod is selected by a policy for both directions, so nothing is allowed that no rule names.
func TestDefaultDeny(t *testing.T) {
	for _, set := range valueSets(t) {
		n := newNetwork(t, render(t, defaultNamespace, valueSet(t, set)))
		for _, component := range []string{"operator", "tokenserver", "test"} {
			both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
			for _, p := range n.of(component) {
				if diff := cmp.Diff(both, p.Spec.PolicyTypes); diff != "" {
					t.Errorf("%s: %s is about %v", set, p.Name, p.Spec.PolicyTypes)
				}
			}
			names := []string{}
			for _, p := range n.of(component) {
				names = append(names, p.Name)
			}
			if want := []string{"grantor-default-deny", "grantor-" + component}; !slices.Equal(names, want) {
				t.Errorf("%s: %s is selected by %v, want %v", set, component, names, want)
			}
		}
	}
}

// TestEgress: addresses where the API server is known, and where it is not.
func TestEgress(t *testing.T) {
	const metadataServer, public, public6, private, apiServer, valkey = "169.254.169.254", "198.51.100.7", "2001:db8::7", "10.9.9.9", "10.0.0.1", "10.3.3.3"
	pinned := with("networkPolicy.apiServer.cidrs", []any{apiServer + "/32"})
	fetching := with("networkPolicy.apiServer.cidrs", []any{apiServer + "/32"})
	fetching["keys"] = map[string]any{"fetchFrom": []any{"10.9.0.0/16"}}
	anywhere := with("networkPolicy.apiServer.cidrs", []any{apiServer + "/32"})
	anywhere["keys"] = map[string]any{"fetchFrom": []any{"0.0.0.0/0", "::/0"}}
	insecure := with("networkPolicy.apiServer.cidrs", []any{apiServer + "/32"})
	insecure["keys"] = map[string]any{"allowInsecureURLs": true}
	sharing := with("networkPolicy.valkey.ports", []any{})
	for _, row := range []struct {
		name      string
		values    map[string]any
		component string
		address   string
		port      int32
		want      bool
	}{
		{"the API server", issuerAlone(), "operator", apiServer, 6443, true},
		{"the API server", issuerAlone(), "tokenserver", apiServer, 443, true},
		{"the API server, pinned", pinned, "tokenserver", apiServer, 6443, true},
		{"others than the API server", pinned, "tokenserver", public, 443, false},
		{"others than the API server", pinned, "tokenserver", private, 443, false},
		{"name servers", pinned, "tokenserver", private, 53, true},
		{"name servers", pinned, "operator", private, 53, true},
		{"other ports", issuerAlone(), "tokenserver", public, 8080, false},
		{"a collector, where there is none", issuerAlone(), "tokenserver", private, 4318, false},
		{"a collector", with("tokenServer.tracing.endpoint", "http://collector:4318"), "tokenserver", private, 4318, true},
		{"a collector at the usual port", with("tokenServer.tracing.endpoint", "http://collector/v1/traces"), "tokenserver", private, 80, true},
		{"a collector by TLS", with("tokenServer.tracing.endpoint", "https://collector"), "tokenserver", private, 80, false},
		{"a collector behind a Service", set(with("networkPolicy.tracing.ports", []any{4319}), "tokenServer.tracing.endpoint", "http://collector"), "tokenserver", private, 4319, true},
		{"the port of the collector's Service", with("networkPolicy.tracing.ports", []any{4319}), "tokenserver", private, 4318, false},
		{"a collector, from the operator", with("tokenServer.tracing.endpoint", "http://collector:4318"), "operator", private, 4318, false},
		{"metadata of the cloud", issuerAlone(), "operator", metadataServer, 80, false},
		{"metadata of the cloud", issuerAlone(), "tokenserver", metadataServer, 80, false},
		{"metadata of the cloud, by TLS", pinned, "operator", metadataServer, 443, false},
		{"metadata of the cloud, with everything allowed", anywhere, "operator", metadataServer, 443, false},
		{"metadata of the cloud by IPv6, with everything allowed", anywhere, "operator", "fd00:ec2::254", 443, false},
		{"link-local addresses of IPv6, with everything allowed", anywhere, "operator", "fe80::1", 443, false},
		{"all else, with everything allowed", anywhere, "operator", "fd00::7", 443, true},
		{"all else, with everything allowed", anywhere, "operator", private, 443, true},
		{"this network", pinned, "operator", "0.0.0.1", 443, false},
		{"addresses that providers share", pinned, "operator", "100.64.0.1", 443, false},
		{"loopback addresses", pinned, "operator", "127.0.0.1", 443, false},
		{"private addresses", pinned, "operator", "172.16.0.1", 443, false},
		{"private addresses", pinned, "operator", "192.168.0.1", 443, false},
		{"public key sets", pinned, "operator", public, 443, true},
		{"public key sets", pinned, "operator", public6, 443, true},
		{"key sets by HTTP", pinned, "operator", public, 80, false},
		{"key sets by HTTP, where that will do", insecure, "operator", public, 80, true},
		{"metadata of the cloud, where HTTP will do", insecure, "operator", metadataServer, 80, false},
		{"private key sets", pinned, "operator", private, 443, false},
		{"private key sets", pinned, "operator", "fd00::7", 443, false},
		{"private key sets that are allowed", fetching, "operator", private, 443, true},
		{"private key sets, by the token server", fetching, "tokenserver", private, 443, false},
		{"Valkey, where there is none", issuerAlone(), "tokenserver", valkey, 6379, false},
		{"Valkey", sharing, "tokenserver", valkey, 6379, true},
		{"Valkey, by the operator", sharing, "operator", valkey, 6379, false},
		{"the public port of others, by the test", issuerAlone(), "test", public, 443, false},
	} {
		t.Run(fmt.Sprintf("%s from %s to %s port %d", row.name, row.component, row.address, row.port), func(t *testing.T) {
			if got := newNetwork(t, render(t, "auth", row.values)).reaches(row.component, row.address, row.port); got != row.want {
				t.Errorf("allowed: %t", got)
			}
		})
	}
}

// ingress returns who may connect to pods of a component.
func (n network) ingress(component string) (rules []networkingv1.NetworkPolicyIngressRule) {
	for _, p := range n.of(component) {
		rules = append(rules, p.Spec.Ingress...)
	}
	return rules
}

// TestIngress: callers come to one port, and monitoring to another.
func TestIngress(t *testing.T) {
	http, metrics := networkingv1.NetworkPolicyPort{Port: name("http")}, networkingv1.NetworkPolicyPort{Port: name("metrics")}
	for set, want := range map[string]map[string][]networkingv1.NetworkPolicyPort{
		"default":    {"operator": nil, "tokenserver": {http}, "test": nil},
		"production": {"operator": {metrics}, "tokenserver": {http, metrics}, "test": nil},
	} {
		n := newNetwork(t, render(t, defaultNamespace, valueSet(t, set)))
		for component, ports := range want {
			var got []networkingv1.NetworkPolicyPort
			for _, rule := range n.ingress(component) {
				got = append(got, rule.Ports...)
				if *rule.Ports[0].Port == *metrics.Port && len(rule.From) != 1 {
					t.Errorf("%s: anybody reads metrics of %s", set, component)
				}
			}
			if diff := cmp.Diff(ports, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", set, component, diff)
			}
		}
	}
	// Where callers are listed, what helm test runs is one of them.
	p := into[networkingv1.NetworkPolicy](t, render(t, defaultNamespace, valueSet(t, "production")), "NetworkPolicy", "grantor-tokenserver")
	from := p.Spec.Ingress[0].From
	if len(from) != 2 || from[1].PodSelector.MatchLabels["app.kubernetes.io/component"] != "test" || from[1].NamespaceSelector != nil {
		t.Errorf("callers: %+v", from)
	}
}

// TestIngressByNetwork: where the network alone decides who reads metrics, they are at the port for operations, and monitoring comes
// to that of all pods, the console to that of token servers.
func TestIngressByNetwork(t *testing.T) {
	values := exposedConsole()
	merge(values, map[string]any{
		"metrics": map[string]any{"access": "Network"}, "networkPolicy": map[string]any{"monitoringNamespaces": []any{"monitoring"}},
	})
	n := newNetwork(t, render(t, "auth", values))
	for component, want := range map[string][]string{"operator": {"ops"}, "tokenserver": {"http", "ops", "ops"}, "console": {"pages", "ops"}} {
		var ports []string
		for _, rule := range n.ingress(component) {
			for _, p := range rule.Ports {
				ports = append(ports, p.Port.StrVal)
				if p.Port.StrVal == "ops" && len(rule.From) != 1 {
					t.Errorf("anybody reads metrics of %s", component)
				}
			}
		}
		if !slices.Equal(ports, want) {
			t.Errorf("%s is called at %v, not %v", component, ports, want)
		}
	}
}

func name(port string) *intstr.IntOrString {
	p := intstr.FromString(port)
	return &p
}

// TestPortsHaveNames: the policies name ports, so the pods must.
func TestPortsHaveNames(t *testing.T) {
	for deployment, want := range map[string][]string{"grantor-operator": {"metrics", "ops"}, "grantor-tokenserver": {"http", "metrics", "ops"}} {
		var got []string
		for _, p := range render(t, "auth", issuerAlone()).deployments(t)[deployment].Spec.Template.Spec.Containers[0].Ports {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the ports %v", deployment, got)
		}
	}
}
