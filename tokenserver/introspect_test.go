package tokenserver

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const api = "https://api.example.com"

// addServers makes c1 ask tokens for two APIs, of which api1 serves the first and api2 another one.
func (f *fixture) addServers() {
	f.store.Update(func(tx *trust.Tx) {
		c := f.client("c1")
		c.Resources = []string{api, "https://other.example.com"}
		tx.PutClient(c)
		for id, serves := range map[string]string{"api1": api, "api2": api + "/"} {
			s := f.client(id)
			s.GrantTypes, s.Serves = nil, []string{"urn:example:x", serves}
			tx.PutClient(s)
		}
	})
}

// accessToken is a token of c1 for the first API.
func (f *fixture) accessToken(t testing.TB) string {
	t.Helper()
	a := f.send(t, f.call("c1", f.assertion(idpA, strconv.Itoa(len(f.records(t))))).request())
	if a.token() == "" {
		t.Fatalf("no access token: %d %s", a.status, a.text)
	}
	return a.token()
}

// introspect is a request to the introspection endpoint.
func (f *fixture) introspect(id, token string) call {
	c := f.call(id, "")
	c.target = PathIntrospection
	c.form = map[string][]string{"token": {token}}
	return c
}

func newIntrospection(t testing.TB, changes ...func(*Config)) (*fixture, string) {
	t.Helper()
	f := newFixture(t, changes...)
	f.addServers()
	f.addClients()
	token := f.accessToken(t)
	return f, token
}

const inactive = `{"active":false}`

func expectInactive(t *testing.T, a answer, want oauth.Reason) {
	t.Helper()
	if a.status != http.StatusOK || a.text != inactive || a.reason != string(want) {
		t.Errorf("got %d for %q, want %s for %q: %s", a.status, a.reason, inactive, want, a.text)
	}
}

// N-02, W-62: the answer has the claims of the token, of the same types, and says what kind of token it is.
func TestActive(t *testing.T) {
	f, _ := newIntrospection(t)
	f.store.Update(func(tx *trust.Tx) {
		p := provider("a", idpA)
		p.Rules = must(must(claimrules.NewCompiler()).Compile(claimrules.Rules{Mappings: []claimrules.Mapping{
			{Claim: "groups", Expression: `["dev", "<ops>"]`},
			{Claim: "level", Expression: "3"},
			{Claim: "ratio", Expression: "0.5"},
			{Claim: "ok", Expression: "true"},
			{Claim: "who", Expression: `{"name": claims.sub, "id": claims.jti}`},
		}}))
		tx.PutProvider(p)
	})
	token := f.accessToken(t)
	want := claimsOf(t, token)
	want["active"], want["token_type"] = true, "Bearer"
	for _, id := range []string{"c1", "api1"} {
		a := f.send(t, f.introspect(id, token).request())
		if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusOK {
			t.Errorf("%s gets %d (-want +got):\n%s", id, a.status, diff)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
			t.Errorf("headers are %v", a.header)
		}
	}
	if want["level"] != 3.0 || want["ok"] != true || want["client_id"] != "c1" || want["aud"] != api {
		t.Errorf("the token itself is not as the test wants it: %v", want)
	}
}

