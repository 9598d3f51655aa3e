package tokenserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// withTenants is a fixture in which example.com stands for team-a, and team-b has the client b1, which may use the providers
// of team-a.
func withTenants(t *testing.T, changes ...func(*Config)) *fixture {
	t.Helper()
	f := newFixture(t, append(changes, func(c *Config) { c.TenantDomains = map[string]string{"example.com": "team-a"} })...)
	f.addClients()
	f.store.Update(func(tx *trust.Tx) {
		b := f.client("b1")
		b.Key.Namespace = "team-b"
		tx.PutClient(b)
		for name, issuer := range map[string]string{"a": idpA, "b": idpB} {
			p := provider(name, issuer)
			p.ClientNamespaces = trust.Namespaces{Names: []string{"team-b"}}
			tx.PutProvider(p)
		}
	})
	return f
}

func (f *fixture) serial(name string) string {
	f.serials++
	return fmt.Sprint(name, f.serials)
}

// What a tenant is called in the path or the query decides who is there, and the path alone decides the issuer.
func TestTenants(t *testing.T) {
	f := withTenants(t)
	const otherTenant, mismatch = oauth.ReasonOtherTenant, oauth.ReasonTenantMismatch
	for name, tc := range map[string]struct {
		target, client string
		issuer         string // of the token
		reason         oauth.Reason
	}{
		"W-11 whole server":                 {PathToken, "c1", server, ""},
		"W-11 by query":                     {PathToken + "?tenantDomain=team-a", "c1", server, ""},
		"W-11 by domain in the query":       {PathToken + "?tenantDomain=example.com", "c1", server, ""},
		"W-11 other tenant by query":        {PathToken + "?tenantDomain=team-a", "b1", "", otherTenant},
		"W-11 other tenant by domain":       {PathToken + "?tenantDomain=example.com", "b1", "", otherTenant},
		"W-11 unknown domain":               {PathToken + "?tenantDomain=example.org", "c1", "", otherTenant},
		"W-11 capitals":                     {PathToken + "?tenantDomain=Example.com", "c1", "", otherTenant},
		"W-11 garbage":                      {PathToken + "?tenantDomain=..%2Fteam-a", "c1", "", otherTenant},
		"by path":                           {"/t/team-a/oauth2/token", "c1", server + "/t/team-a", ""},
		"by path, other endpoint":           {"/t/team-a/token", "c1", server + "/t/team-a", ""},
		"by domain in the path":             {"/t/example.com/oauth2/token", "c1", server + "/t/example.com", ""},
		"other tenant by path":              {"/t/team-b/oauth2/token", "c1", "", otherTenant},
		"other tenant's client":             {"/t/team-a/oauth2/token", "b1", "", otherTenant},
		"its own tenant":                    {"/t/team-b/oauth2/token", "b1", server + "/t/team-b", ""},
		"tenant that is not there":          {"/t/nobody/oauth2/token", "c1", "", otherTenant},
		"path and query agree":              {"/t/team-a/oauth2/token?tenantDomain=team-a", "c1", server + "/t/team-a", ""},
		"path and query agree by domain":    {"/t/team-a/oauth2/token?tenantDomain=example.com", "c1", server + "/t/team-a", ""},
		"path and query differ":             {"/t/team-a/oauth2/token?tenantDomain=team-b", "c1", "", mismatch},
		"path and query differ, other side": {"/t/team-b/oauth2/token?tenantDomain=team-a", "c1", "", mismatch},
		"query is empty":                    {"/t/team-a/oauth2/token?tenantDomain=", "c1", "", oauth.ReasonMalformedTenant},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.call(tc.client, f.assertion(idpB, f.serial("jti-")))
			c.target = tc.target
			a := f.send(t, c.request())
			if a.reason != string(tc.reason) || (a.status == http.StatusOK) != (tc.reason == "") {
				t.Fatalf("got %d for %q, want %q", a.status, a.reason, tc.reason)
			}
			if tc.reason == "" && claimsOf(t, a.token())["iss"] != tc.issuer {
				t.Errorf("iss is %v, want %s", claimsOf(t, a.token())["iss"], tc.issuer)
			}
		})
	}
}

