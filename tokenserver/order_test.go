package tokenserver

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// H-13: what is refused for any other reason has not used its assertion: the right request still can.
func TestRefusalDoesNotUseTheAssertion(t *testing.T) {
	for name, spoil := range map[string]func(*fixture, *call){
		"H-13 wrong secret":    func(_ *fixture, c *call) { c.basic("c1", "wrong") },
		"H-13 unknown client":  func(_ *fixture, c *call) { c.basic("nobody", "x") },
		"H-13 no credentials":  func(_ *fixture, c *call) { c.header.Del("Authorization") },
		"client not allowed":   func(_ *fixture, c *call) { c.basic("c2", secretOf("c2")) },
		"grant not allowed":    func(_ *fixture, c *call) { c.basic("c3", secretOf("c3")) },
		"other tenant":         func(_ *fixture, c *call) { c.target += "?tenantDomain=team-b" },
		"missing grant_type":   func(_ *fixture, c *call) { c.form.Del("grant_type") },
		"repeated parameter":   func(_ *fixture, c *call) { c.form.Add("scope", "write") },
		"scope not allowed":    func(_ *fixture, c *call) { c.form.Set("scope", "admin") },
		"malformed scope":      func(_ *fixture, c *call) { c.form.Set("scope", "read  write") },
		"resource not allowed": func(_ *fixture, c *call) { c.form.Set("resource", "https://api.example.com") },
		"wrong signature":      func(f *fixture, c *call) { c.form.Set("assertion", sign(idpB, f.claims(idpA, "1"))) },
		"too early":            func(f *fixture, _ *call) { f.now = noon.Add(-time.Minute) },
		"no signing key active": func(f *fixture, _ *call) {
			f.store.Update(func(tx *trust.Tx) { tx.SetRing(ring(noon.Add(time.Hour))) })
		},
		"no signing key": func(f *fixture, _ *call) { f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) }) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			assertion := f.assertion(idpA, "1")
			spoilt := f.call("c1", assertion)
			spoil(f, &spoilt)
			if a := f.send(t, spoilt.request()); a.status == http.StatusOK {
				t.Fatalf("granted: %s", a.text)
			}
			f.now = noon
			f.store.Update(func(tx *trust.Tx) { tx.SetRing(ring(noon)) })
			if a := f.send(t, f.call("c1", assertion).request()); a.status != http.StatusOK {
				t.Errorf("the right request afterwards gets %d for %s: %s", a.status, a.reason, a.text)
			}
			if a := f.send(t, f.call("c1", assertion).request()); a.reason != string(oauth.ReasonReplayed) {
				t.Errorf("a second use gets %d for %q, want %s", a.status, a.reason, oauth.ReasonReplayed)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	for name, tc := range map[string]struct {
		first, second string // clients
		change        func(*fixture)
		want          oauth.Reason
	}{
		"H-08 same client":               {"c1", "c1", nil, oauth.ReasonReplayed},
		"H-09 other client":              {"c1", "c5", nil, oauth.ReasonReplayed},
		"H-19 one second before its end": {"c1", "c1", func(f *fixture) { f.now = noon.Add(300*time.Second + skew - time.Second) }, oauth.ReasonReplayed},
		"H-19 at its end":                {"c1", "c1", func(f *fixture) { f.now = noon.Add(300*time.Second + skew) }, oauth.ReasonExpired},
		"clock back":                     {"c1", "c1", func(f *fixture) { f.now = noon.Add(-10 * time.Second) }, oauth.ReasonReplayed},
		"policy changed meanwhile": {"c1", "c1", func(f *fixture) {
			f.store.Update(func(tx *trust.Tx) {
				p := provider("a", idpA)
				p.Replay = trust.ReplayOneTimeIfPresent
				tx.PutProvider(p)
			})
		}, oauth.ReasonReplayed},
		"reuse allowed by now": {"c1", "c1", func(f *fixture) {
			f.store.Update(func(tx *trust.Tx) { p := provider("a", idpA); p.Replay = trust.ReplayReuse; tx.PutProvider(p) })
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			assertion := f.assertion(idpA, "1")
			if a := f.send(t, f.call(tc.first, assertion).request()); a.status != http.StatusOK {
				t.Fatalf("first use gets %d: %s", a.status, a.text)
			}
			if tc.change != nil {
				tc.change(f)
			}
			if a := f.send(t, f.call(tc.second, assertion).request()); a.reason != string(tc.want) {
				t.Errorf("second use gets %d for %q, want %q", a.status, a.reason, tc.want)
			}
		})
	}
}