// N-03, N-04, N-06, N-08: what does not count says nothing about itself, whoever asks.
func TestInactive(t *testing.T) {
	edit := func(change func(*trust.Client)) func(*fixture, *string) {
		return func(f *fixture, _ *string) {
			f.store.Update(func(tx *trust.Tx) {
				c := f.client("c1")
				c.Resources = []string{api}
				change(c)
				tx.PutClient(c)
			})
		}
	}
	gone := func(f *fixture, _ *string) {
		f.store.Update(func(tx *trust.Tx) { tx.DeleteClient(f.client("c1").Key) })
	}
	for name, tc := range map[string]struct {
		change func(*fixture, *string)
		// owner is what c1 gets to hear itself, where that is not what others do.
		want, owner oauth.Reason
	}{
		"N-04 garbage":           {func(_ *fixture, token *string) { *token = "fake-jwt" }, oauth.ReasonTokenMalformed, ""},
		"N-03 payload changed":   {func(_ *fixture, token *string) { *token = tampered(*token) }, oauth.ReasonTokenSignature, ""},
		"N-03 signature cut off": {func(_ *fixture, token *string) { *token = (*token)[:strings.LastIndexByte(*token, '.')+1] }, oauth.ReasonTokenMalformed, ""},
		"N-06 assertion":         {func(f *fixture, token *string) { *token = f.assertion(idpA, "x") }, oauth.ReasonTokenType, ""},
		"N-06 client assertion":  {func(f *fixture, token *string) { *token = f.clientAssertion("key1", "x") }, oauth.ReasonTokenType, ""},
		"N-06 at+jwt of a provider": {func(f *fixture, token *string) {
			*token = jwttest.Compact("ES256", jwttest.EC(idpA, elliptic.P256()), `{"alg":"ES256","typ":"at+jwt","kid":"x"}`, f.claims(idpA, "x").String())
		}, oauth.ReasonTokenKeyUnknown, ""},
		"N-04 expired": {func(f *fixture, _ *string) { f.now = noon.Add(time.Hour) }, oauth.ReasonTokenExpired, ""},
		"key no longer published": {func(f *fixture, _ *string) {
			f.store.Update(func(tx *trust.Tx) { tx.SetRing(must(keyring.Generate(noon))) })
		}, oauth.ReasonTokenKeyUnknown, ""},
		"N-08 client disabled":  {edit(func(c *trust.Client) { c.Enabled = false }), oauth.ReasonTokenClientGone, oauth.ReasonDisabledClient},
		"N-08 client gone":      {gone, oauth.ReasonTokenClientGone, oauth.ReasonUnknownClient},
		"N-08 client made anew": {edit(func(c *trust.Client) { c.UID += "2" }), oauth.ReasonTokenClientGone, oauth.ReasonWrongSecret},
		"N-08 id taken by another": {func(f *fixture, token *string) {
			gone(f, token)
			f.store.Update(func(tx *trust.Tx) {
				c := f.client("c1")
				c.Key, c.UID, c.Created = trust.ObjectKey{Namespace: "team-b", Name: "thief"}, "uid-thief", noon.Add(-24*time.Hour)
				tx.PutClient(c)
			})
		}, oauth.ReasonTokenClientGone, oauth.ReasonWrongSecret},
		"after a restart": {func(f *fixture, _ *string) { f.restart(t, noon.Add(time.Second)) }, oauth.ReasonTokenRevoked, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, token := newIntrospection(t)
			tc.change(f, &token)
			expectInactive(t, f.send(t, f.introspect("api1", token).request()), tc.want)
			a := f.send(t, f.introspect("c1", token).request())
			if tc.owner != "" {
				if a.status != http.StatusUnauthorized || a.reason != string(tc.owner) {
					t.Errorf("its owner gets %d for %q", a.status, a.reason)
				}
				return
			}
			expectInactive(t, a, tc.want)
		})
	}
}

// tampered is the token with another scope.
func tampered(token string) string {
	parts := strings.Split(token, ".")
	claims := string(must(base64.RawURLEncoding.DecodeString(parts[1])))
	parts[1] = jwttest.Part(strings.Replace(claims, `"scope":"read"`, `"scope":"read write"`, 1))
	return strings.Join(parts, ".")
}

