package tokenserver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// F28: of many who come at once with one token, one wins, and the family ends because others came.
func TestRefreshTokenRace(t *testing.T) {
	f := renewing(t)
	const callers = 50
	for round := range 20 {
		token := f.first(t, string(rune('a'+round)))
		body := f.renewal("c1", token)
		var won atomic.Int32
		var next atomic.Value
		var all sync.WaitGroup
		start := make(chan struct{})
		for range callers {
			all.Go(func() {
				<-start
				w := httptest.NewRecorder()
				f.ServeHTTP(w, body.request())
				if w.Code == http.StatusOK {
					won.Add(1)
					next.Store(w.Body.String())
				}
			})
		}
		close(start)
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d callers win", won.Load(), callers)
		}
		text, _ := next.Load().(string)
		child, _ := object(t, text)["refresh_token"].(string)
		if a := f.renew(t, "c1", child); a.reason != string(oauth.ReasonRefreshTokenRevoked) {
			t.Errorf("the winner goes on: %d for %q", a.status, a.reason)
		}
	}
}

// H-20: a memory that begins later than a token cannot know whether it was used.
func TestRefreshTokenAfterRestart(t *testing.T) {
	f := renewing(t)
	token := f.first(t, "1")
	f.now = noon.Add(time.Minute)
	f.config.Replay = state.NewMemory(f.now)
	a := f.renew(t, "c1", token)
	if a.code() != "invalid_grant" || a.reason != string(oauth.ReasonRefreshTokenBeforeStart) || !strings.Contains(a.text, "Exchange a new assertion") {
		t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
	}
	f.now = f.now.Add(time.Minute) // so that the assertion is newer than the memory, by the clock of its issuer too
	if a := f.renew(t, "c1", f.first(t, "2")); a.status != http.StatusOK {
		t.Errorf("a token that came since gets %d for %q", a.status, a.reason)
	}
}

// broken is a store that does not take steps while it is broken.
type broken struct {
	replay.Store

	err error
}

func (b *broken) Advance(ctx context.Context, step state.Step, now time.Time) error {
	if b.err != nil {
		return b.err
	}
	return b.Store.Advance(ctx, step, now)
}

// H-23, M-12: while the store cannot decide, nothing is granted and nothing is lost.
func TestRefreshTokenStateFails(t *testing.T) {
	store := &broken{}
	f := renewing(t, func(c *Config) { store.Store, c.Replay = c.Replay, store })
	token := f.first(t, "1")
	for _, err := range []error{errors.New("connection refused"), context.DeadlineExceeded, context.Canceled} {
		store.err = err
		a := f.renew(t, "c1", token)
		if a.status != http.StatusServiceUnavailable || a.reason != string(oauth.ReasonStateUnavailable) || a.header.Get("Retry-After") == "" {
			t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
		}
	}
	store.err = nil
	if a := f.renew(t, "c1", token); a.status != http.StatusOK {
		t.Errorf("afterwards the token gets %d for %q", a.status, a.reason)
	}
}

// M-07: a token goes on while the key that it was sealed under is there, and the next one is sealed under the active key.
func TestRefreshTokenKeys(t *testing.T) {
	f := renewing(t)
	token := f.first(t, "1")
	next := keyring.GenerateDigestKey()
	set := func(data map[string][]byte) {
		keys := must(keyring.ParseDigestKeys(data))
		f.store.Update(func(tx *trust.Tx) { tx.SetDigestKeys(keys) })
	}
	public := func(c *trust.Client) { refreshing(c); public(c) }
	f.changeClient("c1", public)
	renew := func(token string) answer {
		c := f.renewal("c1", token)
		c.header.Del("Authorization")
		c.form.Set("client_id", "c1")
		return f.send(t, c.request())
	}
	set(map[string][]byte{keyring.DigestDataKey: next.Marshal(), keyring.PreviousDigestDataKey: f.digestKey.Marshal()})
	a := renew(token)
	if a.status != http.StatusOK {
		t.Fatalf("under the previous key: %d for %q", a.status, a.reason)
	}
	kept := renew(a.refreshToken()).refreshToken()
	set(map[string][]byte{keyring.DigestDataKey: next.Marshal()})
	if a = renew(kept); a.status != http.StatusOK {
		t.Errorf("the next token was not sealed under the active key: %d for %q", a.status, a.reason)
	}
	set(map[string][]byte{keyring.DigestDataKey: keyring.GenerateDigestKey().Marshal()})
	if a := renew(a.refreshToken()); a.reason != string(oauth.ReasonRefreshTokenUnknownKey) {
		t.Errorf("without its key: %d for %q", a.status, a.reason)
	}
}

