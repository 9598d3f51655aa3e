package tokenserver

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// refreshing lets a client get refresh tokens for a day.
func refreshing(c *trust.Client) {
	c.GrantTypes, c.RefreshTokenLifetime = append(c.GrantTypes, oauth.GrantTypeRefreshToken), 24*time.Hour
}

// renewing is a fixture whose clients c1 and c5 get refresh tokens.
func renewing(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	f := newFixture(t, changes...)
	f.changeClient("c1", refreshing)
	f.changeClient("c5", refreshing)
	return f
}

// changeClient changes a client, from what the fixture has under its id.
func (f *fixture) changeClient(id string, changes ...func(*trust.Client)) {
	f.store.Update(func(tx *trust.Tx) {
		c := f.client(id)
		for _, change := range changes {
			change(c)
		}
		tx.PutClient(c)
	})
}

func (f *fixture) changeProvider(change func(*trust.Provider)) {
	f.store.Update(func(tx *trust.Tx) { p := provider("a", idpA); change(p); tx.PutProvider(p) })
}

func (a answer) refreshToken() string { s, _ := a.body["refresh_token"].(string); return s }

// first exchanges an assertion and returns the first refresh token of a family.
func (f *fixture) first(t testing.TB, jti string) string {
	t.Helper()
	c := f.call("c1", f.assertion(idpA, jti))
	c.form.Set("scope", "read write")
	a := f.send(t, c.request())
	if a.status != http.StatusOK || a.refreshToken() == "" {
		t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
	}
	return a.refreshToken()
}

// renewal is a request with a refresh token.
func (f *fixture) renewal(id, token string) call {
	c := f.call(id, "")
	c.form.Del("assertion")
	c.form.Del("scope")
	c.form.Set("grant_type", oauth.GrantTypeRefreshToken)
	c.form.Set("refresh_token", token)
	return c
}

func (f *fixture) renew(t testing.TB, id, token string) answer {
	t.Helper()
	return f.send(t, f.renewal(id, token).request())
}

// M-01, M-11: what comes of an assertion comes again, with another access token and the next refresh token each time.
func TestRefreshToken(t *testing.T) {
	f := renewing(t)
	c := f.call("c1", f.assertion(idpA, "1"))
	c.form.Set("scope", "read write")
	a := f.send(t, c.request())
	before, seen := claimsOf(t, a.token()), map[string]bool{a.refreshToken(): true, a.token(): true}
	for i := range 5 {
		f.now = f.now.Add(10 * time.Minute)
		token := a.refreshToken()
		a = f.renew(t, "c1", token)
		want := map[string]any{
			"access_token": a.token(), "refresh_token": a.refreshToken(), "token_type": "Bearer", "expires_in": 3600.0, "scope": "read write",
		}
		if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusOK {
			t.Fatalf("use %d: status %d, body (-want +got):\n%s", i, a.status, diff)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the answer may be cached: %v", a.header)
		}
		if seen[a.token()] || seen[a.refreshToken()] || len(a.refreshToken()) < 100 {
			t.Errorf("a token comes twice, or is short: %s", a.text)
		}
		seen[a.token()], seen[a.refreshToken()] = true, true
		after := claimsOf(t, a.token())
		family, ok := refresh.FamilyOf(after["jti"].(string)) //nolint:errcheck,forcetypeassert // a test may panic
		was, _ := refresh.FamilyOf(before["jti"].(string))    //nolint:errcheck,forcetypeassert // a test may panic
		if !ok || family != was || after["jti"] == before["jti"] {
			t.Errorf("the jti %v does not follow %v", after["jti"], before["jti"])
		}
		want = map[string]any{"iat": float64(f.now.Unix()), "exp": float64(f.now.Unix() + 3600), "jti": after["jti"]}
		for name, value := range before {
			if _, ok := want[name]; !ok {
				want[name] = value
			}
		}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	}
}

