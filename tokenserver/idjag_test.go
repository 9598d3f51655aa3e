package tokenserver

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// idJAG is the text of an ID-JAG of provider A for client c1, with claims in turn.
func (f *fixture) idJAG(pairs ...string) string {
	claims := f.claims(idpA, "1").Set("aud", jwttest.Quote(server)).Set("client_id", `"c1"`)
	for i := 0; i < len(pairs); i += 2 {
		claims = claims.Set(pairs[i], pairs[i+1])
	}
	return typed("oauth-id-jag+jwt", claims)
}

// draft-ietf-oauth-identity-assertion-authz-grant §4.4.1: what an ID-JAG says bounds what is granted, and the request may
// narrow it.
func TestIDJAG(t *testing.T) {
	list := func(s ...string) []string { return s }
	const a, b, c = "https://a.example.com", "urn:b", "urn:c"
	const notAllowed, noScope = oauth.ReasonTargetNotAllowed, oauth.ReasonScopeNotAllowed
	for name, tc := range map[string]struct {
		claims           []string
		scope            string
		resources        []string
		change           func(*trust.Provider, *trust.Client)
		granted          string
		audience, answer any
		reason           oauth.Reason
	}{
		"says nothing":                  {nil, "", nil, nil, "read write", a, nil, ""},
		"says nothing, is asked":        {nil, "write", list(b), nil, "write", b, nil, ""},
		"scope":                         {list("scope", `"write"`), "", nil, nil, "write", a, nil, ""},
		"scopes, in their order":        {list("scope", `"write read"`), "", nil, nil, "write read", a, nil, ""},
		"scope that the client has not": {list("scope", `"write admin"`), "", nil, nil, "write", a, nil, ""},
		"scopes that it has not":        {list("scope", `"admin"`), "", nil, nil, "", nil, nil, noScope},
		"scopes, asked for a part":      {list("scope", `"read write"`), "read", nil, nil, "read", a, nil, ""},
		"scope, asked for more":         {list("scope", `"read"`), "read write", nil, nil, "read", a, nil, ""},
		"scope, asked for another":      {list("scope", `"read"`), "write", nil, nil, "", nil, nil, noScope},
		"scopes, provider narrows":      {list("scope", `"read write"`), "", nil, func(p *trust.Provider, _ *trust.Client) { p.Scopes = list("write") }, "write", a, nil, ""},
		"resource":                      {list("resource", `"urn:b"`), "", nil, nil, "read write", b, b, ""},
		"resources":                     {list("resource", `["urn:b","https://a.example.com"]`), "", nil, nil, "read write", []any{b, a}, []any{b, a}, ""},
		"resource twice":                {list("resource", `["urn:b","urn:b"]`), "", nil, nil, "read write", b, b, ""},
		"resource not the client's":     {list("resource", `"urn:c"`), "", nil, nil, "", nil, nil, notAllowed},
		"one of two not the client's":   {list("resource", `["urn:b","urn:c"]`), "", nil, nil, "", nil, nil, notAllowed},
		"… and asked for the other":     {list("resource", `["urn:b","urn:c"]`), "", list(b), nil, "", nil, nil, notAllowed},
		"resource empty":                {list("resource", `""`), "", nil, nil, "", nil, nil, notAllowed},
		"resources, asked for one":      {list("resource", `["urn:b","https://a.example.com"]`), "", list(a), nil, "read write", a, a, ""},
		"resource, asked for another":   {list("resource", `"urn:b"`), "", list(a), nil, "", nil, nil, notAllowed},
		"resource, asked for both":      {list("resource", `"urn:b"`), "", list(b, a), nil, "", nil, nil, notAllowed},
		"asked for what nobody may":     {nil, "", list(c), nil, "", nil, nil, notAllowed},
		"resource is this server":       {list("resource", jwttest.Quote(server)), "", nil, func(_ *trust.Provider, c *trust.Client) { c.Resources = nil }, "read write", server, server, ""},
		"of another client":             {list("client_id", `"c5"`), "", nil, nil, "", nil, nil, oauth.ReasonClientIDClaim},
		"aud an alias":                  {list("aud", jwttest.Quote(alias)), "", nil, nil, "", nil, nil, oauth.ReasonAudienceMismatch},
		"bound to a key":                {list("cnf", `{"jkt":"x"}`), "", nil, nil, "", nil, nil, oauth.ReasonBoundToKey},
		"authorization_details":         {list("authorization_details", `[{"type":"x"}]`), "", nil, nil, "", nil, nil, oauth.ReasonDetailsNotSupported},
		"malformed scope":               {list("scope", `["read"]`), "", nil, nil, "", nil, nil, oauth.ReasonClaimsMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.change(asIDJAG, func(client *trust.Client) { client.Resources = list(a, b) })
			if tc.change != nil {
				f.change(func(p *trust.Provider) { asIDJAG(p); tc.change(p, &trust.Client{}) }, func(c *trust.Client) {
					c.Resources = list(a, b)
					tc.change(&trust.Provider{}, c)
				})
			}
			request := f.call("c1", f.idJAG(tc.claims...))
			request.form.Set("scope", tc.scope)
			request.form["resource"] = tc.resources
			got := f.send(t, request.request())
			if got.reason != string(tc.reason) {
				t.Fatalf("got %d for %q, want %q: %s", got.status, got.reason, tc.reason, got.text)
			}
			if tc.reason != "" {
				return
			}
			expectClaims(t, got.token(), map[string]any{"scope": tc.granted, "aud": tc.audience, "resource": nil})
			if diff := cmp.Diff([]any{tc.granted, tc.answer}, []any{got.body["scope"], got.body["resource"]}); diff != "" {
				t.Errorf("scope and resource of the answer (-want +got):\n%s", diff)
			}
		})
	}
}

