package tokenserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// TestToken: the whole endpoint, one change a row from a request that is granted.
func TestToken(t *testing.T) {
	form := func(name string, values ...string) func(*call) { return func(c *call) { c.form[name] = values } }
	header := func(name string, values ...string) func(*call) { return func(c *call) { c.header[name] = values } }
	target := func(s string) func(*call) { return func(c *call) { c.target = s } }
	as := func(id, secret string) func(*call) { return func(c *call) { c.basic(id, secret) } }
	post := func(id, secret string) func(*call) {
		return func(c *call) {
			c.header.Del("Authorization")
			c.form["client_id"], c.form["client_secret"] = []string{id}, []string{secret}
		}
	}
	const granted = ""
	for name, tc := range map[string]struct {
		change func(*call)
		code   oauth.Code
		reason oauth.Reason
	}{
		"W-20 as it should be":               {func(*call) {}, granted, ""},
		"W-20 alias":                         {target(PathTokenAlias), granted, ""},
		"W-25 post":                          {post("c1", secretOf("c1")), granted, ""},
		"W-26 without scope":                 {form("scope"), granted, ""},
		"A-17 unknown parameter":             {form("foo", "bar"), granted, ""},
		"A-19 charset":                       {header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), granted, ""},
		"W-11 own tenant":                    {target(PathToken + "?tenantDomain=team-a"), granted, ""},
		"W-11 other tenant":                  {target(PathToken + "?tenantDomain=team-b"), oauth.InvalidClient, oauth.ReasonOtherTenant},
		"W-11 tenant twice":                  {target(PathToken + "?tenantDomain=team-a&tenantDomain=team-a"), oauth.InvalidRequest, oauth.ReasonMalformedTenant},
		"A-02 assertion in query":            {target(PathToken + "?assertion=x"), oauth.InvalidRequest, oauth.ReasonParameterInQuery},
		"W-24 credentials in query":          {target(PathToken + "?client_id=c1&client_secret=x"), oauth.InvalidRequest, oauth.ReasonParameterInQuery},
		"A-03 no Content-Type":               {header("Content-Type"), oauth.InvalidRequest, oauth.ReasonContentType},
		"A-04 JSON":                          {header("Content-Type", "application/json"), oauth.InvalidRequest, oauth.ReasonContentType},
		"A-06 multipart":                     {header("Content-Type", "multipart/form-data; boundary=b"), oauth.InvalidRequest, oauth.ReasonContentType},
		"W-21 missing grant_type":            {form("grant_type"), oauth.InvalidRequest, oauth.ReasonMissingGrantType},
		"A-07 empty grant_type":              {form("grant_type", ""), oauth.InvalidRequest, oauth.ReasonMissingGrantType},
		"A-08 unknown grant_type":            {form("grant_type", "urn:example:nope"), oauth.UnsupportedGrantType, oauth.ReasonUnknownGrantType},
		"A-09 grant_type in capitals":        {form("grant_type", strings.ToUpper(oauth.GrantTypeJWTBearer)), oauth.UnsupportedGrantType, oauth.ReasonUnknownGrantType},
		"W-83 more than the grant_type":      {form("grant_type", oauth.GrantTypeJWTBearer+"x"), oauth.UnsupportedGrantType, oauth.ReasonUnknownGrantType},
		"W-21 missing assertion":             {form("assertion"), oauth.InvalidRequest, oauth.ReasonMissingAssertion},
		"A-11 empty assertion":               {form("assertion", ""), oauth.InvalidRequest, oauth.ReasonMissingAssertion},
		"W-22 two assertions":                {form("assertion", "a", "b"), oauth.InvalidRequest, oauth.ReasonRepeatedParameter},
		"W-23 repeated parameter":            {form("scope", "read", "admin"), oauth.InvalidRequest, oauth.ReasonRepeatedParameter},
		"C-01 garbage":                       {form("assertion", "fake-jwt"), oauth.InvalidGrant, oauth.ReasonAssertionMalformed},
		"B-01 no credentials":                {header("Authorization"), oauth.InvalidClient, oauth.ReasonNoCredentials},
		"W-82 wrong secret":                  {as("c1", "wrong"), oauth.InvalidClient, oauth.ReasonWrongSecret},
		"W-82 wrong secret in body":          {post("c1", "wrong"), oauth.InvalidClient, oauth.ReasonWrongSecret},
		"W-82 unknown client":                {as("nobody", "x"), oauth.InvalidClient, oauth.ReasonUnknownClient},
		"B-04 empty secret":                  {as("c1", ""), oauth.InvalidClient, oauth.ReasonMalformedBasic},
		"B-07 two methods":                   {form("client_secret", secretOf("c1")), oauth.InvalidRequest, oauth.ReasonTwoMethods},
		"B-08 id of another":                 {form("client_id", "c2"), oauth.InvalidRequest, oauth.ReasonClientIDMismatch},
		"B-10 garbage":                       {header("Authorization", "Basic !!!"), oauth.InvalidClient, oauth.ReasonMalformedBasic},
		"B-10 two headers":                   {header("Authorization", "Basic YTpi", "Basic YTpi"), oauth.InvalidRequest, oauth.ReasonTwoAuthorizations},
		"W-83 client without the grant":      {as("c3", secretOf("c3")), oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"B-13 disabled client":               {as("c4", secretOf("c4")), oauth.InvalidClient, oauth.ReasonDisabledClient},
		"W-43 provider not for this client":  {as("c2", secretOf("c2")), oauth.InvalidGrant, oauth.ReasonProviderNotAllowed},
		"W-84 scope not allowed":             {form("scope", "admin"), oauth.InvalidScope, oauth.ReasonScopeNotAllowed},
		"W-84 malformed scope":               {form("scope", "read  write"), oauth.InvalidScope, oauth.ReasonMalformedScope},
		"A-18 control characters in scope":   {form("scope", "read\r\nSet-Cookie:x=1"), oauth.InvalidScope, oauth.ReasonMalformedScope},
		"A-18 NUL behind the assertion":      {func(c *call) { c.form["assertion"][0] += "\x00" }, oauth.InvalidGrant, oauth.ReasonAssertionMalformed},
		"C-14 line end behind the assertion": {func(c *call) { c.form["assertion"][0] += "\n" }, oauth.InvalidGrant, oauth.ReasonAssertionMalformed},
		"resource not allowed":               {form("resource", "https://api.example.com"), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"resource without value":             {form("resource", ""), granted, ""},
		"R-01 body too large":                {form("foo", strings.Repeat("x", oauth.MaxBodyBytes)), oauth.InvalidRequest, oauth.ReasonBodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c := f.call("c1", f.assertion(idpA, "1"))
			tc.change(&c)
			a := f.send(t, c.request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) {
				t.Errorf("got %d %s for %q, want %d %s for %q", a.status, a.code(), a.reason, statusOf(tc.code), tc.code, tc.reason)
			}
			if tc.code != granted && (a.token() != "" || len(a.body) != 2) {
				t.Errorf("a refusal has more than an error and its description: %s", a.text)
			}
			// Persistence: the same world still grants.
			if again := f.send(t, f.call("c1", f.assertion(idpA, "2")).request()); again.status != http.StatusOK {
				t.Errorf("afterwards a good request gets %d: %s", again.status, again.text)
			}
		})
	}
}