// The default audience of a token is the issuer that made it, and introspection of a tenant knows its tokens alone.
func TestTokensOfTenants(t *testing.T) {
	f := withTenants(t)
	mint := func(base string) string {
		c := f.call("c1", f.assertion(idpB, f.serial("jti-")))
		c.target = base + PathToken
		a := f.send(t, c.request())
		if aud := claimsOf(t, a.token())["aud"]; aud != server+base {
			t.Errorf("the token of %s is for %v", server+base, aud)
		}
		return a.token()
	}
	bases := []string{"", "/t/team-a", "/t/example.com"}
	for _, minted := range bases {
		token := mint(minted)
		for _, asked := range bases {
			c := f.call("c1", "")
			c.target, c.form = asked+PathIntrospection, url.Values{"token": {token}}
			if a := f.send(t, c.request()); a.status != http.StatusOK || a.body["active"] != (asked == minted) {
				t.Errorf("a token of %q is %s at %q", minted, a.text, asked)
			}
		}
	}
}

// draft-ietf-oauth-identity-assertion-authz-grant §4.4.1: an ID-JAG names the issuer that it is presented to, and no other of
// ours, though the provider's aliases hold them all.
func TestIDJAGAtTenants(t *testing.T) {
	f := withTenants(t)
	issuers := []string{server, server + "/t/team-a", server + "/t/example.com", server + "/t/team-b"}
	f.change(func(p *trust.Provider) {
		asIDJAG(p)
		p.AudienceAliases = issuers
	}, nil)
	for _, asked := range []string{"", "/t/team-a", "/t/example.com"} {
		for _, audience := range issuers {
			c := f.call("c1", f.idJAG("aud", jwttest.Quote(audience), "jti", jwttest.Quote(f.serial("jag-"))))
			c.target = asked + PathToken
			want := oauth.ReasonAudienceMismatch
			if audience == server+asked {
				want = ""
			}
			if a := f.send(t, c.request()); a.reason != string(want) || (a.status == http.StatusOK) != (want == "") {
				t.Errorf("for %s at %q: got %d for %q, want %q", audience, asked, a.status, a.reason, want)
			}
		}
	}
}

// S-01, S-02: a client assertion names the issuer that it is presented to, and no other of ours.
func TestClientAssertionsAtTenants(t *testing.T) {
	f := withTenants(t)
	for _, asked := range []string{"", "/t/team-a", "/t/example.com"} {
		for _, audience := range []string{server, server + "/t/team-a", server + "/t/example.com", server + "/t/team-b"} {
			claims := f.claims("key1", f.serial("c-")).Set("sub", `"key1"`).Set("aud", jwttest.Quote(audience))
			c := f.without(f.assertion(idpB, f.serial("jti-"))).asserting(sign("key1", claims))
			c.target = asked + PathToken
			want := http.StatusUnauthorized
			if audience == server+asked {
				want = http.StatusOK
			}
			if a := f.send(t, c.request()); a.status != want {
				t.Errorf("an assertion for %s gets %d at %q for %s", audience, a.status, asked, a.reason)
			}
		}
	}
}

// E-11, W-42: what any of our issuers signs is no assertion, wherever it is presented, even if somebody declares that issuer.
func TestTokensOfTenantsAreNoAssertions(t *testing.T) {
	f := withTenants(t)
	issuers := []string{server, server + "/t/team-a", server + "/t/example.com", server + "/t/nobody"}
	f.store.Update(func(tx *trust.Tx) {
		for i, issuer := range issuers {
			p := provider("own", issuer)
			p.Key.Name = fmt.Sprint("own-", i)
			tx.PutProvider(p)
		}
		c := f.client("c1")
		c.Providers = nil
		tx.PutClient(c)
	})
	for _, issuer := range issuers {
		for _, asked := range []string{"", "/t/team-a"} {
			c := f.call("c1", f.assertion(issuer, f.serial("jti-")))
			c.target = asked + PathToken
			if a := f.send(t, c.request()); a.reason != string(oauth.ReasonSelfIssued) {
				t.Errorf("an assertion of %s gets %d for %q at %q", issuer, a.status, a.reason, asked)
			}
		}
	}
}

// P-03: the documents of a tenant agree with each other and with where they are (RFC 8414 §3.3), for every name that could
// be one, whether there is such a tenant or not.
func TestMetadataOfTenants(t *testing.T) {
	for _, prefix := range []string{"", "/a/%C3%BC"} {
		f := withTenants(t, func(c *Config) { c.Issuer += prefix })
		whole := f.at(t, http.MethodGet, PathMetadata+prefix)
		for _, name := range []string{"team-a", "example.com", "nobody", "x", strings.Repeat("a.", 126) + "a"} {
			issuer := server + prefix + "/t/" + name
			for _, path := range []string{
				PathMetadata + prefix + "/t/" + name, prefix + "/t/" + name + PathOpenIDMetadata, "/t/" + name + PathOpenIDMetadata,
			} {
				a := f.at(t, http.MethodGet, path)
				if a.status != http.StatusOK || a.body["issuer"] != issuer {
					t.Fatalf("%s is %d: %s", path, a.status, a.text)
				}
				f.checkURLs(t, issuer, a.body)
			}
			a := f.at(t, http.MethodGet, PathMetadata+prefix+"/t/"+name)
			if diff := cmp.Diff(strings.ReplaceAll(whole.text, server+prefix, issuer), a.text); diff != "" {
				t.Errorf("a tenant has other metadata than the whole server: %s", diff)
			}
		}
		if a, b := f.at(t, http.MethodGet, PathJWKS), f.at(t, http.MethodGet, "/t/team-a"+PathJWKS); a.text != b.text || b.status != http.StatusOK {
			t.Errorf("the keys of a tenant are %d: %s", b.status, b.text)
		}
	}
}

