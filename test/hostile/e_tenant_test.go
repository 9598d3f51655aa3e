package hostile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// tenants: every namespace is an authorization server of its own, beside the whole one.
func tenants(t *testing.T, _ *world) {
	w := newWorld(t, startServer(t, serverOptions{flags: []string{"--tenant-domain", "example.com=ns-a"}}))
	at := func(target, id string) *request {
		r := exchange(assertion(fromB()))
		r.target = target
		r.as(id)
		return r
	}
	for target, issuer := range map[string]string{
		"/oauth2/token?tenantDomain=example.com": "", "/t/ns-a/oauth2/token": "/t/ns-a", "/t/example.com/token": "/t/example.com",
		"/t/ns-a/oauth2/token?tenantDomain=example.com": "/t/ns-a",
	} {
		w.asTenant(issuer).send(t, at(target, "c1")).check(t, w.asTenant(issuer), granted)
		w.send(t, at(target, "b1")).check(t, w, invalidClient)
	}
	w.send(t, at("/t/ns-b/oauth2/token", "c1")).check(t, w, invalidClient)
	w.send(t, at("/t/nowhere/oauth2/token", "c1")).check(t, w, invalidClient)
	w.send(t, at("/t/ns-a/oauth2/token?tenantDomain=ns-b", "c1")).check(t, w, invalidRequest)
	for _, path := range []string{
		"/t/NS-A/oauth2/token", "/t/ns%2Da/oauth2/token", "/t/ns-a%2Foauth2/token", "/t/../oauth2/token", "/t/ns-a/../ns-b/oauth2/token", "/t//oauth2/token",
		"/t/ns-a/oauth2/token/", "/t/ns_a/oauth2/token", "/t/ns-a;x=y/oauth2/token", "/t/ns-a/t/ns-b/oauth2/token", "/t/" + strings.Repeat("a", 300) + "/oauth2/token",
	} {
		w.send(t, at(path, "c1")).check(t, w, notFound)
	}
	w.checkAfter(t)
}

// asTenant is the same server as a tenant sees it.
func (w *world) asTenant(path string) *world {
	tenant, s := *w, *w.server
	s.issuer += path
	tenant.server = &s
	return &tenant
}

// tenantDocuments: what a tenant publishes agrees with itself, and nobody can see whether there is one.
func tenantDocuments(t *testing.T, w *world) {
	for _, name := range []string{"ns-a", "ns-b", "nowhere", "example.org"} {
		for _, target := range []string{"/.well-known/oauth-authorization-server/t/" + name, "/t/" + name + "/.well-known/openid-configuration"} {
			var m struct {
				Issuer        string `json:"issuer"`
				TokenEndpoint string `json:"token_endpoint"`
				JWKSURI       string `json:"jwks_uri"`
			}
			w.document(t, target, &m)
			if issuer := w.issuer + "/t/" + name; m.Issuer != issuer || m.TokenEndpoint != issuer+"/oauth2/token" || m.JWKSURI != issuer+"/oauth2/jwks" {
				t.Errorf("%s is %+v", target, m)
			}
		}
	}
	for _, path := range []string{"NS-A", "ns%2da", "", "..", "ns-a/", "ns_a", "ns-a/x", "-a", "a-"} {
		w.get(t, "/.well-known/oauth-authorization-server/t/"+path).check(t, w, notFound)
	}
}

// selfIssuedByTenant: what this server signs as a tenant is no assertion, to the tenant or to anybody.
func selfIssuedByTenant(t *testing.T, w *world) {
	tenant := w.asTenant("/t/ns-a")
	r := r0()
	r.target = "/t/ns-a/oauth2/token"
	got := tenant.send(t, r)
	got.check(t, tenant, granted)
	token, _ := got.members["access_token"].(string)
	for _, presented := range []string{token, assertion(claim("iss", jwttest.Quote(w.issuer+"/t/ns-a"))), assertion(claim("iss", jwttest.Quote(w.issuer+"/t/nowhere")))} {
		for _, target := range []string{"/oauth2/token", "/t/ns-a/oauth2/token"} {
			r := exchange(presented)
			r.target = target
			w.send(t, r).check(t, w, invalidGrant)
			if reason := w.lastRecord(t).text("reason"); reason != "self_issued" && reason != "type_not_accepted" {
				t.Errorf("refused for %s", reason)
			}
		}
	}
}

// cachesOfDocuments: public documents may be kept no longer than keys are published ahead, and are told by a tag.
func cachesOfDocuments(t *testing.T, w *world) {
	for _, target := range append(documents, "/.well-known/oauth-authorization-server/t/ns-a") {
		full := w.get(t, target)
		var age int
		if _, err := fmt.Sscanf(full.header.Get("Cache-Control"), "public, max-age=%d", &age); err != nil || age < 1 || age > 300 {
			t.Errorf("%s may be cached as %q", target, full.header.Get("Cache-Control"))
		}
		r := &request{method: "GET", target: target, header: map[string][]string{"If-None-Match": {full.header.Get("ETag")}}}
		if got := w.send(t, r); got.status != 304 || len(got.body) != 0 || got.header.Get("Cache-Control") == "" {
			t.Errorf("%s with its tag is %d %s", target, got.status, got.body)
		}
		r.header.Set("If-None-Match", `"other"`)
		if got := w.send(t, r); got.status != 200 || string(got.body) != string(full.body) {
			t.Errorf("%s with another tag is %d", target, got.status)
		}
	}
}
