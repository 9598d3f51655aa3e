package tokenserver

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// exchanging lets a client exchange tokens for two resources.
func exchanging(c *trust.Client) {
	c.GrantTypes = []string{oauth.GrantTypeTokenExchange, oauth.GrantTypeJWTBearer}
	c.Resources = []string{"https://api.example.com", "urn:second"}
}

// exchangeCall is a request of c1 to exchange a token.
func (f *fixture) exchangeCall(token string) call {
	c := f.call("c1", "")
	c.form.Del("assertion")
	c.form.Set("grant_type", oauth.GrantTypeTokenExchange)
	c.form.Set("subject_token", token)
	c.form.Set("subject_token_type", oauth.TokenTypeJWT)
	return c
}

// acting adds an actor's token.
func (c call) acting(token string) call {
	c.form.Set("actor_token", token)
	c.form.Set("actor_token_type", oauth.TokenTypeJWT)
	return c
}

func (f *fixture) robot(jti string) string {
	return sign(idpB, f.claims(idpB, jti).Set("sub", `"robot"`))
}

// RFC 8693 §2.1: the whole grant, one change a row from a request that is granted.
func TestTokenExchange(t *testing.T) {
	param := func(pairs ...string) func(*fixture, *call) {
		return func(_ *fixture, c *call) {
			for i := 0; i < len(pairs); i += 2 {
				c.form[pairs[i]] = strings.Fields(pairs[i+1])
			}
		}
	}
	subject := func(change func(f *fixture) string) func(*fixture, *call) {
		return func(f *fixture, c *call) { c.form.Set("subject_token", change(f)) }
	}
	typedAs := func(typ string) func(*fixture, *call) {
		return subject(func(f *fixture) string { return typed(typ, f.claims(idpA, "1")) })
	}
	actor := func(token, tokenType string) func(*fixture, *call) {
		return param("actor_token", token, "actor_token_type", tokenType)
	}
	both := func(changes ...func(*fixture, *call)) func(*fixture, *call) {
		return func(f *fixture, c *call) {
			for _, change := range changes {
				change(f, c)
			}
		}
	}
	const urn = "urn:ietf:params:oauth:token-type:"
	const request = oauth.InvalidRequest
	for name, tc := range map[string]struct {
		change func(*fixture, *call)
		code   oauth.Code
		reason oauth.Reason
	}{
		"as it should be":                {nil, "", ""},
		"requests an access token":       {param("requested_token_type", urn+"access_token"), "", ""},
		"requests a JWT":                 {param("requested_token_type", urn+"jwt"), request, oauth.ReasonUnknownRequestedTokenType},
		"requests a refresh token":       {param("requested_token_type", urn+"refresh_token"), request, oauth.ReasonUnknownRequestedTokenType},
		"requests an ID-JAG":             {param("requested_token_type", urn+"id-jag"), request, oauth.ReasonUnknownRequestedTokenType},
		"no subject_token":               {param("subject_token", ""), request, oauth.ReasonMissingSubjectToken},
		"assertion instead":              {func(_ *fixture, c *call) { c.form["assertion"] = c.form["subject_token"]; c.form.Del("subject_token") }, request, oauth.ReasonMissingSubjectToken},
		"no subject_token_type":          {param("subject_token_type", ""), request, oauth.ReasonMissingSubjectTokenType},
		"type of SAML":                   {param("subject_token_type", urn+"saml2"), request, oauth.ReasonUnknownTokenType},
		"type of a refresh token":        {param("subject_token_type", urn+"refresh_token"), request, oauth.ReasonUnknownTokenType},
		"type of an ID-JAG":              {param("subject_token_type", urn+"id-jag"), request, oauth.ReasonUnknownTokenType},
		"type in capitals":               {param("subject_token_type", strings.ToUpper(urn+"jwt")), request, oauth.ReasonUnknownTokenType},
		"type without its URN":           {param("subject_token_type", "jwt"), request, oauth.ReasonUnknownTokenType},
		"ID token":                       {param("subject_token_type", urn+"id_token"), "", ""},
		"access token that is a JWT":     {param("subject_token_type", urn+"access_token"), request, oauth.ReasonTypeNotAccepted},
		"access token":                   {both(param("subject_token_type", urn+"access_token"), typedAs("at+jwt")), "", ""},
		"access token in full":           {both(param("subject_token_type", urn+"access_token"), typedAs("application/at+jwt")), "", ""},
		"access token that says nothing": {typedAs("at+jwt"), request, oauth.ReasonTypeNotAccepted},
		"C-20 ID-JAG":                    {typedAs("oauth-id-jag+jwt"), request, oauth.ReasonTypeNotAccepted},
		"S-10 client assertion":          {typedAs("client-authentication+jwt"), request, oauth.ReasonTypeNotAccepted},
		"C-01 garbage":                   {param("subject_token", "fake-jwt"), request, oauth.ReasonAssertionMalformed},
		"bound to a key":                 {subject(func(f *fixture) string { return sign(idpA, f.claims(idpA, "1").Set("cnf", `{"jkt":"x"}`)) }), request, oauth.ReasonBoundToKey},
		"D-02 signature of another":      {subject(func(f *fixture) string { return sign(idpB, f.claims(idpA, "1")) }), request, oauth.ReasonSignatureInvalid},
		"F-02 audience of others": {subject(func(f *fixture) string {
			return sign(idpA, f.claims(idpA, "1").Set("aud", `"https://api.example.com"`))
		}), request, oauth.ReasonAudienceMismatch},
		"E-11 iss of our own":              {subject(func(f *fixture) string { return sign(idpA, f.claims(server, "1")) }), request, oauth.ReasonSelfIssued},
		"E-02 unknown issuer":              {subject(func(f *fixture) string { return f.assertion("https://unknown.test", "1") }), request, oauth.ReasonProviderUnknown},
		"disabled provider":                {subject(func(f *fixture) string { return f.assertion("https://idp-c.test", "1") }), request, oauth.ReasonProviderDisabled},
		"may_act, nobody acts":             {subject(func(f *fixture) string { return sign(idpA, f.claims(idpA, "1").Set("may_act", `{"sub":"robot"}`)) }), request, oauth.ReasonActorNotAllowed},
		"actor_token alone":                {param("actor_token", "x"), request, oauth.ReasonIncompleteActorToken},
		"actor_token_type alone":           {param("actor_token_type", urn+"jwt"), request, oauth.ReasonIncompleteActorToken},
		"actor_token_type and empty token": {both(param("actor_token_type", urn+"jwt"), func(_ *fixture, c *call) { c.form.Set("actor_token", "") }), request, oauth.ReasonIncompleteActorToken},
		"actor of SAML":                    {actor("x", urn+"saml1"), request, oauth.ReasonUnknownTokenType},
		"actor garbage":                    {actor("x", urn+"jwt"), request, oauth.ReasonAssertionMalformed},
		"actor":                            {func(f *fixture, c *call) { c.acting(f.robot("9")) }, "", ""},
		"actor is the subject":             {func(f *fixture, c *call) { c.acting(f.assertion(idpA, "9")) }, "", ""},
		"actor with the subject's token":   {func(_ *fixture, c *call) { c.acting(c.form.Get("subject_token")) }, request, oauth.ReasonReplayed},
		"actor said to be an access token": {func(f *fixture, c *call) { c.acting(f.robot("9")).form.Set("actor_token_type", urn+"access_token") }, request, oauth.ReasonTypeNotAccepted},
		"actor of an unknown issuer":       {func(f *fixture, c *call) { c.acting(f.assertion("https://unknown.test", "9")) }, request, oauth.ReasonProviderUnknown},
		"actor expired":                    {func(f *fixture, c *call) { c.acting(sign(idpB, f.claims(idpB, "9").Set("exp", "1").Set("iat", "0"))) }, request, oauth.ReasonExpired},
		"resource":                         {param("resource", "urn:second"), "", ""},
		"audience":                         {param("audience", "urn:second"), "", ""},
		"resource and audiences":           {param("resource", "urn:second", "audience", "https://api.example.com urn:second"), "", ""},
		"resource not allowed":             {param("resource", "urn:third"), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"audience not allowed":             {param("audience", "urn:third"), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"one of two audiences not allowed": {param("audience", "urn:second urn:third"), oauth.InvalidTarget, oauth.ReasonTargetNotAllowed},
		"J-02 scope":                       {param("scope", "admin"), oauth.InvalidScope, oauth.ReasonScopeNotAllowed},
		"repeated subject_token":           {func(_ *fixture, c *call) { c.form.Add("subject_token", "x") }, request, oauth.ReasonRepeatedParameter},
		"repeated actor_token_type":        {param("actor_token_type", "a b"), request, oauth.ReasonRepeatedParameter},
		"A-02 subject_token in the query":  {func(_ *fixture, c *call) { c.target += "?subject_token=x" }, request, oauth.ReasonParameterInQuery},
		"A-02 requested type in the query": {func(_ *fixture, c *call) { c.target += "?requested_token_type=x" }, request, oauth.ReasonParameterInQuery},
		"A-02 audience in the query":       {func(_ *fixture, c *call) { c.target += "?audience=x" }, request, oauth.ReasonParameterInQuery},
		"client without the grant":         {func(_ *fixture, c *call) { c.basic("c5", secretOf("c5")) }, oauth.UnauthorizedClient, oauth.ReasonGrantNotAllowed},
		"wrong secret":                     {func(_ *fixture, c *call) { c.basic("c1", "wrong") }, oauth.InvalidClient, oauth.ReasonWrongSecret},
		"provider of other clients": {func(f *fixture, _ *call) {
			f.change(nil, func(c *trust.Client) { exchanging(c); c.Providers = named("idp-b") })
		}, request, oauth.ReasonProviderNotAllowed},
		"access tokens are not exchanged": {both(param("subject_token_type", urn+"access_token"), typedAs("at+jwt"), func(f *fixture, _ *call) { f.change(func(p *trust.Provider) { p.AccessTokens = false }, exchanging) }), request, oauth.ReasonTypeNotAccepted},
		"subject of another's default form": {func(f *fixture, c *call) {
			f.change(func(p *trust.Provider) { p.SubjectPrefix = "" }, exchanging)
			c.form.Set("subject_token", sign(idpA, f.claims(idpA, "1").Set("sub", `"a/b:c"`)))
		}, request, oauth.ReasonSubjectReserved},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.change(nil, exchanging)
			c := f.exchangeCall(f.assertion(idpA, "1"))
			if tc.change != nil {
				tc.change(f, &c)
			}
			a := f.send(t, c.request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) {
				t.Errorf("got %d %s for %q, want %s for %q: %s", a.status, a.code(), a.reason, tc.code, tc.reason, a.text)
			}
			if tc.code != "" && (a.token() != "" || len(a.body) != 2) {
				t.Errorf("a refusal has more than an error and its description: %s", a.text)
			}
		})
	}
}