func statusOf(c oauth.Code) int {
	if c == "" {
		return http.StatusOK
	}
	return c.Status()
}

// W-71, J-06: the answer and the token in it, for every way to ask.
func TestTokenGranted(t *testing.T) {
	for name, tc := range map[string]struct {
		issuer, target, scope string
		resources             []string
		want                  string
		audience              any
	}{
		"plain":                     {server, PathToken, "read", nil, "read", server},
		"W-26 without scope":        {server, PathToken, "", nil, "read write", server},
		"W-74 reduced scope":        {server, PathToken, "admin read", nil, "read", server},
		"resource":                  {server, PathToken, "read", []string{"https://api.example.com/b"}, "read", "https://api.example.com/b"},
		"issuer with a path":        {server + "/tenant/x", "/tenant/x" + PathToken, "read", nil, "read", server + "/tenant/x"},
		"issuer with a path, alias": {server + "/tenant/x", "/tenant/x" + PathTokenAlias, "read", nil, "read", server + "/tenant/x"},
		"path taken off by a proxy": {server + "/tenant/x", PathToken, "read", nil, "read", server + "/tenant/x"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Issuer = tc.issuer })
			if tc.resources != nil {
				f.store.Update(func(tx *trust.Tx) {
					c := f.client("c1")
					c.Resources = []string{"https://api.example.com/a", "https://api.example.com/b"}
					tx.PutClient(c)
				})
			}
			c := f.call("c1", f.assertion(idpA, "1"))
			c.target, c.form["scope"], c.form["resource"] = tc.target, []string{tc.scope}, tc.resources
			a := f.send(t, c.request())
			want := map[string]any{"access_token": a.token(), "token_type": "Bearer", "expires_in": 3600.0, "scope": tc.want}
			if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusOK {
				t.Errorf("status %d, body (-want +got):\n%s", a.status, diff)
			}
			wantClaims := map[string]any{
				"iss": tc.issuer, "sub": "team-a/idp-a:alice", "aud": tc.audience, "client_id": "c1", "scope": tc.want,
				"iat": float64(noon.Unix()), "exp": float64(noon.Add(time.Hour).Unix()),
			}
			got := claimsOf(t, a.token())
			delete(got, "jti")
			if diff := cmp.Diff(wantClaims, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// claimsOf returns the claims of a token whose signature it has verified.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	c, err := jose.ParseCompact(token)
	if err != nil {
		t.Fatalf("the token is no compact JWS: %v", err)
	}
	if !signer().PublicKey().Verify(jose.ES256, c.SigningInput, c.Signature) || c.UntrustedHeader.Type != "at+jwt" {
		t.Error("the token is not signed by the server as an access token")
	}
	return object(t, string(c.UntrustedPayload))
}

// W-05: the grant can be switched off for the server, for a provider and for a client, each with its own answer.
func TestGrantSwitches(t *testing.T) {
	for name, tc := range map[string]struct {
		disabled []string
		change   func(*fixture, *trust.Tx)
		code     oauth.Code
		reason   oauth.Reason
	}{
		"all on":                    {nil, nil, "", ""},
		"W-81 off for the server":   {[]string{oauth.GrantTypeJWTBearer}, nil, oauth.UnsupportedGrantType, oauth.ReasonGrantDisabled},
		"W-41 off for the provider": {nil, func(_ *fixture, tx *trust.Tx) { p := provider("a", idpA); p.Enabled = false; tx.PutProvider(p) }, oauth.InvalidGrant, oauth.ReasonProviderDisabled},
		"W-83 off for the client":   {nil, func(f *fixture, tx *trust.Tx) { c := f.client("c1"); c.GrantTypes = nil; tx.PutClient(c) }, oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"off for server and client": {[]string{oauth.GrantTypeJWTBearer}, func(f *fixture, tx *trust.Tx) { c := f.client("c1"); c.GrantTypes = nil; tx.PutClient(c) }, oauth.UnsupportedGrantType, oauth.ReasonGrantDisabled},
		"W-40 provider gone":        {nil, func(_ *fixture, tx *trust.Tx) { tx.DeleteProvider(provider("a", idpA).Key) }, oauth.InvalidGrant, oauth.ReasonProviderUnknown},
		"B-13 client gone":          {nil, func(f *fixture, tx *trust.Tx) { tx.DeleteClient(f.client("c1").Key) }, oauth.InvalidClient, oauth.ReasonUnknownClient},
		"provider of another namespace": {nil, func(_ *fixture, tx *trust.Tx) {
			p := provider("a", idpA)
			tx.DeleteProvider(p.Key)
			p.Key.Namespace = "team-b"
			tx.PutProvider(p)
		}, oauth.InvalidGrant, oauth.ReasonProviderUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.DisabledGrants = tc.disabled })
			if tc.change != nil {
				f.store.Update(func(tx *trust.Tx) { tc.change(f, tx) })
			}
			a := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) {
				t.Errorf("got %d %s for %q, want %s for %q", a.status, a.code(), a.reason, tc.code, tc.reason)
			}
		})
	}
}

