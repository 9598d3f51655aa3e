package chart

import (
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver"
)

// set changes one value of others, by its path.
func set(values map[string]any, path string, value any) map[string]any {
	parts := strings.Split(path, ".")
	change := map[string]any{parts[len(parts)-1]: value}
	for _, part := range slices.Backward(parts[:len(parts)-1]) {
		change = map[string]any{part: change}
	}
	merge(values, change)
	return values
}

// TestValuesThatDoNotGoTogether: most of them are right by themselves. They are refused in words, with the schema and without.
func TestValuesThatDoNotGoTogether(t *testing.T) {
	const valkey = "tokenServer.valkey."
	declaredIn := func(namespace string) []any {
		return []any{map[string]any{"name": "a", "namespace": namespace, "spec": map[string]any{}}}
	}
	twice := []any{map[string]any{"name": "a", "spec": map[string]any{}}, map[string]any{"name": "a", "namespace": "auth", "spec": map[string]any{}}}
	type changed map[string]any
	for name, tc := range map[string]struct {
		values, mended changed
		says           string
	}{
		"no issuer": {
			changed{"issuer": nil}, changed{"issuer": issuer}, "issuer is required: set it to the base URL of the endpoints as callers see it",
		},
		"an image with a tag": {
			changed{"image.repository": "grantor:v1"}, changed{"image.repository": "grantor"}, `image.repository is "grantor:v1", but must be a name`,
		},
		"an image with a scheme": {
			changed{"image.repository": "https://registry.test/grantor"}, changed{"image.repository": "registry.test/grantor"}, "without scheme, tag and digest",
		},
		"an image by digest": {
			changed{"image.repository": "grantor@sha256:0"}, changed{"image.repository": "grantor"}, "without scheme, tag and digest",
		},
		"no image": {
			changed{"image.repository": ""}, changed{"image.repository": "grantor"}, `image.repository is ""`,
		},
		"callers of a console that none can call": {
			changed{"console.enabled": true, "console.callers": []any{map[string]any{"podSelector": map[string]any{}}}},
			changed{"console.hosts": []any{"console.test"}},
			"console.callers may call the console under console.hosts",
		},
		"many without Valkey": {
			changed{"tokenServer.replicas": 3, valkey + "addresses": []any{}},
			changed{valkey + "addresses": []any{"a:1"}},
			"tokenServer.replicas is 3, but must be at most 1 without tokenServer.valkey.addresses: which assertions were used is held in memory",
		},
		"autoscaling without Valkey": {
			changed{"tokenServer.autoscaling.enabled": true, valkey + "addresses": []any{}},
			changed{valkey + "addresses": []any{"a:1"}},
			"tokenServer.autoscaling.enabled needs tokenServer.valkey.addresses: which assertions were used is held in memory",
		},
		"a route to no Gateway": {
			changed{"httpRoute.enabled": true}, changed{"httpRoute.parentRefs": []any{map[string]any{"name": "g"}}}, "httpRoute.enabled needs httpRoute.parentRefs",
		},
		"a certificate of nobody": {
			changed{"certificate.enabled": true, "tokenServer.tls.secretName": "tls"}, changed{"certificate.issuerRef.name": "i"}, "certificate.enabled needs certificate.issuerRef.name",
		},
		"a certificate without a place": {
			changed{"certificate.enabled": true, "certificate.issuerRef.name": "i"}, changed{"ingress.tlsSecret": "tls"}, "certificate.enabled needs the name of a Secret to put the certificate into",
		},
		"more at least than at most": {
			changed{"tokenServer.autoscaling.enabled": true, "tokenServer.autoscaling.minReplicas": 11},
			changed{"tokenServer.autoscaling.maxReplicas": 11},
			"minReplicas is 11, more than maxReplicas, 10",
		},
		"autoscaling by what is not requested": {
			changed{"tokenServer.autoscaling.enabled": true, "tokenServer.resources": map[string]any{"requests": map[string]any{"cpu": nil}}},
			changed{"tokenServer.resources": map[string]any{"requests": map[string]any{"cpu": "1"}}},
			"set tokenServer.resources.requests.cpu",
		},
		"a Cluster with Sentinels": {
			changed{valkey + "cluster": true, valkey + "sentinelMaster": "m"}, changed{valkey + "cluster": false}, "set cluster or sentinelMaster",
		},
		"a database of a Cluster": {
			changed{valkey + "cluster": true, valkey + "database": 1}, changed{valkey + "database": 0}, "tokenServer.valkey.database must be 0",
		},
		"many servers": {
			changed{valkey + "addresses": []any{"a:1", "b:1"}}, changed{valkey + "sentinelMaster": "m"}, "addresses are several",
		},
		"a password for no Sentinel": {
			changed{valkey + "sentinelPasswordSecret": "vk"}, changed{valkey + "sentinelMaster": "m"}, "have a meaning only with sentinelMaster",
		},
		"a user without a password": {
			changed{valkey + "username": "u"}, changed{valkey + "passwordSecret": "vk"}, "set tokenServer.valkey.passwordSecret",
		},
		"a user of Sentinels without a password": {
			changed{valkey + "sentinelMaster": "m", valkey + "sentinelUsername": "u"},
			changed{valkey + "sentinelPasswordSecret": "vk"},
			"set tokenServer.valkey.sentinelPasswordSecret",
		},
		"authorities without TLS": {
			changed{valkey + "tls.caSecret": "ca"}, changed{valkey + "tls.enabled": true}, "set tokenServer.valkey.tls.enabled",
		},
		"TLS for an issuer without": {
			changed{"issuer": "http://localhost:8080", "tokenServer.tls.secretName": "tls"},
			changed{"issuer": "https://localhost:8080"},
			"issuer must begin with https://",
		},
		"an Ingress for an address": {
			changed{"issuer": "https://10.0.0.1", "ingress.enabled": true}, changed{"issuer": "https://a.test"}, "ingress.enabled is for the host of issuer, which must have a name: 10.0.0.1",
		},
		"a route for an address of IPv6": {
			changed{"issuer": "https://[fd00::1]:8443/a", "httpRoute.enabled": true, "httpRoute.parentRefs": []any{map[string]any{"name": "g"}}},
			changed{"issuer": "https://a.test:8443/a"},
			"httpRoute.enabled is for the host of issuer, which must have a name: [fd00::1]",
		},
		"a certificate for an address": {
			changed{"issuer": "https://10.0.0.1:8443", "certificate.enabled": true, "certificate.issuerRef.name": "i", "tokenServer.tls.secretName": "tls"},
			changed{"issuer": "https://a.test"},
			"certificate.enabled is for the host of issuer",
		},
		"a tenant that is not served": {
			changed{"watchNamespaces": []any{"team-a"}, "metrics.access": "Network", "tokenServer.tenantDomains": map[string]any{"a.test": "team-b"}},
			changed{"watchNamespaces": []any{"team-b"}},
			"a.test stands for namespace team-b, which is not among watchNamespaces",
		},
		"a provider that is not served": {
			changed{"watchNamespaces": []any{"team-a"}, "metrics.access": "Network", "identityProviders": declaredIn("team-b")},
			changed{"identityProviders": declaredIn("team-a")},
			"identityProviders: a is for namespace team-b, which is not among watchNamespaces",
		},
		"a client that is not served": {
			changed{"watchNamespaces": []any{"team-a"}, "metrics.access": "Network", "oauthClients": declaredIn("team-b")},
			changed{"oauthClients": declaredIn("auth")},
			"oauthClients: a is for namespace team-b, which is not among watchNamespaces",
		},
		"a client twice": {
			changed{"oauthClients": twice}, changed{"oauthClients": twice[:1]}, "oauthClients: auth/a is there twice",
		},
		"metrics for the whole cluster": {
			changed{"watchNamespaces": []any{"team-a"}}, changed{"metrics.accessReview": false}, "set metrics.accessReview=false and bind the role system:auth-delegator",
		},
		"a certificate of metrics without a place": {
			changed{"metrics.tls.issuerRef.name": "i"}, changed{"metrics.tls.secretName": "tls"}, "set metrics.tls.secretName",
		},
		"a certificate of metrics without TLS": {
			changed{"metrics.tls.secretName": "tls", "metrics.access": "Network"}, changed{"metrics.access": "Authorized"}, "metrics.tls has a meaning only with",
		},
	} {
		t.Run(name, func(t *testing.T) {
			values := sharing()
			for path, value := range tc.values {
				set(values, path, value)
			}
			for _, flags := range [][]string{nil, {"--skip-schema-validation"}} {
				if _, err := tryRender(t.Context(), "auth", values, flags...); err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v: got %v, want: %s", flags, err, tc.says)
				}
			}
			for path, value := range tc.mended {
				set(values, path, value)
			}
			if _, err := tryRender(t.Context(), "auth", values); err != nil {
				t.Errorf("what was mended is refused: %v", err)
			}
		})
	}
}