// What changes of the client without making it another leaves its tokens as they are.
func TestActiveAfterChange(t *testing.T) {
	f, token := newIntrospection(t)
	f.store.Update(func(tx *trust.Tx) {
		c := f.client("c1")
		c.Scopes, c.Resources, c.GrantTypes, c.Created = nil, nil, nil, noon.Add(time.Minute)
		tx.PutClient(c)
		next := keyring.Key{Signer: must(jose.GenerateSigner(jose.ES256)), ActiveFrom: noon}
		tx.SetRing(must(keyring.New(keyring.Key{Signer: signer(), ActiveFrom: noon.Add(-time.Hour)}, next)))
	})
	if a := f.send(t, f.introspect("api1", token).request()); a.body["active"] != true {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
}

// Who is neither the client of the token nor a server of what it is for learns nothing.
func TestNotForTheCaller(t *testing.T) {
	for name, id := range map[string]string{
		"another client": "c5", "a server of something else": "api2", "a client with a key": "key1", "a workload": "work1",
	} {
		t.Run(name, func(t *testing.T) {
			f, token := newIntrospection(t)
			c := f.as(id, "", "c-1")
			c.target = PathIntrospection
			c.form.Del("grant_type")
			c.form.Set("token", token)
			expectInactive(t, f.send(t, c.request()), oauth.ReasonTokenOtherClient)
		})
	}
}

// A token for several APIs counts at each of them.
func TestActiveForOneOfSeveral(t *testing.T) {
	f, _ := newIntrospection(t)
	c := f.call("c1", f.assertion(idpA, "several"))
	c.form["resource"] = []string{"https://other.example.com", api}
	token := f.send(t, c.request()).token()
	if a := f.send(t, f.introspect("api1", token).request()); a.body["active"] != true {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
}

// N-01, N-04, N-09: what is an error, before anything is said about the token.
func TestIntrospectionRefused(t *testing.T) {
	set := func(name, value string) func(*call) { return func(c *call) { c.form.Set(name, value) } }
	for name, tc := range map[string]struct {
		change func(*call)
		status int
		reason oauth.Reason
	}{
		"N-01 nobody":           {func(c *call) { c.header.Del("Authorization") }, 401, oauth.ReasonNoCredentials},
		"N-01 wrong secret":     {func(c *call) { c.basic("api1", "wrong") }, 401, oauth.ReasonWrongSecret},
		"N-01 unknown client":   {func(c *call) { c.basic("nobody", "x") }, 401, oauth.ReasonUnknownClient},
		"N-01 disabled client":  {func(c *call) { c.basic("c4", secretOf("c4")) }, 401, oauth.ReasonDisabledClient},
		"N-01 public client":    {func(c *call) { c.header.Del("Authorization"); c.form.Set("client_id", "p1") }, 401, oauth.ReasonPublicIntrospection},
		"N-01 id only":          {func(c *call) { c.header.Del("Authorization"); c.form.Set("client_id", "api1") }, 401, oauth.ReasonNoCredentials},
		"N-01 token as Bearer":  {func(c *call) { c.header.Set("Authorization", "Bearer "+c.form.Get("token")) }, 401, oauth.ReasonMalformedBasic},
		"another tenant":        {func(c *call) { c.target += "?tenantDomain=team-b" }, 401, oauth.ReasonOtherTenant},
		"N-04 no token":         {func(c *call) { c.form.Del("token") }, 400, oauth.ReasonMissingToken},
		"N-04 empty token":      {set("token", ""), 400, oauth.ReasonMissingToken},
		"token in the query":    {func(c *call) { c.target += "?token=x" }, 400, oauth.ReasonParameterInQuery},
		"token twice":           {func(c *call) { c.form.Add("token", "x") }, 400, oauth.ReasonRepeatedParameter},
		"hint twice":            {func(c *call) { c.form["token_type_hint"] = []string{"a", "b"} }, 400, oauth.ReasonRepeatedParameter},
		"two methods":           {set("client_secret", "x"), 400, oauth.ReasonTwoMethods},
		"id of another":         {set("client_id", "c1"), 400, oauth.ReasonClientIDMismatch},
		"JSON":                  {func(c *call) { c.header.Set("Content-Type", "application/json") }, 400, oauth.ReasonContentType},
		"no content type":       {func(c *call) { c.header.Del("Content-Type") }, 400, oauth.ReasonContentType},
		"larger than a request": {set("token", strings.Repeat("t", 64<<10)), 400, oauth.ReasonBodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			f, token := newIntrospection(t)
			c := f.introspect("api1", token)
			tc.change(&c)
			a := f.send(t, c.request())
			if a.status != tc.status || a.reason != string(tc.reason) || a.body["active"] != nil || a.code() == "" {
				t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if (a.header.Get("WWW-Authenticate") != "") != (tc.status == 401) || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers are %v", a.header)
			}
		})
	}
}

// RFC 7662 §2.1: a hint, right or wrong, changes nothing.
func TestIntrospectionHint(t *testing.T) {
	f, token := newIntrospection(t)
	for _, hint := range []string{"access_token", "refresh_token", "urn:example:unknown", "", "\x00"} {
		c := f.introspect("api1", token)
		c.form.Set("token_type_hint", hint)
		if a := f.send(t, c.request()); a.body["active"] != true {
			t.Errorf("with hint %q: %d for %q", hint, a.status, a.reason)
		}
	}
}

// N-11: no answer is made of an earlier one.
func TestIntrospectionIsNotCached(t *testing.T) {
	f, token := newIntrospection(t)
	ask := func(id string) bool { return f.send(t, f.introspect(id, token).request()).body["active"] == true }
	if !ask("api1") || ask("api2") || ask("c5") || !ask("c1") {
		t.Error("an answer depends on who asked before")
	}
	f.now = noon.Add(time.Hour)
	if ask("api1") || ask("c1") {
		t.Error("the token is active when it has expired")
	}
	f.now = noon
	if !ask("api1") {
		t.Error("the token is not active any more")
	}
}

// revocations is a store that answers as it is told, and notes what it is asked.
type revocations struct {
	answer  bool
	err     error
	asked   []string
	revoked []state.Revocation
}

func (r *revocations) Revoke(_ context.Context, revocation state.Revocation, _ time.Time) error {
	r.revoked = append(r.revoked, revocation)
	return r.err
}

func (r *revocations) Revoked(_ context.Context, issued time.Time, ids []state.ID, now time.Time) (bool, error) {
	r.asked = append(r.asked, issued.UTC().Format(time.TimeOnly)+" "+strconv.Itoa(len(ids))+" "+now.Format(time.TimeOnly))
	return r.answer, r.err
}

// A revocation that is not known must not read as none: who cannot be told gets no answer about the token at all.
func TestIntrospectionAsksWhatIsRevoked(t *testing.T) {
	for name, tc := range map[string]struct {
		store  revocations
		status int
		reason oauth.Reason
	}{
		"not revoked":  {revocations{}, 200, "ok"},
		"N-04 revoked": {revocations{answer: true}, 200, oauth.ReasonTokenRevoked},
		"store down":   {revocations{err: errors.New("dial tcp: connection refused")}, 503, oauth.ReasonStateUnavailable},
		"store slow":   {revocations{err: context.DeadlineExceeded, answer: true}, 503, oauth.ReasonStateUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			store := tc.store
			f, token := newIntrospection(t, func(c *Config) { c.Revocations = &store })
			f.now = noon.Add(time.Minute)
			a := f.send(t, f.introspect("api1", token).request())
			if a.status != tc.status || tc.reason != "ok" && a.reason != string(tc.reason) || (a.body["active"] == true) != (tc.reason == "ok") {
				t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if tc.status == 503 && (a.code() != "temporarily_unavailable" || a.header.Get("Retry-After") == "" || a.body["active"] != nil) {
				t.Errorf("got %v: %s", a.header, a.text)
			}
			if diff := cmp.Diff([]string{"12:00:00 1 12:01:00"}, store.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
	// A token that does not concern the caller is nothing to ask about.
	store := revocations{err: errors.New("down")}
	f, token := newIntrospection(t, func(c *Config) { c.Revocations = &store })
	expectInactive(t, f.send(t, f.introspect("c5", token).request()), oauth.ReasonTokenOtherClient)
	expectInactive(t, f.send(t, f.introspect("api1", "x").request()), oauth.ReasonTokenMalformed)
	if len(store.asked) != 0 {
		t.Errorf("asked %v", store.asked)
	}
}
