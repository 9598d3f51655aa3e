package hostile

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// scopeRows: the parameters scope (RFC 6749 §3.3) and resource (RFC 8707). c1 may have read, write and admin:own.
func scopeRows() []row {
	scopes := func(list ...string) []variant { return values("scope", list...) }
	return []row{
		{id: "J-01", name: "scope-unknown", want: invalidScope, send: scopes("nope", "READ", "rea", "reads", "nope nada", "read,write", "*", "read*", "admin:*")},
		{id: "J-02", name: "scope-not-granted", want: invalidScope, send: scopes("admin", "admin:other", "openid", "offline_access")},
		{id: "J-02", name: "scope-reduced", want: granted, send: scopes("read admin", "admin read", "nope read nada"), after: scopeIs("read")},
		{id: "J-02", name: "scope-of-the-provider", want: granted, send: ordered(map[string]string{"asked": "write read", "all": ""}, func(scope string) *request {
			r := exchange(assertion(fromNamed("idp-scopes")))
			r.set("scope", scope)
			return r
		}), after: scopeIs("read")},
		{id: "J-02", name: "scope-not-of-the-provider", want: invalidScope, send: ordered(map[string]string{"client's": "write", "provider's": "other"}, func(scope string) *request {
			r := exchange(assertion(fromNamed("idp-scopes")))
			r.set("scope", scope)
			return r
		})},
		{id: "J-03", name: "scope-escalate-claim", want: granted, send: presented(map[string]changes{
			"text": {claim("scope", `"admin write"`)}, "list": {claim("scope", `["admin","write"]`), claim("scp", `["admin"]`)}, "roles": {claim("roles", `["admin"]`), claim("permissions", `["write"]`)},
		}), after: scopeIs("read")},
		{id: "J-04", name: "scope-dup", want: granted, send: scopes("read read", "read read read"), after: scopeIs("read")},
		{id: "J-04", name: "scope-empty", want: granted, send: scopes(""), after: scopeIs("read write admin:own")},
		{id: "J-05", name: "scope-chars", want: invalidScope.or(invalidRequest), send: scopes(`re"ad`, `re\ad`, "réad", "read\u200b", "read\x7f", "\xff", strings.Repeat("s", 129), strings.Repeat("s", 10_000), strings.Repeat("read ", 2_000), "read\n", "read\x00write")},
		{id: "J-x01", name: "scope-of-client-without", want: invalidScope, send: requests(map[string]func(*request){"": func(r *request) { r.as("no-scope") }})},
		{id: "J-x02", name: "no-scope-at-all", want: granted, send: requests(map[string]func(*request){"": func(r *request) { r.as("no-scope"); r.drop("scope") }}), after: scopeIs("")},
		{id: "J-x03", name: "resource-unknown", want: invalidTarget, send: resources("resources",
			[]string{"https://elsewhere.test"}, []string{"https://api.example.com/"}, []string{"https://api.example.com", "https://elsewhere.test"}, []string{"HTTPS://api.example.com"}, []string{"https://api.example.com#x"}, []string{"x"}, []string{"\x00"}, []string{strings.Repeat("r", 10_000)},
		)},
		{id: "J-x04", name: "resource-of-client-without", want: invalidTarget, send: resources("c1", []string{"https://api.example.com"}, []string{"urn:example:second"})},
		{id: "J-x05", name: "resource", want: granted, send: resources("resources", []string{"urn:example:second"}, []string{"urn:example:second", "urn:example:second"}, []string{"", "urn:example:second"}), after: audienceIs("urn:example:second")},
		{id: "J-x06", name: "resource-default", want: granted, send: resources("resources", nil, []string{""}), after: audienceIs("https://api.example.com")},
		{id: "J-x07", name: "resources", want: granted, send: resources("resources", []string{"urn:example:second", "https://api.example.com"}), after: audienceIs("urn:example:second", "https://api.example.com")},
		{id: "J-x08", name: "audience-is-no-parameter", want: granted, send: requests(map[string]func(*request){"": func(r *request) { r.add("audience", "https://elsewhere.test") }}), after: nothingCopied},
	}
}

// tokenRows: the answer with a token, and the token.
func tokenRows() []row {
	return []row{
		{id: "J-04", name: "scope-separators", want: invalidScope, after: because("malformed_scope"), send: values("scope", " read", "read ", "read  write", " ", "read\twrite", "read\u00a0write", "\u00a0", "read\u2003write")},
		{id: "J-06", name: "success-headers", want: granted, send: one(), after: func(t *testing.T, _ *world, got *response) {
			got.checkNoStore(t)
			if got.header.Get("Pragma") != "no-cache" || got.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("the headers are %v", got.header)
			}
			expiresIn(1, 31_536_000)(t, nil, got)
			if got.members["token_type"] != "Bearer" || got.scope() != "read" {
				t.Errorf("the answer is %v for scope %q", got.members["token_type"], got.scope())
			}
		}},
		{id: "J-07", name: "error-body-shape", run: errorBodies},
		{id: "J-08", name: "access-token-claims", want: granted, send: presented(map[string]changes{"A": nil}), after: nothingCopied},
		{id: "J-08", name: "access-token-subject", want: granted, send: one(fromB()), after: subjectIs("ns-a/idp-b:alice")},
		{id: "J-10", name: "no-refresh-by-default", want: granted, send: requests(map[string]func(*request){
			"": func(*request) {}, "asked": func(r *request) { r.add("access_type", "offline") }, "scope": func(r *request) { r.set("scope", "read offline_access") },
		}), after: func(t *testing.T, _ *world, got *response) {
			if _, ok := got.members["refresh_token"]; ok {
				t.Error("the answer has a refresh token")
			}
		}},
		{id: "J-11", name: "access-token-entropy", run: uniqueTokens},
	}
}