// H-08: of many who present one assertion at once, one gets a token.
func TestReplayAtOnce(t *testing.T) {
	f := newFixture(t)
	assertion := f.assertion(idpA, "1")
	var granted atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 32 {
		all.Go(func() {
			<-start
			w := httptest.NewRecorder()
			f.ServeHTTP(w, f.call([]string{"c1", "c5"}[i%2], assertion).request())
			if w.Code == http.StatusOK {
				granted.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	if n := granted.Load(); n != 1 {
		t.Errorf("one assertion was exchanged %d times", n)
	}
}

// H-20: an assertion that was used before a restart is not taken after it, also when the issuer's clock is ahead by less
// than the allowed skew, so that its iat or nbf lies after the restart.
func TestReplayAfterRestart(t *testing.T) {
	date := func(seconds int) string { return strconv.FormatInt(noon.Unix()+int64(seconds), 10) }
	for name, claims := range map[string]map[string]string{
		"H-20 iat":                      {"iat": date(0)},
		"H-20 iat long ago":             {"iat": date(-60)},
		"H-20 iat and nbf":              {"iat": date(0), "nbf": date(0)},
		"H-20 issuer's clock ahead":     {"iat": date(8)},
		"G-12 nbf and iat ahead":        {"iat": date(8), "nbf": date(8)},
		"H-20 nbf ahead":                {"iat": date(0), "nbf": date(8)},
		"H-20 ahead by nearly the skew": {"iat": date(29)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c := f.claims(idpA, "1")
			for name, value := range claims {
				c = c.Set(name, value)
			}
			assertion := sign(idpA, c)
			if a := f.send(t, f.call("c1", assertion).request()); a.status != http.StatusOK {
				t.Fatalf("first use gets %d for %s", a.status, a.reason)
			}
			restart := noon.Add(3 * time.Second)
			f.restart(t, restart)
			for second := 0; second < 350; second += 5 {
				f.now = restart.Add(time.Duration(second) * time.Second)
				if a := f.send(t, f.call("c1", assertion).request()); a.status == http.StatusOK {
					t.Fatalf("used again %d s after the restart", second)
				}
			}
		})
	}
}

// restart puts a handler that remembers nothing in the place of the old one.
func (f *fixture) restart(t *testing.T, now time.Time) {
	t.Helper()
	config := f.config
	memory := state.NewMemory(now)
	config.Replay, config.Revocations, config.Metrics = memory, memory, prometheus.NewRegistry()
	f.Handler = must(NewHandler(config))
	f.now = now
}

// What is published while a request runs counts for the next: a store that changes under the clock's hand shows it.
func TestOneSnapshotARequest(t *testing.T) {
	var f *fixture
	calls := 0
	f = newFixture(t, func(c *Config) {
		c.Now = func() time.Time {
			if calls++; calls == 2 { // while the assertion is verified
				f.store.Update(func(tx *trust.Tx) {
					tx.Clear()
					tx.SetRing(nil)
					tx.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey()))
				})
			}
			return noon
		}
	})
	if a := f.send(t, f.call("c1", f.assertion(idpA, "1")).request()); a.status != http.StatusOK {
		t.Errorf("the request that was under way gets %d for %s", a.status, a.reason)
	}
	if a := f.send(t, f.call("c1", f.assertion(idpA, "2")).request()); a.status != http.StatusServiceUnavailable {
		t.Errorf("the next one gets %d for %s", a.status, a.reason)
	}
}
