package tokenserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// family is what a client has of one: refresh tokens and access tokens, in the order in which they were issued.
type family struct {
	refresh, access []string
}

// newFamily uses a refresh token once. The client c1 and the API api1 may ask about its access tokens.
func newFamily(t *testing.T, changes ...func(*Config)) (*fixture, *family) {
	t.Helper()
	f := renewing(t, changes...)
	f.changeClient("api1", func(c *trust.Client) { c.Serves = []string{server} })
	a := f.send(t, f.call("c1", f.assertion(idpA, "family")).request())
	fam := &family{[]string{a.refreshToken()}, []string{a.token()}}
	a = f.renew(t, "c1", a.refreshToken())
	fam.refresh, fam.access = append(fam.refresh, a.refreshToken()), append(fam.access, a.token())
	for _, token := range append(fam.refresh, fam.access...) {
		if token == "" {
			t.Fatalf("no family: %d %s", a.status, a.text)
		}
	}
	return f, fam
}

// O-02: a refresh token ends its whole family with every access token of it, whichever of the family it is; another family
// goes on.
func TestRevokeRefreshToken(t *testing.T) {
	for name, which := range map[string]int{"O-02 the last": 1, "O-02 one that was used": 0} {
		t.Run(name, func(t *testing.T) {
			f, fam := newFamily(t)
			other := f.send(t, f.call("c1", f.assertion(idpA, "other")).request())
			for range 2 {
				if a := f.sendRevocation(t, f.revocation("c1", fam.refresh[which])); a.status != http.StatusOK || a.reason != "" {
					t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
				}
			}
			f.expectEnded(t, fam)
			if !f.isActive(t, other.token()) {
				t.Error("the access token of another family is not active")
			}
			if a := f.renew(t, "c1", other.refreshToken()); a.status != http.StatusOK {
				t.Errorf("another family gets %d for %q", a.status, a.reason)
			}
		})
	}
}

// expectEnded: no token of the family works any more.
func (f *fixture) expectEnded(t *testing.T, fam *family) {
	t.Helper()
	for _, token := range fam.access {
		expectInactive(t, f.send(t, f.introspect("api1", token).request()), oauth.ReasonTokenRevoked)
	}
	if a := f.renew(t, "c1", fam.refresh[1]); a.reason != string(oauth.ReasonRefreshTokenRevoked) {
		t.Errorf("the refresh token gets %d for %q", a.status, a.reason)
	}
}

// M-02: who uses a refresh token twice ends the access tokens of the family too.
func TestReuseEndsAccessTokens(t *testing.T) {
	f, fam := newFamily(t)
	f.renew(t, "c1", fam.refresh[0])
	f.expectEnded(t, fam)
}

// An access token of a family is ended alone.
func TestRevokeAccessTokenOfFamily(t *testing.T) {
	f, fam := newFamily(t)
	if a := f.sendRevocation(t, f.revocation("c1", fam.access[0])); a.status != http.StatusOK || f.isActive(t, fam.access[0]) {
		t.Errorf("got %d for %q, or the token is active", a.status, a.reason)
	}
	if !f.isActive(t, fam.access[1]) || f.renew(t, "c1", fam.refresh[1]).status != http.StatusOK {
		t.Error("the family has ended with one of its access tokens")
	}
}

// N-07: a refresh token is no access token, whatever the hint says.
func TestRefreshTokenIsNeverActive(t *testing.T) {
	f, fam := newFamily(t)
	for _, token := range fam.refresh {
		for _, id := range []string{"c1", "api1"} {
			c := f.introspect(id, token)
			c.form.Set("token_type_hint", "refresh_token")
			expectInactive(t, f.send(t, c.request()), oauth.ReasonTokenMalformed)
		}
	}
}

// O-04, O-05, O-06: who may not end a family, what is none any more, and what could not be remembered.
func TestRevokeRefreshTokenRefused(t *testing.T) {
	rotate := func(f *fixture) {
		f.store.Update(func(tx *trust.Tx) { tx.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey())) })
	}
	for name, tc := range map[string]struct {
		as     string
		change func(f *fixture, token *string)
		status int
		reason oauth.Reason
	}{
		"O-05 another client":    {"c5", nil, 400, oauth.ReasonTokenOtherClient},
		"O-05 the API":           {"api1", nil, 400, oauth.ReasonTokenOtherClient},
		"O-05 a public client":   {"p1", nil, 400, oauth.ReasonTokenOtherClient},
		"O-04 over":              {"c1", func(f *fixture, _ *string) { f.now = noon.Add(24 * time.Hour) }, 200, oauth.ReasonRefreshTokenExpired},
		"O-04 changed":           {"c1", func(_ *fixture, token *string) { *token = flipped(*token) }, 200, oauth.ReasonRefreshTokenForged},
		"O-04 cut":               {"c1", func(_ *fixture, token *string) { *token = (*token)[:20] }, 200, oauth.ReasonTokenMalformed},
		"O-04 of another server": {"key1", func(f *fixture, _ *string) { rotate(f) }, 200, oauth.ReasonRefreshTokenUnknownKey},
		"O-04 client made anew": {"c1", func(f *fixture, _ *string) {
			f.changeClient("c1", refreshing, func(c *trust.Client) {
				c.UID += "2"
				c.Credentials[0].Digest = f.digestKey.Digest(c.UID, secretOf("c1"))
			})
		}, 200, oauth.ReasonTokenClientGone},
	} {
		t.Run(name, func(t *testing.T) {
			store := revocations{}
			f, fam := newFamily(t, func(c *Config) { c.Revocations = &store })
			f.addClients()
			token := fam.refresh[1]
			if tc.change != nil {
				tc.change(f, &token)
			}
			c := f.as(tc.as, "", "c-1")
			c.target = PathRevocation
			c.form.Set("token", token)
			if a := f.sendRevocation(t, c); a.status != tc.status || a.reason != string(tc.reason) {
				t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if len(store.revoked) != 0 {
				t.Errorf("revoked %v", store.revoked)
			}
		})
	}
	store := revocations{}
	f, fam := newFamily(t, func(c *Config) { c.Revocations = &store })
	for _, err := range []error{errors.New("down"), context.DeadlineExceeded, nil} {
		store.err = err
		want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[err == nil]
		if a := f.sendRevocation(t, f.revocation("c1", fam.refresh[1])); a.status != want {
			t.Errorf("O-06 with %v: got %d for %q", err, a.status, a.reason)
		}
	}
	if last := store.revoked[2]; !last.Until.Equal(noon.Add(24 * time.Hour)) {
		t.Errorf("the family is remembered until %v", last.Until)
	}
}

// flipped changes one character in the middle.
func flipped(text string) string {
	i, c := len(text)/2, "A"
	if text[i] == 'A' {
		c = "B"
	}
	return text[:i] + c + text[i+1:]
}

// the record names the family, and holds nothing of the token.
func TestRevokeRefreshTokenRecord(t *testing.T) {
	f, fam := newFamily(t)
	issued := f.records(t)[0]["refresh_family"]
	f.sendRevocation(t, f.revocation("c1", fam.refresh[1]))
	records := f.records(t)
	r := records[len(records)-1]
	got := []any{r["level"], r["msg"], r["endpoint"], r["reason"], r["token_id"], r["refresh_family"], r["client_id"]}
	if diff := cmp.Diff([]any{"INFO", "token revoked", "revocation", nil, nil, issued, "c1"}, got); diff != "" || issued == nil {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if log := f.audit.String(); strings.Contains(log, fam.refresh[1]) || strings.Contains(log, fam.refresh[1][30:60]) {
		t.Error("the refresh token is in the log")
	}
}