// RFC 8693 §2.2.1, §4.1: the answer, the token in it, and the record.
func TestTokenExchangeGranted(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fixture, *call)
		claims map[string]any
		record map[string]any
	}{
		"for the subject": {nil, map[string]any{"sub": "team-a/idp-a:alice", "act": nil, "aud": "https://api.example.com", "client_id": "c1", "scope": "read"}, nil},
		"for an actor": {
			func(f *fixture, c *call) { c.acting(f.robot("2")) },
			map[string]any{"sub": "team-a/idp-a:alice", "act": map[string]any{"sub": "team-a/idp-b:robot"}, "aud": "https://api.example.com"},
			map[string]any{"actor": "team-a/idp-b:robot", "actor_identity_provider": "team-a/idp-b"},
		},
		"for two audiences": {
			func(_ *fixture, c *call) {
				c.form["audience"], c.form["resource"] = []string{"https://api.example.com", "urn:second"}, []string{"urn:second"}
			},
			map[string]any{"aud": []any{"urn:second", "https://api.example.com"}},
			nil,
		},
		"for whom may_act names": {
			func(f *fixture, c *call) {
				*c = f.exchangeCall(sign(idpA, f.claims(idpA, "1").Set("may_act", `{"sub":"robot","iss":"`+idpB+`"}`))).acting(f.robot("2"))
			},
			map[string]any{"sub": "team-a/idp-a:alice", "act": map[string]any{"sub": "team-a/idp-b:robot"}, "may_act": nil},
			map[string]any{"actor": "team-a/idp-b:robot", "actor_identity_provider": "team-a/idp-b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.change(nil, exchanging)
			c := f.exchangeCall(f.assertion(idpA, "1"))
			if tc.change != nil {
				tc.change(f, &c)
			}
			a := f.send(t, c.request())
			if a.status != http.StatusOK || a.body["issued_token_type"] != oauth.TokenTypeAccessToken || a.body["token_type"] != "Bearer" || a.body["scope"] != "read" {
				t.Fatalf("got %d: %s", a.status, a.text)
			}
			expectClaims(t, a.token(), tc.claims)
			want := map[string]any{
				"level": "INFO", "msg": "access token granted", "client": "team-a/c1", "client_id": "c1", "client_authentication": "client_secret_basic",
				"grant_type": oauth.GrantTypeTokenExchange, "identity_provider": "team-a/idp-a", "issuer": idpA, "subject": "team-a/idp-a:alice", "scope": "read",
			}
			maps.Copy(want, tc.record)
			got := f.records(t)[0]
			if sum := sha256.Sum256([]byte(c.form.Get("subject_token"))); got["assertion_sha256"] != hex.EncodeToString(sum[:]) {
				t.Errorf("digest of the subject token: %v", got["assertion_sha256"])
			}
			takeRequest(t, got)
			delete(got, "token_id")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// The log and the answer say which of two tokens was refused.
func TestTokenExchangeSaysWhich(t *testing.T) {
	for parameter, spoil := range map[string]func(*fixture, *call){
		"subject_token": func(f *fixture, c *call) { c.form.Set("subject_token", f.assertion("https://unknown.test", "1")) },
		"actor_token":   func(f *fixture, c *call) { c.form.Set("actor_token", f.assertion("https://unknown.test", "2")) },
	} {
		t.Run(parameter, func(t *testing.T) {
			f := newFixture(t)
			f.change(nil, exchanging)
			c := f.exchangeCall(f.assertion(idpA, "1")).acting(f.robot("2"))
			spoil(f, &c)
			a := f.send(t, c.request())
			record := f.records(t)[0]
			issuer := map[string]string{"subject_token": "untrusted_issuer", "actor_token": "untrusted_actor_issuer"}[parameter]
			if record["parameter"] != parameter || record[issuer] != "https://unknown.test" {
				t.Errorf("record %v", record)
			}
			if want := parameter + ": The issuer of the assertion is not trusted for this client."; a.body["error_description"] != want {
				t.Errorf("the answer is %s, want %q", a.text, want)
			}
		})
	}
}

// H-08, H-09: each of the tokens is used up, wherever it is presented next; one that was refused is not.
func TestTokenExchangeReplay(t *testing.T) {
	f := newFixture(t)
	f.change(nil, exchanging)
	alice, robot := f.assertion(idpA, "1"), f.robot("2")
	refused := func(name string, c call, code oauth.Code) {
		t.Helper()
		if a := f.send(t, c.request()); a.reason != string(oauth.ReasonReplayed) || a.code() != string(code) {
			t.Errorf("%s gets %d %s for %q", name, a.status, a.code(), a.reason)
		}
	}
	granted := func(name string, c call) {
		t.Helper()
		if a := f.send(t, c.request()); a.status != http.StatusOK {
			t.Errorf("%s gets %d for %q", name, a.status, a.reason)
		}
	}
	wrong := f.exchangeCall(alice).acting(robot)
	wrong.form.Set("scope", "admin")
	f.send(t, wrong.request())
	granted("the first use, after a refusal", f.exchangeCall(alice).acting(robot))
	refused("the subject alone", f.exchangeCall(alice), oauth.InvalidRequest)
	refused("the subject as an assertion", f.call("c1", alice), oauth.InvalidGrant)
	refused("the actor with another subject", f.exchangeCall(f.assertion(idpA, "3")).acting(robot), oauth.InvalidRequest)
	granted("that subject, which was not used up", f.exchangeCall(f.assertion(idpA, "3")))
	refused("the actor as a subject", f.exchangeCall(robot), oauth.InvalidRequest)
	refused("the actor as an assertion", f.call("c5", robot), oauth.InvalidGrant)
	used := f.assertion(idpA, "4")
	granted("an assertion", f.call("c5", used))
	refused("an assertion as subject", f.exchangeCall(used), oauth.InvalidRequest)
}

// E-11: no access token of this server is exchanged, of whatever kind it is said to be.
func TestOwnTokensAreNotExchanged(t *testing.T) {
	f := newFixture(t)
	f.change(nil, exchanging)
	own := f.send(t, f.exchangeCall(f.assertion(idpA, "1")).request()).token()
	for _, kind := range []string{oauth.TokenTypeJWT, oauth.TokenTypeAccessToken, oauth.TokenTypeIDToken} {
		c := f.exchangeCall(own)
		c.form.Set("subject_token_type", kind)
		a := f.send(t, c.request())
		c = f.exchangeCall(f.assertion(idpA, "2")).acting(own)
		c.form.Set("actor_token_type", kind)
		b := f.send(t, c.request())
		if own == "" || a.reason != string(oauth.ReasonSelfIssued) || b.reason != string(oauth.ReasonSelfIssued) || a.code() != string(oauth.InvalidRequest) {
			t.Errorf("as %s: %q as subject, %q as actor", kind, a.reason, b.reason)
		}
	}
}

// K-16: keys that are fetched for the actor's token put everything before the world as it is by then.
func TestTokenExchangeRefreshKeys(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile func(*fixture, *trust.Tx)
		want      oauth.Reason
	}{
		"key is there by then":    {func(*fixture, *trust.Tx) {}, ""},
		"subject's provider gone": {func(_ *fixture, tx *trust.Tx) { tx.DeleteProvider(provider("b", idpB).Key) }, oauth.ReasonProviderUnknown},
		"subject's provider off": {func(_ *fixture, tx *trust.Tx) {
			p := provider("b", idpB)
			p.Enabled = false
			tx.PutProvider(p)
		}, oauth.ReasonProviderDisabled},
		"client has other scopes": {func(f *fixture, tx *trust.Tx) {
			c := f.client("c1")
			exchanging(c)
			c.Scopes = nil
			tx.PutClient(c)
		}, oauth.ReasonScopeNotAllowed},
		"client lost the grant": {func(f *fixture, tx *trust.Tx) { tx.PutClient(f.client("c1")) }, oauth.ReasonGrantNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refresher{}
			f := newFixture(t, func(c *Config) { c.KeyRefresher = r })
			f.change(nil, exchanging)
			r.refresh = func(*trust.Provider) bool {
				f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k2")); tc.meanwhile(f, tx) })
				return true
			}
			f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("k1")) })
			c := f.exchangeCall(f.assertion(idpB, "1")).acting(signedBy("k2", f.claims(idpA, "2").Set("sub", `"robot"`)))
			a := f.send(t, c.request())
			if a.reason != string(tc.want) || len(r.asked) != 1 {
				t.Fatalf("got %d for %q after asking %v, want %q", a.status, a.reason, r.asked, tc.want)
			}
			if tc.want == "" {
				expectClaims(t, a.token(), map[string]any{"sub": "team-a/idp-b:alice", "act": map[string]any{"sub": "team-a/idp-a:robot"}})
			}
		})
	}
}

// G-17: with a cap, the token ends with whichever of the two ends first.
func TestTokenExchangeEndsWithBoth(t *testing.T) {
	f := newFixture(t)
	f.change(nil, func(c *trust.Client) { exchanging(c); c.CapToAssertion = true })
	actor := sign(idpB, f.claims(idpB, "2").Set("exp", strconv.FormatInt(noon.Add(time.Minute).Unix(), 10)))
	a := f.send(t, f.exchangeCall(f.assertion(idpA, "1")).acting(actor).request())
	if a.body["expires_in"] != 60.0 {
		t.Errorf("got %d: %s", a.status, a.text)
	}
}