func scopeIs(want string) func(*testing.T, *world, *response) {
	return func(t *testing.T, _ *world, got *response) {
		t.Helper()
		if got.scope() != want {
			t.Errorf("the scope is %q, want %q", got.scope(), want)
		}
	}
}

func audienceIs(want ...string) func(*testing.T, *world, *response) {
	return func(t *testing.T, w *world, got *response) {
		t.Helper()
		expected := text(want)
		if len(want) == 1 {
			expected = jwttest.Quote(want[0])
		}
		if aud := text(got.claims(t, w)["aud"]); aud != expected {
			t.Errorf("aud is %s, want %s", aud, expected)
		}
	}
}

// resources are requests of a client with lists of resource parameters.
func resources(client string, lists ...[]string) []variant {
	m := map[string]func(*request){}
	for _, list := range lists {
		m[base64url([]byte(text(list)))[:min(20, len(base64url([]byte(text(list)))))]+text(len(m))] = func(r *request) {
			r.as(client)
			for _, value := range list {
				r.add("resource", value)
			}
		}
	}
	return requests(m)
}

// errorBodies: each kind of refusal has the form of RFC 6749 §5.2, and a text that repeats nothing of the request.
func errorBodies(t *testing.T, w *world) {
	const marker = "zq-marker-zq"
	for name, v := range map[string]struct {
		want want
		edit func(*request)
	}{
		"grant":     {unsupportedGrantType, func(r *request) { r.set("grant_type", marker) }},
		"assertion": {invalidGrant, func(r *request) { r.set("assertion", marker) }},
		"scope":     {invalidScope, func(r *request) { r.set("scope", marker) }},
		"resource":  {invalidTarget, func(r *request) { r.set("resource", "https://"+marker) }},
		"client":    {invalidClient, func(r *request) { r.basic(marker, marker) }},
		"no grant":  {unauthorizedClient, func(r *request) { r.as("c3"); r.add("x", marker) }},
		"repeated":  {invalidRequest, func(r *request) { r.add(marker, "1"); r.add(marker, "2") }},
		"path":      {notFound, func(r *request) { r.target = "/" + marker }},
		"method":    {notAllowed, func(r *request) { r.method = "X" + marker }},
		"issuer":    {invalidGrant, func(r *request) { r.set("assertion", assertion(claim("iss", jwttest.Quote(marker)))) }},
		"kid":       {invalidGrant, func(r *request) { r.set("assertion", assertion(fromB(), header("kid", jwttest.Quote(marker)))) }},
		"alg":       {invalidGrant, func(r *request) { r.set("assertion", assertion(header("alg", jwttest.Quote(marker)))) }},
		"aud":       {invalidGrant, func(r *request) { r.set("assertion", assertion(claim("aud", jwttest.Quote(marker)))) }},
		"claim":     {invalidGrant, func(r *request) { r.set("assertion", assertion(claim("exp", jwttest.Quote(marker)))) }},
		"tenant":    {invalidClient, func(r *request) { r.target += "?tenantDomain=" + marker }},
	} {
		r := r0()
		v.edit(r)
		got := w.send(t, r)
		got.check(t, w, v.want)
		if strings.Contains(string(got.body), marker) || strings.Contains(text(got.header), marker) {
			t.Errorf("%s: the answer repeats the request: %s", name, got.body)
		}
	}
}

// uniqueTokens: 1,000 tokens have ids of 128 bits that differ, in characters that a header can hold.
func uniqueTokens(t *testing.T, w *world) {
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 10 {
		inParallel(t, 100, func(int) {
			got := w.send(t, r0fast())
			if got.status != http.StatusOK {
				t.Errorf("the answer is %d", got.status)
				return
			}
			token, _ := got.members["access_token"].(string)
			parts := strings.Split(token, ".")
			var claims struct{ Jti string }
			if len(parts) != 3 || json.Unmarshal([]byte(unpart(parts[1])), &claims) != nil {
				t.Errorf("no access token: %s", got.body)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[claims.Jti] || len(claims.Jti) < 22 || slices.ContainsFunc([]byte(token), func(c byte) bool { return c <= ' ' || c >= 0x7f }) {
				t.Errorf("the jti %q has been used, or is too short", claims.Jti)
			}
			seen[claims.Jti] = true
		})
		w.checkAfter(t)
	}
}