// §8.1: "SHOULD only be supported for confidential clients"; and what such a grant says counts nowhere else.
func TestIDJAGElsewhere(t *testing.T) {
	f := newFixture(t)
	f.change(asIDJAG, public)
	c := f.call("c1", f.idJAG())
	c.header.Del("Authorization")
	c.form.Set("client_id", "c1")
	if a := f.send(t, c.request()); a.code() != string(oauth.UnauthorizedClient) || a.reason != string(oauth.ReasonPublicClient) {
		t.Errorf("a public client gets %d %s for %q", a.status, a.code(), a.reason)
	}
	f = newFixture(t)
	plain := sign(idpA, f.claims(idpA, "1").Set("scope", `"admin"`).Set("resource", `"urn:evil"`).Set("authorization_details", "[]"))
	a := f.send(t, f.call("c1", plain).request())
	if a.status != http.StatusOK || a.body["resource"] != nil {
		t.Fatalf("an assertion gets %d for %q: %s", a.status, a.reason, a.text)
	}
	expectClaims(t, a.token(), map[string]any{"scope": "read", "aud": server})
}

// An ID-JAG is no token to exchange, and no provider of them vouches for other tokens.
func TestIDJAGIsNotExchanged(t *testing.T) {
	for _, kind := range []string{oauth.TokenTypeJWT, oauth.TokenTypeIDToken, oauth.TokenTypeAccessToken, "urn:ietf:params:oauth:token-type:id-jag"} {
		for _, typ := range []string{"oauth-id-jag+jwt", "JWT", "at+jwt"} {
			f := newFixture(t)
			f.change(asIDJAG, exchanging)
			c := f.exchangeCall(typed(typ, f.claims(idpA, "1").Set("aud", jwttest.Quote(server)).Set("client_id", `"c1"`)))
			c.form.Set("subject_token_type", kind)
			if a := f.send(t, c.request()); a.code() != string(oauth.InvalidRequest) || a.token() != "" {
				t.Errorf("%s said to be %s gets %d %s for %q", typ, kind, a.status, a.code(), a.reason)
			}
		}
	}
}