// A refresh token that would be too large is not issued: the access token is, and the record says so.
func TestRefreshTokenTooLarge(t *testing.T) {
	f := newFixture(t)
	var scopes []string
	for i := range 100 {
		scopes = append(scopes, strings.Repeat(string(rune('a'+i%26)), 60+i))
	}
	f.changeClient("c1", refreshing, func(c *trust.Client) { c.Scopes = scopes })
	c := f.call("c1", f.assertion(idpA, "1"))
	c.form.Del("scope")
	if a := f.send(t, c.request()); a.status != http.StatusOK || a.refreshToken() != "" || a.token() == "" {
		t.Errorf("got %d for %q, with a refresh token: %t", a.status, a.reason, a.refreshToken() != "")
	}
	if got := f.records(t)[0]["refresh_token_withheld"]; got != "too_large" {
		t.Errorf("refresh_token_withheld is %v", got)
	}
}

// the record of a refresh token says of which family it is, the same for all of them.
func TestRefreshTokenAudit(t *testing.T) {
	f := renewing(t)
	token := f.first(t, "1")
	a := f.renew(t, "c1", token)
	f.renew(t, "c1", token)
	f.renew(t, "c5", a.refreshToken())
	f.renew(t, "c1", "grt1_garbage")
	records := f.records(t)
	family, _ := records[0]["refresh_family"].(string)
	if len(family) != 32 || strings.Contains(f.audit.String(), "grt1_") {
		t.Errorf("the family is %q: %s", family, f.audit)
	}
	common := map[string]any{
		"endpoint": "token", "client": "team-a/c1", "client_id": "c1", "client_authentication": "client_secret_basic",
		"grant_type":        oauth.GrantTypeRefreshToken,
		"identity_provider": "team-a/idp-a", "issuer": idpA, "subject": "team-a/idp-a:alice", "refresh_family": family,
	}
	with := func(more map[string]any, without ...string) map[string]any {
		m := maps.Clone(common)
		maps.Copy(m, more)
		for _, name := range without {
			delete(m, name)
		}
		return m
	}
	refused := func(reason oauth.Reason) map[string]any {
		return map[string]any{"level": "WARN", "msg": "access token refused", "error": "invalid_grant", "reason": string(reason)}
	}
	for i, want := range []map[string]any{
		with(map[string]any{"level": "INFO", "msg": "access token granted", "scope": "read write", "token_id": claimsOf(t, a.token())["jti"]}),
		with(refused(oauth.ReasonRefreshTokenReused)),
		with(refused(oauth.ReasonRefreshTokenOtherClient), "identity_provider", "issuer", "subject"),
		with(refused(oauth.ReasonRefreshTokenMalformed), "identity_provider", "issuer", "subject", "refresh_family"),
	} {
		got := records[i+1]
		for _, varies := range []string{"time", "request_id", "remote", "duration_ms"} {
			delete(got, varies)
		}
		if i == 2 {
			want["client"], want["client_id"] = "team-a/c5", "c5"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i+1, diff)
		}
	}
}

// no refresh token gets into the log, in whatever place it is sent.
func TestAuditHoldsNoRefreshToken(t *testing.T) {
	f := renewing(t)
	token := f.first(t, "1")
	parts := []string{token[5:17], token[17:60], token[len(token)-40:]}
	for _, change := range []func(*call){
		func(c *call) { c.form.Set("refresh_token", token+"x") },
		func(c *call) { c.target += "?refresh_token=" + token },
		func(c *call) { c.form.Set("scope", token) },
		func(c *call) { c.form.Set("resource", token) },
		func(c *call) { c.form.Set("grant_type", token) },
		func(c *call) { c.form.Set("grant_type", oauth.GrantTypeJWTBearer); c.form.Set("assertion", token) },
		func(c *call) { c.form.Add("refresh_token", token) },
		func(c *call) { c.header.Set("Content-Type", token) },
		func(c *call) { c.header.Set("Authorization", "Bearer "+token) },
		func(*call) {},
		func(*call) {}, // used again
	} {
		c := f.renewal("c1", token)
		change(&c)
		if a := f.send(t, c.request()); a.refreshToken() != "" {
			parts = append(parts, a.refreshToken()[17:60], a.token())
		}
	}
	for _, part := range parts {
		if strings.Contains(f.audit.String(), part) {
			t.Errorf("the log holds %q", part)
		}
	}
	if len(parts) != 5 {
		t.Errorf("%d parts: the right request was not granted", len(parts))
	}
}

// M-02, O-02, N-07: when a family ends, the access tokens that came from it are not active any more, those of others are. A
// refresh token is never active.
func TestEndOfFamilyEndsAccessTokens(t *testing.T) {
	f := renewing(t)
	first := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	other := f.send(t, f.call("c1", f.assertion(idpA, "2")).request())
	second := f.renew(t, "c1", first.refreshToken())
	active := func(token string) bool {
		return f.send(t, f.introspect("c1", token).request()).body["active"] == true
	}
	for name, a := range map[string]answer{"first": first, "second": second, "other": other} {
		if !active(a.token()) || active(a.refreshToken()) {
			t.Errorf("%s: the access token is active: %t, the refresh token: %t", name, active(a.token()), active(a.refreshToken()))
		}
	}
	f.renew(t, "c1", first.refreshToken())
	if active(first.token()) || active(second.token()) || !active(other.token()) {
		t.Errorf("active after the end of their family: %t, %t; of another one: %t", active(first.token()), active(second.token()), active(other.token()))
	}
}
