package tokenserver

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// A refresh token that comes with an exchanged token goes on for the same actor, as long as both of those who vouched do.
func TestRefreshTokenOfExchange(t *testing.T) {
	onlyOne := func(c *trust.Client) { c.Providers = named("idp-a") }
	for name, tc := range map[string]struct {
		change func(*trust.Provider) // of the actor's provider
		client func(*trust.Client)
		want   oauth.Reason
	}{
		"as it should be":       {nil, nil, ""},
		"W-41 disabled":         {func(p *trust.Provider) { p.Enabled = false }, nil, oauth.ReasonRefreshTokenProviderOff},
		"W-72 made anew":        {func(p *trust.Provider) { p.UID = "x" }, nil, oauth.ReasonRefreshTokenProviderGone},
		"W-72 key taken away":   {func(p *trust.Provider) { p.Keys = provider("a", idpA).Keys }, nil, oauth.ReasonRefreshTokenKeyGone},
		"W-43 not any more":     {nil, onlyOne, oauth.ReasonRefreshTokenProviderOther},
		"W-72 grant taken away": {nil, func(c *trust.Client) { c.GrantTypes = c.GrantTypes[1:] }, oauth.ReasonRefreshTokenOrigin},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.changeClient("c1", exchanging, refreshing)
			a := f.send(t, f.exchangeCall(f.assertion(idpA, "1")).acting(f.robot("2")).request())
			if a.status != http.StatusOK || a.refreshToken() == "" || a.body["issued_token_type"] != oauth.TokenTypeAccessToken {
				t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if tc.change != nil {
				f.store.Update(func(tx *trust.Tx) { p := provider("b", idpB); tc.change(p); tx.PutProvider(p) })
			}
			if tc.client != nil {
				f.changeClient("c1", exchanging, refreshing, tc.client)
			}
			a = f.renew(t, "c1", a.refreshToken())
			if a.reason != string(tc.want) {
				t.Errorf("got %d for %q, want %q", a.status, a.reason, tc.want)
			}
			if tc.want == "" {
				f.expectRobotActs(t, a)
			}
		})
	}
}

// expectRobotActs wants the answer to a refresh token by which the robot of provider B acts for alice of A.
func (f *fixture) expectRobotActs(t *testing.T, a answer) {
	t.Helper()
	expectClaims(t, a.token(), map[string]any{
		"sub": "team-a/idp-a:alice", "act": map[string]any{"sub": "team-a/idp-b:robot"}, "client_id": "c1",
	})
	if _, ok := a.body["issued_token_type"]; ok {
		t.Errorf("the answer is one to a token exchange: %s", a.text)
	}
	if diff := cmp.Diff("team-a/idp-b:robot", f.records(t)[1]["actor"]); diff != "" {
		t.Errorf("actor of the record (-want +got):\n%s", diff)
	}
}

// No provider of an exchange may forbid refresh tokens, and none of its tokens is outlived where the client wants that.
func TestRefreshTokenOfExchangeBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		forbids  string
		lifetime int64 // of the actor's token, in seconds
		want     bool
		end      time.Duration
	}{
		"W-72 subject's provider forbids": {"a", 300, false, 0},
		"W-72 actor's provider forbids":   {"b", 300, false, 0},
		"G-17 actor's token ends first":   {"", 120, true, 2 * time.Minute},
		"G-17 subject's token ends first": {"", 400, true, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.changeClient("c1", exchanging, refreshing, func(c *trust.Client) { c.CapToAssertion = true })
			for letter, issuer := range map[string]string{"a": idpA, "b": idpB} {
				f.store.Update(func(tx *trust.Tx) {
					p := provider(letter, issuer)
					p.NoRefresh = letter == tc.forbids
					tx.PutProvider(p)
				})
			}
			robot := sign(idpB, f.claims(idpB, "2").Set("sub", `"robot"`).Set("exp", strconv.FormatInt(f.now.Unix()+tc.lifetime, 10)))
			a := f.send(t, f.exchangeCall(f.assertion(idpA, "1")).acting(robot).request())
			if a.status != http.StatusOK || (a.refreshToken() != "") != tc.want {
				t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if !tc.want {
				return
			}
			f.now = noon.Add(tc.end - time.Second)
			if a = f.renew(t, "c1", a.refreshToken()); a.body["expires_in"] != 1.0 {
				t.Errorf("one second before its end: %d for %q: %s", a.status, a.reason, a.text)
			}
			f.now = noon.Add(tc.end)
			if a = f.renew(t, "c1", a.refreshToken()); a.reason != string(oauth.ReasonRefreshTokenExpired) {
				t.Errorf("at its end: %d for %q", a.status, a.reason)
			}
		})
	}
}
