package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/grantor-dev/grantor/tokenserver"
)

// TestRoutes: host and paths are those of the issuer, and the path at which its metadata is looked for (RFC 8414 §3.1).
func TestRoutes(t *testing.T) {
	for issuer, want := range map[string]struct {
		host  string
		paths []string
	}{
		"https://auth.example.com":           {"auth.example.com", []string{"/"}},
		"https://auth.example.com:8443":      {"auth.example.com", []string{"/"}},
		"https://auth.example.com/tenant/a":  {"auth.example.com", []string{"/tenant/a", tokenserver.PathMetadata + "/tenant/a"}},
		"https://Auth.Example.com":           {"auth.example.com", []string{"/"}},
		"https://auth.example.com/a:":        {"auth.example.com", []string{"/a:", tokenserver.PathMetadata + "/a:"}},
		"https://auth.example.com:8443/auth": {"auth.example.com", []string{"/auth", tokenserver.PathMetadata + "/auth"}},
	} {
		t.Run(issuer, func(t *testing.T) {
			values := with("httpRoute.enabled", true)
			merge(values, with("ingress.enabled", true))
			merge(values, map[string]any{
				"issuer":      issuer,
				"tokenServer": map[string]any{"service": map[string]any{"port": 8443}, "tls": map[string]any{"secretName": "edge"}},
				"certificate": map[string]any{"enabled": true, "issuerRef": map[string]any{"name": "internal"}},
			})
			m := render(t, "auth", values)

			checkIngress(t, m, want.host, want.paths)
			checkHTTPRoute(t, m, want.host, want.paths)
			certificate := m.get(t, "Certificate", "grantor-tokenserver").Object
			names, _, err := unstructured.NestedStringSlice(certificate, "spec", "dnsNames")
			if diff := cmp.Diff([]string{want.host}, names); err != nil || diff != "" {
				t.Errorf("Certificate: %v %s", err, diff)
			}
			if secret, _, err := unstructured.NestedString(certificate, "spec", "secretName"); err != nil || secret != "edge" {
				t.Errorf("Certificate: %q, %v", secret, err)
			}
		})
	}
}

func checkIngress(t *testing.T, m manifest, host string, want []string) {
	t.Helper()
	rule := into[networkingv1.Ingress](t, m, "Ingress", "grantor-tokenserver").Spec.Rules[0]
	var paths []string
	for _, p := range rule.HTTP.Paths {
		paths = append(paths, p.Path)
		if p.Backend.Service.Name != "grantor-tokenserver" || p.Backend.Service.Port.Number != 8443 || *p.PathType != networkingv1.PathTypePrefix {
			t.Errorf("Ingress: %+v", p)
		}
	}
	if diff := cmp.Diff(want, paths); diff != "" || rule.Host != host {
		t.Errorf("Ingress: %s %s", rule.Host, diff)
	}
}

func checkHTTPRoute(t *testing.T, m manifest, host string, paths []string) {
	t.Helper()
	matches := []any{}
	for _, p := range paths {
		matches = append(matches, map[string]any{"path": map[string]any{"type": "PathPrefix", "value": p}})
	}
	want := map[string]any{
		"parentRefs": []any{map[string]any{"name": "gateway"}},
		"hostnames":  []any{host},
		"rules": []any{map[string]any{
			"matches":     matches,
			"backendRefs": []any{map[string]any{"name": "grantor-tokenserver", "port": float64(8443)}},
		}},
	}
	if diff := cmp.Diff(want, m.get(t, "HTTPRoute", "grantor-tokenserver").Object["spec"]); diff != "" {
		t.Errorf("HTTPRoute (-want +got):\n%s", diff)
	}
}

// TestCertificateAtTheEdge: where TLS ends before the server, the certificate is that of the Ingress alone.
func TestCertificateAtTheEdge(t *testing.T) {
	spec, _ := render(t, "auth", with("certificate.enabled", true)).get(t, "Certificate", "grantor-tokenserver").Object["spec"].(map[string]any)
	if diff := cmp.Diff([]any{"grantor.example.com"}, spec["dnsNames"]); diff != "" || spec["secretName"] != "edge-tls" {
		t.Errorf("%v: %s", spec["secretName"], diff)
	}
}