// J-10, W-10, W-72: nobody gets a refresh token that was not asked for in the spec.
func TestNoRefreshToken(t *testing.T) {
	for name, tc := range map[string]struct {
		disabled []string
		client   func(*trust.Client)
		provider func(*trust.Provider)
		want     bool
	}{
		"as it should be":            {nil, refreshing, nil, true},
		"J-10 by default":            {nil, func(*trust.Client) {}, nil, false},
		"W-81 off for the server":    {[]string{oauth.GrantTypeRefreshToken}, refreshing, nil, false},
		"W-72 not by this provider":  {nil, refreshing, func(p *trust.Provider) { p.NoRefresh = true }, false},
		"W-10 a public client may":   {nil, func(c *trust.Client) { refreshing(c); public(c) }, nil, true},
		"W-10 a public client, else": {nil, public, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.DisabledGrants = tc.disabled })
			f.changeClient("c1", tc.client)
			if tc.provider != nil {
				f.changeProvider(tc.provider)
			}
			c := f.call("c1", f.assertion(idpA, "1"))
			if f.store.Snapshot().Client("c1").Authentication == trust.AuthenticationNone {
				c.header.Del("Authorization")
				c.form.Set("client_id", "c1")
			}
			a := f.send(t, c.request())
			if _, got := a.body["refresh_token"]; got != tc.want || a.status != http.StatusOK {
				t.Errorf("got %d with %s", a.status, a.text)
			}
		})
	}
	f := newFixture(t)
	f.changeClient("c1", own, refreshing)
	if a := f.send(t, f.ownCall().request()); a.status != http.StatusOK || a.refreshToken() != "" {
		t.Errorf("RFC 6749 §4.4.3: a client gets a refresh token for itself: %s", a.text)
	}
}

// M-02: who uses a refresh token again ends the family, whoever came first.
func TestRefreshTokenReuse(t *testing.T) {
	f := renewing(t)
	first, other := f.first(t, "1"), f.first(t, "2")
	second := f.renew(t, "c1", first).refreshToken()
	third := f.renew(t, "c1", second).refreshToken()
	for i, tc := range []struct {
		token string
		want  oauth.Reason
	}{
		{first, oauth.ReasonRefreshTokenReused},
		{third, oauth.ReasonRefreshTokenRevoked},
		{second, oauth.ReasonRefreshTokenRevoked},
		{first, oauth.ReasonRefreshTokenRevoked},
		{other, ""},
	} {
		a := f.renew(t, "c1", tc.token)
		if a.reason != string(tc.want) || (a.status == http.StatusOK) != (tc.want == "") || tc.want != "" && a.code() != "invalid_grant" {
			t.Errorf("request %d gets %d for %q, want %q", i, a.status, a.reason, tc.want)
		}
	}
	if third == "" || second == "" {
		t.Error("no refresh tokens came")
	}
}

// M-08: however often they follow one another, all of a family are over at one time, and their access tokens with them.
func TestRefreshTokenEnd(t *testing.T) {
	f := renewing(t)
	token, uses := f.first(t, "1"), 0
	for ; ; uses++ {
		f.now = f.now.Add(50 * time.Minute)
		a := f.renew(t, "c1", token)
		if a.status != http.StatusOK {
			if a.reason != string(oauth.ReasonRefreshTokenExpired) {
				t.Errorf("use %d gets %d for %q", uses, a.status, a.reason)
			}
			break
		}
		if exp := time.Unix(int64(claimsOf(t, a.token())["exp"].(float64)), 0); exp.After(noon.Add(24 * time.Hour)) { //nolint:errcheck,forcetypeassert // a test may panic
			t.Errorf("use %d gives an access token until %s", uses, exp)
		}
		token = a.refreshToken()
	}
	if want := 24 * 60 / 50; uses != want {
		t.Errorf("%d uses in a day, want %d", uses, want)
	}
}

// M-06: less may be asked for, and the next token is for all again.
func TestRefreshTokenNarrowed(t *testing.T) {
	f := renewing(t)
	c := f.renewal("c1", f.first(t, "1"))
	c.form.Set("scope", "write")
	a := f.send(t, c.request())
	if a.body["scope"] != "write" || claimsOf(t, a.token())["scope"] != "write" {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
	if a = f.renew(t, "c1", a.refreshToken()); a.body["scope"] != "read write" {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
}