// checkURLs: every URL of a document is below the issuer and leads to an endpoint.
func (f *fixture) checkURLs(t *testing.T, issuer string, document map[string]any) {
	t.Helper()
	for member, value := range document {
		text, ok := value.(string)
		if !ok || member == "issuer" {
			continue
		}
		path, below := strings.CutPrefix(text, issuer)
		if _, there := f.endpoints[path]; !below || !there {
			t.Errorf("%s is %s", member, text)
		}
		if a := f.at(t, http.MethodGet, strings.TrimPrefix(text, server)); a.status == http.StatusNotFound {
			t.Errorf("%s leads to nothing: %s", member, text)
		}
	}
}

// no other spelling of a tenant's path leads anywhere.
func TestOtherPathsOfTenants(t *testing.T) {
	f := withTenants(t)
	for _, path := range []string{
		"/t", "/t/", "/t//oauth2/token", "/t/team-a", "/t/team-a/", "/t/team-a//oauth2/token", "/t/team-a/oauth2/token/", "/t/Team-A/oauth2/token",
		"/T/team-a/oauth2/token", "/t/team%2Da/oauth2/token", "/t/%74eam-a/oauth2/token", "/t/team-a%2Foauth2%2Ftoken", "/t/team-a%2foauth2/token",
		"/t/../oauth2/token", "/t/./oauth2/token", "/t/../t/team-a/oauth2/token", "/t/team-a/../team-b/oauth2/token", "/t/team-a/t/team-b/oauth2/token",
		"/t/-team/oauth2/token", "/t/team-/oauth2/token", "/t/.team/oauth2/token", "/t/team./oauth2/token", "/t/a..b/oauth2/token",
		"/t/team_a/oauth2/token", "/t/team a/oauth2/token", "/t/team-a%00/oauth2/token", "/t/team-a;x/oauth2/token", "/t/te\u00e4m/oauth2/token",
		"/t/" + strings.Repeat("a", 64) + "/oauth2/token", "/t/" + strings.Repeat("a.", 127) + "a/oauth2/token",
		"/t/team-a/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/t/", "/.well-known/oauth-authorization-server/t",
		"/.well-known/oauth-authorization-server/t/team-a/", "/.well-known/oauth-authorization-server/t/Team-A",
		"/.well-known/oauth-authorization-server/t/team-a/oauth2/token", "/.well-known/openid-configuration/t/team-a", "/oauth2/t/team-a/token",
		"/t/team-a/metrics", "/t/team-a/debug/pprof/",
	} {
		t.Run("A-21 P-07 "+path, func(t *testing.T) {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				c := f.call("c1", f.assertion(idpA, "1"))
				r := c.request()
				r.Method = method
				u, err := url.Parse(server + strings.ReplaceAll(path, " ", "%20"))
				if err != nil {
					t.Fatal(err)
				}
				r.URL = u
				if a := f.send(t, r); a.status != http.StatusNotFound || a.header.Get("Location") != "" {
					t.Errorf("%s gets %d: %s", method, a.status, a.text)
				}
			}
		})
	}
}

// A-20, P-04: what every tenant has takes the methods that the whole server's takes.
func TestMethodsOfTenants(t *testing.T) {
	f := withTenants(t)
	for path, rt := range f.endpoints {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodOptions} {
			whole, tenant := f.at(t, method, path), f.at(t, method, "/t/team-b"+path)
			if (whole.status == http.StatusMethodNotAllowed) != (tenant.status == http.StatusMethodNotAllowed) || whole.header.Get("Allow") != tenant.header.Get("Allow") {
				t.Errorf("%s %s is %d, for a tenant %d", method, path, whole.status, tenant.status)
			}
		}
		if len(rt.methods) == 0 {
			t.Errorf("%s takes no method", path)
		}
	}
}

