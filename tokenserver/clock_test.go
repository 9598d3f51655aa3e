package tokenserver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// jump is how far the clock jumps back.
const jump = time.Hour

// F17: nothing that is over begins to count again when the clock jumps back.
func TestClockJumpsBack(t *testing.T) {
	t.Run("F17 a used assertion stays used", func(t *testing.T) {
		f := newFixture(t)
		used := f.assertion(idpA, "1")
		f.expect(t, used, http.StatusOK, "")
		// It is over, and forgotten: others come.
		f.now = noon.Add(jump)
		f.expect(t, used, http.StatusBadRequest, oauth.ReasonExpired)
		f.expect(t, f.assertion(idpA, "2"), http.StatusOK, "")
		f.now = noon
		f.expect(t, used, http.StatusBadRequest, oauth.ReasonReplayed)
	})
	t.Run("F17 whether one is new cannot be known", func(t *testing.T) {
		f := newFixture(t, func(c *Config) { c.Replay = state.NewMemory(noon.Add(-2 * jump)) })
		f.expect(t, f.assertion(idpA, "1"), http.StatusOK, "")
		f.now = noon.Add(-jump)
		f.expect(t, f.assertion(idpA, "2"), http.StatusBadRequest, oauth.ReasonReplayed)
		f.now = noon
		f.expect(t, f.assertion(idpA, "2"), http.StatusOK, "")
	})
	t.Run("F17 an assertion of before the jump is of the future", func(t *testing.T) {
		f := newFixture(t)
		before := f.assertion(idpA, "1")
		f.now = noon.Add(-jump)
		f.expect(t, before, http.StatusBadRequest, oauth.ReasonIssuedInFuture)
	})
	t.Run("F17 no key signs yet", func(t *testing.T) {
		f := newFixture(t)
		f.now = noon.Add(-2 * jump)
		f.expect(t, f.assertion(idpA, "1"), http.StatusServiceUnavailable, oauth.ReasonNoSigningKey)
	})
}

// F17: no token gets a time that is none.
func TestTokensWhenTheClockJumpsBack(t *testing.T) {
	for name, capped := range map[string]bool{"F17 lifetime": false, "F17 lifetime that ends with the assertion": true} {
		t.Run(name, func(t *testing.T) {
			f := newReusing(t)
			c := f.client("c1")
			c.CapToAssertion = capped
			f.store.Update(func(tx *trust.Tx) { tx.PutClient(c) })
			want := jump
			if capped {
				want = 5 * time.Minute
			}
			for i, now := range []time.Time{noon, noon.Add(-jump)} {
				f.now = now
				a := f.send(t, f.call("c1", f.assertion(idpA, string(rune('a'+i)))).request())
				if got, ok := a.body["expires_in"].(float64); !ok || time.Duration(got)*time.Second != want {
					t.Errorf("at %s, the token lives for %v s: %s", now, a.body["expires_in"], a.text)
				}
			}
		})
	}
}

// F17: a token is signed by a key that is published, also by the one before when the clock is back at its time.
func TestKeysWhenTheClockJumpsBack(t *testing.T) {
	t.Run("F17 the key before signs again", func(t *testing.T) {
		f := newReusing(t)
		next := must(jose.GenerateSigner(jose.ES256))
		f.store.Update(func(tx *trust.Tx) {
			tx.SetRing(must(keyring.New(keyring.Key{Signer: signer(), ActiveFrom: noon.Add(-2 * jump)}, keyring.Key{Signer: next, ActiveFrom: noon})))
		})
		for jti, at := range map[string]struct {
			now time.Time
			kid string
		}{"1": {noon, next.PublicKey().KeyID()}, "2": {noon.Add(-jump), signer().PublicKey().KeyID()}} {
			f.now = at.now
			a := f.send(t, f.call("c1", f.assertion(idpA, jti)).request())
			if got := header(t, a.token())["kid"]; got != at.kid {
				t.Errorf("at %s, the token is signed by %v instead of %s", at.now, got, at.kid)
			}
			if published := f.at(t, http.MethodGet, PathJWKS).text; !strings.Contains(published, at.kid) {
				t.Errorf("at %s, the key %s is not published: %s", at.now, at.kid, published)
			}
		}
	})
}

// newReusing is a fixture whose provider A lets its assertions be used again.
func newReusing(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	p := provider("a", idpA)
	p.Replay = trust.ReplayReuse
	f.store.Update(func(tx *trust.Tx) { tx.PutProvider(p) })
	return f
}

// expect sends an assertion as client c1.
func (f *fixture) expect(t *testing.T, assertion string, status int, reason oauth.Reason) {
	t.Helper()
	if a := f.send(t, f.call("c1", assertion).request()); a.status != status || reason != "" && a.reason != string(reason) {
		t.Errorf("at %s, got %d for %q: %s", f.now, a.status, a.reason, a.text)
	}
}
