package tokenserver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Every way to be refused, each of which uses nothing up: the right request afterwards is granted, by the same world or by
// one that is mended.
func TestRefusalDoesNotUseTheRefreshToken(t *testing.T) {
	param := func(name, value string) func(*fixture, *call) {
		return func(_ *fixture, c *call) { c.form.Set(name, value) }
	}
	as := func(id string) func(*fixture, *call) { return func(_ *fixture, c *call) { c.basic(id, secretOf(id)) } }
	client := func(change func(*trust.Client)) func(*fixture, *call) {
		return func(f *fixture, _ *call) { f.changeClient("c1", refreshing, change) }
	}
	provider := func(change func(*trust.Provider)) func(*fixture, *call) {
		return func(f *fixture, _ *call) { f.changeProvider(change) }
	}
	world := func(change func(*trust.Tx)) func(*fixture, *call) {
		return func(f *fixture, _ *call) { f.store.Update(change) }
	}
	for name, tc := range map[string]struct {
		spoil  func(*fixture, *call)
		code   oauth.Code
		reason oauth.Reason
	}{
		"M-04 other client":       {as("c5"), oauth.InvalidGrant, oauth.ReasonRefreshTokenOtherClient},
		"M-04 without the grant":  {as("c2"), oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"M-05 no credentials":     {func(_ *fixture, c *call) { c.header.Del("Authorization"); c.form.Set("client_id", "c1") }, oauth.InvalidClient, oauth.ReasonNoCredentials},
		"M-05 wrong secret":       {func(_ *fixture, c *call) { c.basic("c1", "wrong") }, oauth.InvalidClient, oauth.ReasonWrongSecret},
		"M-05 other tenant":       {func(_ *fixture, c *call) { c.target += "?tenantDomain=team-b" }, oauth.InvalidClient, oauth.ReasonOtherTenant},
		"M-06 wider scope":        {param("scope", "read admin"), oauth.InvalidScope, oauth.ReasonScopeNotGranted},
		"M-06 malformed scope":    {param("scope", "read  write"), oauth.InvalidScope, oauth.ReasonMalformedScope},
		"M-06 another resource":   {param("resource", "https://api.example.com"), oauth.InvalidTarget, oauth.ReasonTargetNotGranted},
		"M-07 no token":           {func(_ *fixture, c *call) { c.form.Del("refresh_token") }, oauth.InvalidRequest, oauth.ReasonMissingRefreshToken},
		"M-07 empty":              {param("refresh_token", ""), oauth.InvalidRequest, oauth.ReasonMissingRefreshToken},
		"M-07 twice":              {func(_ *fixture, c *call) { c.form.Add("refresh_token", c.form.Get("refresh_token")) }, oauth.InvalidRequest, oauth.ReasonRepeatedParameter},
		"M-07 in the URL":         {func(_ *fixture, c *call) { c.target += "?refresh_token=" + c.form.Get("refresh_token") }, oauth.InvalidRequest, oauth.ReasonParameterInQuery},
		"M-07 random":             {param("refresh_token", "8xLOxBtZp8"), oauth.InvalidGrant, oauth.ReasonRefreshTokenMalformed},
		"M-07 changed":            {func(_ *fixture, c *call) { c.form["refresh_token"][0] += "AAAA" }, oauth.InvalidGrant, oauth.ReasonRefreshTokenForged},
		"M-07 huge":               {param("refresh_token", strings.Repeat("A", 60_000)), oauth.InvalidGrant, oauth.ReasonRefreshTokenMalformed},
		"M-07 larger than a body": {param("refresh_token", strings.Repeat("A", 1<<20)), oauth.InvalidRequest, oauth.ReasonBodyTooLarge},
		"M-07 an assertion":       {func(f *fixture, c *call) { c.form.Set("refresh_token", f.assertion(idpA, "x")) }, oauth.InvalidGrant, oauth.ReasonRefreshTokenMalformed},
		"M-07 an access token": {func(f *fixture, c *call) {
			c.form.Set("refresh_token", f.send(t, f.call("c1", f.assertion(idpA, "x")).request()).token())
		}, oauth.InvalidGrant, oauth.ReasonRefreshTokenMalformed},
		"M-07 as an assertion": {func(_ *fixture, c *call) {
			c.form.Set("grant_type", oauth.GrantTypeJWTBearer)
			c.form.Set("assertion", c.form.Get("refresh_token"))
		}, oauth.InvalidGrant, oauth.ReasonAssertionMalformed},
		"W-83 client lost the grant": {func(f *fixture, _ *call) { f.changeClient("c1") }, oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"W-72 and the first one":     {client(func(c *trust.Client) { c.GrantTypes = []string{oauth.GrantTypeRefreshToken} }), oauth.InvalidGrant, oauth.ReasonRefreshTokenOrigin},
		"M-10 client disabled":       {client(func(c *trust.Client) { c.Enabled = false }), oauth.InvalidClient, oauth.ReasonDisabledClient},
		"M-10 client gone":           {world(func(tx *trust.Tx) { tx.DeleteClient(trust.ObjectKey{Namespace: "team-a", Name: "c1"}) }), oauth.InvalidClient, oauth.ReasonUnknownClient},
		"M-10 client made anew": {func(f *fixture, _ *call) {
			f.changeClient("c1", refreshing, func(c *trust.Client) {
				c.UID, c.Credentials = "uid-new", []trust.Credential{{DigestKeyID: f.digestKey.ID(), Digest: f.digestKey.Digest("uid-new", secretOf("c1"))}}
			})
		}, oauth.InvalidGrant, oauth.ReasonRefreshTokenOtherClient},
		"M-08 over":              {func(f *fixture, _ *call) { f.now = noon.Add(24 * time.Hour) }, oauth.InvalidGrant, oauth.ReasonRefreshTokenExpired},
		"W-41 provider disabled": {provider(func(p *trust.Provider) { p.Enabled = false }), oauth.InvalidGrant, oauth.ReasonRefreshTokenProviderOff},
		"W-72 provider gone":     {world(func(tx *trust.Tx) { tx.DeleteProvider(trust.ObjectKey{Namespace: "team-a", Name: "idp-a"}) }), oauth.InvalidGrant, oauth.ReasonRefreshTokenProviderGone},
		"W-72 provider anew":     {provider(func(p *trust.Provider) { p.UID = "x" }), oauth.InvalidGrant, oauth.ReasonRefreshTokenProviderGone},
		"W-43 not any more":      {client(func(c *trust.Client) { c.Providers = named("idp-b") }), oauth.InvalidGrant, oauth.ReasonRefreshTokenProviderOther},
		"W-72 key taken away":    {provider(func(p *trust.Provider) { p.Keys = []*jose.PublicKey{signer().PublicKey()} }), oauth.InvalidGrant, oauth.ReasonRefreshTokenKeyGone},
		"W-72 rules changed":     {provider(func(p *trust.Provider) { p.RulesID = "x" }), oauth.InvalidGrant, oauth.ReasonRefreshTokenRulesChanged},
		"W-74 no scope left":     {client(func(c *trust.Client) { c.Scopes = []string{"admin"} }), oauth.InvalidScope, oauth.ReasonScopeNotAllowed},
		"no resource left":       {client(func(c *trust.Client) { c.Resources = []string{"urn:x"} }), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"no signing key":         {world(func(tx *trust.Tx) { tx.SetRing(ring(noon.Add(time.Hour))) }), oauth.TemporarilyUnavailable, oauth.ReasonNoSigningKey},
		"digest keys are lost":   {world(func(tx *trust.Tx) { tx.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey())) }), oauth.InvalidClient, oauth.ReasonWrongSecret},
	} {
		t.Run(name, func(t *testing.T) {
			f := renewing(t)
			token := f.first(t, "1")
			spoilt := f.renewal("c1", token)
			tc.spoil(f, &spoilt)
			a := f.send(t, spoilt.request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) || a.refreshToken() != "" {
				t.Errorf("got %d %s for %q, want %s for %q", a.status, a.code(), a.reason, tc.code, tc.reason)
			}
			f.now = noon
			f.changeProvider(func(*trust.Provider) {})
			f.store.Update(func(tx *trust.Tx) {
				tx.SetRing(ring(noon))
				tx.SetDigestKeys(keyring.NewDigestKeys(f.digestKey))
			})
			f.changeClient("c1", refreshing)
			if a := f.renew(t, "c1", token); a.status != http.StatusOK {
				t.Errorf("the right request afterwards gets %d for %q", a.status, a.reason)
			}
		})
	}
}
