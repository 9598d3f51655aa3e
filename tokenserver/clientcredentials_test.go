package tokenserver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// W-83: the grants that the server has are those that flags and the API can name, in one order.
func TestEveryGrantIsServed(t *testing.T) {
	var want, got []string
	for _, g := range oauth.Grants() {
		want = append(want, g.Type)
	}
	for _, g := range newFixture(t).grants {
		got = append(got, g.grantType)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
}

// own lets client c1 ask in its own name.
func own(c *trust.Client) {
	c.GrantTypes = []string{oauth.GrantTypeClientCredentials}
}

// public makes a client one that only says its id.
func public(c *trust.Client) {
	c.Authentication, c.Credentials = trust.AuthenticationNone, nil
}

// ownCall is a request of a client in its own name.
func (f *fixture) ownCall() call {
	c := f.call("c1", "")
	c.form.Del("assertion")
	c.form.Set("grant_type", oauth.GrantTypeClientCredentials)
	return c
}

// RFC 6749 §4.4: the whole grant, one change a row from a request that is granted.
func TestClientCredentials(t *testing.T) {
	anonymous := func(c *call) { c.header.Del("Authorization"); c.form.Set("client_id", "c1") }
	param := func(name, value string) func(*call) { return func(c *call) { c.form.Set(name, value) } }
	for name, tc := range map[string]struct {
		client func(*trust.Client)
		call   func(*call)
		code   oauth.Code
		reason oauth.Reason
	}{
		"as it should be":         {own, nil, "", ""},
		"without scope":           {own, func(c *call) { c.form.Del("scope") }, "", ""},
		"an assertion is nothing": {own, param("assertion", "x"), "", ""},
		"client without it":       {nil, nil, oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"part of its name":        {own, param("grant_type", "client"), oauth.UnsupportedGrantType, oauth.ReasonUnknownGrantType},
		"the other way round":     {own, param("grant_type", oauth.GrantTypeJWTBearer), oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"B-01 no credentials":     {own, anonymous, oauth.InvalidClient, oauth.ReasonNoCredentials},
		"wrong secret":            {own, func(c *call) { c.basic("c1", "wrong") }, oauth.InvalidClient, oauth.ReasonWrongSecret},
		"public client":           {func(c *trust.Client) { own(c); public(c) }, anonymous, oauth.UnauthorizedClient, oauth.ReasonPublicClient},
		"B-13 disabled":           {func(c *trust.Client) { own(c); c.Enabled = false }, nil, oauth.InvalidClient, oauth.ReasonDisabledClient},
		"other tenant":            {own, func(c *call) { c.target += "?tenantDomain=team-b" }, oauth.InvalidClient, oauth.ReasonOtherTenant},
		"J-02 scope":              {own, param("scope", "admin"), oauth.InvalidScope, oauth.ReasonScopeNotAllowed},
		"resource":                {own, param("resource", "https://x.example.com"), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"no provider is needed":   {func(c *trust.Client) { own(c); c.Providers = []trust.ObjectKey{} }, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.change(nil, tc.client)
			c := f.ownCall()
			if tc.call != nil {
				tc.call(&c)
			}
			a := f.send(t, c.request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) {
				t.Fatalf("got %d %s for %q, want %s for %q", a.status, a.code(), a.reason, tc.code, tc.reason)
			}
			if tc.code == "" {
				expectClaims(t, a.token(), map[string]any{"sub": "c1", "client_id": "c1", "aud": server, "act": nil})
			}
		})
	}
}

// RFC 9068 §5: whoever a client id could be taken for, it is none of the subjects of a provider.
func TestClientCredentialsOfReservedID(t *testing.T) {
	const id = "team-b/idp:alice"
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) {
		c := f.client("c1")
		own(c)
		c.ID = id
		tx.PutClient(c)
	})
	c := f.ownCall()
	c.basic(id, secretOf("c1"))
	if a := f.send(t, c.request()); a.code() != string(oauth.UnauthorizedClient) || a.reason != string(oauth.ReasonClientIDReserved) {
		t.Errorf("got %d %s for %q", a.status, a.code(), a.reason)
	}
}

// RFC 9068 §5: nobody gets a token that looks like the client's own: a provider without prefix cannot name the client.
func TestSubjectIsNotTheClient(t *testing.T) {
	f := newFixture(t)
	f.change(func(p *trust.Provider) { p.SubjectPrefix = "" }, nil)
	assertion := sign(idpA, f.claims(idpA, "1").Set("sub", `"c1"`))
	if a := f.send(t, f.call("c1", assertion).request()); a.code() != string(oauth.InvalidGrant) || a.reason != string(oauth.ReasonSubjectReserved) {
		t.Errorf("got %d %s for %q", a.status, a.code(), a.reason)
	}
}

// The answer, the record of it, and that it can be had again and again.
func TestClientCredentialsGranted(t *testing.T) {
	f := newFixture(t)
	f.change(nil, own)
	ids := []any{}
	for range 2 {
		a := f.send(t, f.ownCall().request())
		claims := claimsOf(t, a.token())
		ids = append(ids, claims["jti"])
		for _, member := range []string{"refresh_token", "issued_token_type"} {
			if _, ok := a.body[member]; ok || a.body["scope"] != "read" {
				t.Errorf("the answer is %s", a.text)
			}
		}
		if number, _ := claims["exp"].(float64); int64(number) != noon.Add(time.Hour).Unix() {
			t.Errorf("exp is %v", claims["exp"])
		}
	}
	if ids[0] == ids[1] {
		t.Error("two tokens have one jti")
	}
	record := f.records(t)[0]
	takeRequest(t, record)
	delete(record, "token_id")
	if diff := cmp.Diff(map[string]any{
		"level": "INFO", "msg": "access token granted", "client": "team-a/c1", "client_id": "c1", "client_authentication": "client_secret_basic",
		"grant_type": oauth.GrantTypeClientCredentials, "subject": "c1", "scope": "read",
	}, record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// W-05: each grant can be refused to everybody, and is not promised then; the others work.
func TestDisabledGrants(t *testing.T) {
	for _, g := range oauth.Grants() {
		t.Run(g.Name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.DisabledGrants = []string{g.Type} })
			f.change(nil, func(c *trust.Client) {
				for _, g := range oauth.Grants() {
					c.GrantTypes = append(c.GrantTypes, g.Type)
				}
			})
			if text := f.at(t, http.MethodGet, PathMetadata).text; strings.Contains(text, `"`+g.Type+`"`) {
				t.Errorf("the metadata promises it: %s", text)
			}
			for _, other := range oauth.Grants() {
				c := f.ownCall()
				c.form.Set("grant_type", other.Type)
				a := f.send(t, c.request())
				if off := other == g; off != (a.reason == string(oauth.ReasonGrantDisabled)) || off != (a.code() == string(oauth.UnsupportedGrantType)) {
					t.Errorf("%s gets %d %s for %q", other.Name, a.status, a.code(), a.reason)
				}
			}
		})
	}
}