// W-40, W-41, W-82: what a caller may not tell apart gets one answer, header by header.
func TestAnswersThatLookAlike(t *testing.T) {
	secretWrong := func(id string) func(*fixture) *http.Request {
		return func(f *fixture) *http.Request { c := f.call(id, "x"); c.basic(id, "wrong"); return c.request() }
	}
	presents := func(issuer string) func(*fixture) *http.Request {
		return func(f *fixture) *http.Request { return f.call("c1", f.assertion(issuer, "1")).request() }
	}
	for name, group := range map[string][]func(*fixture) *http.Request{
		"clients": {secretWrong("c1"), secretWrong("c4"), secretWrong("nobody"), func(f *fixture) *http.Request {
			c := f.call("c1", "x")
			c.target += "?" + url.Values{"tenantDomain": {"team-b"}}.Encode()
			return c.request()
		}},
		"providers": {presents("https://unknown.test"), presents("https://idp-c.test"), presents(server), func(f *fixture) *http.Request {
			return f.call("c2", f.assertion(idpA, "1")).request()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			first := f.send(t, group[0](f))
			for i, request := range group {
				a := f.send(t, request(f))
				if diff := cmp.Diff(first.text, a.text) + cmp.Diff(first.header, a.header); diff != "" || a.status != first.status {
					t.Errorf("answer %d differs from the first (-first +it):\n%s", i, diff)
				}
			}
		})
	}
}
