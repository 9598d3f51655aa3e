package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// J-10, W-10, W-72: a refresh token is there when client, provider and server all want one, and not otherwise.
func TestWhoGetsARefreshToken(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*fixture, *Request)
		want   bool
	}{
		"fixture":                       {func(*fixture, *Request) {}, true},
		"J-10 client without the grant": {func(f *fixture, _ *Request) { f.client.GrantTypes = []string{oauth.GrantTypeJWTBearer} }, false},
		"J-10 client without grants":    {func(f *fixture, _ *Request) { f.client.GrantTypes = nil }, false},
		"J-10 a grant of another name":  {func(f *fixture, _ *Request) { f.client.GrantTypes[1] = "Refresh_Token" }, false},
		"W-72 provider permits none":    {func(f *fixture, _ *Request) { f.provider.NoRefresh = true }, false},
		"W-81 off for the server":       {func(_ *fixture, r *Request) { r.Disabled = []string{oauth.GrantTypeRefreshToken} }, false},
		"W-81 another grant is off":     {func(_ *fixture, r *Request) { r.Disabled = []string{"urn:other"} }, true},
		"M-08 no lifetime":              {func(f *fixture, _ *Request) { f.client.RefreshTokenLifetime = 0 }, false},
		"M-08 less than a second":       {func(f *fixture, _ *Request) { f.client.RefreshTokenLifetime = 999 * time.Millisecond }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, request := refreshing(), Request{GrantType: oauth.GrantTypeJWTBearer}
			tc.change(f, &request)
			d, err := f.authorize(t, request)
			if err != nil {
				t.Fatal(err)
			}
			if _, got := d.RefreshToken(); got != tc.want {
				t.Errorf("a refresh token is granted: %t", got)
			}
			if _, stepped := d.Step(); stepped {
				t.Error("an assertion is used as a refresh token")
			}
		})
	}
}

// M-08, G-17: the family ends when the client says so, and no access token of it lives longer.
func TestEndOfFamily(t *testing.T) {
	at := noon.Add
	for name, tc := range map[string]struct {
		token, refresh, assertion time.Duration
		cap                       bool
		now                       time.Time
		end, expires              time.Time
	}{
		"plain":                         {time.Hour, 24 * time.Hour, 5 * time.Minute, false, noon, at(24 * time.Hour), at(time.Hour)},
		"within a second":               {time.Hour, 24 * time.Hour, 5 * time.Minute, false, at(900 * time.Millisecond), at(24 * time.Hour), at(time.Hour)},
		"a fraction of a second":        {time.Hour, 24*time.Hour + 500*time.Millisecond, 5 * time.Minute, false, noon, at(24 * time.Hour), at(time.Hour)},
		"O-02 shorter than the token":   {time.Hour, time.Minute, 5 * time.Minute, false, noon, at(time.Minute), at(time.Minute)},
		"G-17 ends with the assertion":  {time.Minute, 24 * time.Hour, 5 * time.Minute, true, noon, at(5 * time.Minute), at(time.Minute)},
		"G-17 so does the access token": {time.Hour, 24 * time.Hour, 5 * time.Minute, true, noon, at(5 * time.Minute), at(5 * time.Minute)},
		"G-17 before the assertion":     {time.Minute, 2 * time.Minute, 5 * time.Minute, true, noon, at(2 * time.Minute), at(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			f := refreshing()
			f.client.AccessTokenLifetime, f.client.RefreshTokenLifetime, f.client.CapToAssertion = tc.token, tc.refresh, tc.cap
			f.lifetime, f.now = tc.assertion, tc.now
			d, err := f.authorize(t, Request{})
			if err != nil {
				t.Fatal(err)
			}
			token, _ := d.RefreshToken()
			if got := token.Grant().End; !got.Equal(tc.end) || !d.ExpiresAt().Equal(tc.expires) {
				t.Errorf("ends at %s and the access token at %s, want %s and %s", got, d.ExpiresAt(), tc.end, tc.expires)
			}
			if got := token.Step().Until; !got.Equal(tc.end) {
				t.Errorf("the store is told of %s, want %s", got, tc.end)
			}
		})
	}
}

// What a family stands for is what was decided, by whom and for whom.
func TestFamilyHoldsTheDecision(t *testing.T) {
	f := refreshing()
	d, err := f.authorize(t, Request{GrantType: oauth.GrantTypeJWTBearer, Scope: "write", Resources: []string{other}})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := d.RefreshToken()
	want := refresh.Grant{
		Origin: oauth.GrantTypeJWTBearer, ClientUID: "uid", ClientID: "app", Subject: "team-a/idp:alice", Scopes: []string{"write"},
		Audience: []string{other}, Start: noon, End: noon.Add(24 * time.Hour), AssertionEnd: noon.Add(5 * time.Minute),
		Vouchers: []refresh.Voucher{{
			Provider: trust.ObjectKey{Namespace: "team-a", Name: "idp"}, UID: "idp-1", Issuer: issuer, Key: key("idp").Thumbprint(), RulesID: "rules-1",
		}},
	}
	if diff := cmp.Diff(want, token.Grant()); diff != "" {
		t.Errorf("grant (-want +got):\n%s", diff)
	}
	again, err := f.authorize(t, Request{})
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.RefreshToken(); second.Family() == token.Family() {
		t.Error("two families are one")
	}
	if diff := cmp.Diff(state.Step{Family: token.Family().ID(), Issued: noon, Until: want.End}, token.Step()); diff != "" {
		t.Errorf("first step (-want +got):\n%s", diff)
	}
}