// TestLabelsOfTheChart: a label that stands twice would be a broken object, and Helm goes by some of them.
func TestLabelsOfTheChart(t *testing.T) {
	for _, object := range []string{"serviceMonitor", "prometheusRule", "dashboard"} {
		for _, label := range []string{"app.kubernetes.io/name", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"} {
			path := "monitoring." + object + ".labels"
			_, err := tryRender(t.Context(), "auth", with(path, map[string]any{label: "x"}))
			if says := path + ": the chart sets " + label; err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("got %v, want: %s", err, says)
			}
		}
	}
}

// TestIssuers: what the chart takes, the program takes. What it does not take is refused in words.
func TestIssuers(t *testing.T) {
	for text, taken := range map[string]bool{
		"https://auth.example.com": true, "https://Auth.Example.com": true, "https://auth.example.com:8443/tenant/a": true, "https://10.0.0.1": true,
		"https://[fd00::1]:8443": true, "https://auth.example.com/a:b": true, "https://auth.example.com/a:": true, "https://auth.example.com/%C3%A4": true,
		"http://localhost": true, "http://127.0.0.1:8080/a": true, "http://[::1]:8080": true,
		"": false, "auth.example.com": false, "http://auth.example.com": false, "http://localhost.example.com": false, "ftp://auth.example.com": false,
		"https://": false, "https://auth.example.com/": false, "https://auth.example.com//a": false, "https://auth.example.com/a/": false,
		"https://auth.example.com/../a": false, "https://auth.example.com/a/.": false, "https://auth.example.com?tenant=a": false, "https://auth.example.com#a": false,
		"https://user@auth.example.com": false, "https://user:secret@auth.example.com": false, "https://auth.exämple.com": false,
		"https://auth.example.com/ä": false, "https://auth.example.com/a b": false, "https://auth.example.com:port": false, "https://auth.example.com\n": false,
	} {
		_, wrong := tokenserver.CheckIssuer(text)
		for _, flags := range [][]string{nil, {"--skip-schema-validation"}} {
			_, err := tryRender(t.Context(), "auth", with("issuer", text), flags...)
			if (err == nil) != taken || taken && wrong != nil {
				t.Errorf("%q: %v, and the program says %v", text, err, wrong)
			}
			if err != nil && !strings.Contains(err.Error(), "these values cannot work:\nissuer is ") {
				t.Errorf("%q: not said in words: %v", text, err)
			}
		}
	}
}

// TestAllThatIsWrongIsSaid: who mends one value does not find the next.
func TestAllThatIsWrongIsSaid(t *testing.T) {
	values := set(set(sharing(), "tokenServer.valkey.username", "u"), "tokenServer.valkey.cluster", true)
	_, err := tryRender(t.Context(), "auth", set(values, "tokenServer.valkey.database", 1))
	for _, says := range []string{"these values cannot work", "passwordSecret", "must be 0"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want: %s", err, says)
		}
	}
}