// Whether a tenant exists does not show in any answer: neither that of its documents, nor that to somebody unknown.
func TestTenantsAreNoOracle(t *testing.T) {
	f := withTenants(t)
	for name, answer := range map[string]func(tenant string) answer{
		"metadata": func(tenant string) answer { return f.at(t, http.MethodGet, PathMetadata+"/t/"+tenant) },
		"keys":     func(tenant string) answer { return f.at(t, http.MethodGet, "/t/"+tenant+PathJWKS) },
		"unknown client": func(tenant string) answer {
			c := f.call("nobody", "x")
			c.target = "/t/" + tenant + PathToken
			return f.send(t, c.request())
		},
		"client of another": func(tenant string) answer {
			c := f.call("c1", "x")
			c.target = "/t/" + tenant + PathToken
			return f.send(t, c.request())
		},
	} {
		there, nowhere := answer("team-b"), answer("team-c")
		there.header.Del("ETag")
		nowhere.header.Del("ETag")
		if diff := cmp.Diff(strings.ReplaceAll(there.text, "team-b", "team-c"), nowhere.text) + cmp.Diff(there.header, nowhere.header); diff != "" || there.status != nowhere.status {
			t.Errorf("%s: %d and %d: %s", name, there.status, nowhere.status, diff)
		}
	}
}

// The issuer of a tenant is made of configuration and its checked name: nothing else of a request has a part in it.
func TestIssuersOfTenantsIgnoreTheRequest(t *testing.T) {
	f := withTenants(t)
	r := ask(http.MethodGet, "/t/team-a"+PathOpenIDMetadata+"?tenantDomain=team-b&issuer=https://evil.test", "")
	r.Host = "evil.test"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Original-Url"} {
		r.Header.Set(name, "evil.test")
	}
	if a := f.send(t, r); strings.Contains(a.text, "evil") || a.body["issuer"] != server+"/t/team-a" {
		t.Errorf("got %s", a.text)
	}
}

// the record says to which tenant a request was narrowed.
func TestAuditOfTenant(t *testing.T) {
	f := withTenants(t)
	for target, want := range map[string]any{
		PathToken: nil, PathToken + "?tenantDomain=example.com": "team-a", "/t/example.com/oauth2/token": "team-a", "/t/team-b/oauth2/token": "team-b",
	} {
		c := f.call("c1", "x")
		c.target = target
		f.send(t, c.request())
		if records := f.records(t); records[len(records)-1]["tenant"] != want {
			t.Errorf("the record of %s is %v, want the tenant %v", target, records[len(records)-1], want)
		}
	}
}

func TestCheckTenantDomain(t *testing.T) {
	for pair, ok := range map[string]bool{
		"example.com=team-a": true, "carbon.super=a": true, "a.b-c.d0=0": true,
		"example=team-a": false, "Example.com=team-a": false, "example.com=team.a": false, "example.com=": false, "=team-a": false,
		"example.com/x=team-a": false, ".com=team-a": false, "com.=team-a": false, "b\u00fccher.example=team-a": false, "example.com=Team": false,
	} {
		domain, namespace, _ := strings.Cut(pair, "=")
		if err := CheckTenantDomain(domain, namespace); (err == nil) != ok {
			t.Errorf("%s: %v", pair, err)
		}
		config := newFixture(t).config
		config.TenantDomains, config.Metrics = map[string]string{domain: namespace}, prometheus.NewRegistry()
		if _, err := NewHandler(config); !ok && (err == nil || !strings.Contains(err.Error(), "none")) {
			t.Errorf("NewHandler takes %s: %v", pair, err)
		}
	}
}

// FuzzTenantPath: whatever the path, what it leads to is an issuer of ours with a well-formed name.
func FuzzTenantPath(f *testing.F) {
	for _, path := range []string{"/t/team-a/oauth2/token", PathMetadata + "/t/a.b", "/t/../oauth2/token", "/t/%2e/token"} {
		f.Add(path)
	}
	h := newFixture(f).Handler
	f.Fuzz(func(t *testing.T, path string) {
		_, at, ok := h.find(path)
		if !ok {
			return
		}
		name, tenant := strings.CutPrefix(at.issuer, server+"/t/")
		if at.issuer != server && (!tenant || !isTenantName(name) || !strings.Contains(path, "/t/"+name)) {
			t.Errorf("%q leads to %s", path, at.issuer)
		}
		if b, err := json.Marshal(at.issuer); err != nil || string(b) != `"`+at.issuer+`"` {
			t.Errorf("%q leads to %s", path, at.issuer)
		}
	})
}
