package tokenserver

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// S-07: a client assertion is good for one request, whatever comes of that.
func TestClientAssertionReplay(t *testing.T) {
	for name, tc := range map[string]struct {
		as    string
		spoil func(*call)
		first oauth.Reason
		then  oauth.Reason
	}{
		"S-07 granted":              {"key1", func(*call) {}, "", oauth.ReasonReplayed},
		"S-07 refused grant":        {"key1", func(c *call) { c.form.Set("scope", "admin") }, oauth.ReasonScopeNotAllowed, oauth.ReasonReplayed},
		"S-07 no assertion":         {"key1", func(c *call) { c.form.Del("assertion") }, oauth.ReasonMissingAssertion, oauth.ReasonReplayed},
		"S-07 no client":            {"key1", func(c *call) { c.target += "?tenantDomain=team-b" }, oauth.ReasonOtherTenant, ""},
		"S-07 malformed request":    {"key1", func(c *call) { c.form.Add("scope", "x") }, oauth.ReasonRepeatedParameter, ""},
		"S-07 of a workload":        {"work1", func(*call) {}, "", oauth.ReasonReplayed},
		"S-07 workload, other name": {"work1", func(c *call) { c.form.Set("client_id", "nobody") }, oauth.ReasonUnknownClient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.addClients()
			spoilt := f.as(tc.as, f.assertion(idpB, "1"), "c-1")
			tc.spoil(&spoilt)
			if a := f.send(t, spoilt.request()); a.reason != string(tc.first) {
				t.Fatalf("first request gets %d for %q, want %q", a.status, a.reason, tc.first)
			}
			a := f.send(t, f.as(tc.as, f.assertion(idpB, "2"), "c-1").request())
			if a.reason != string(tc.then) || tc.then != "" && a.code() != string(oauth.InvalidClient) {
				t.Errorf("second request gets %d %s for %q, want %q", a.status, a.code(), a.reason, tc.then)
			}
			if a := f.send(t, f.as(tc.as, f.assertion(idpB, "3"), "c-2").request()); a.status != http.StatusOK {
				t.Errorf("a new client assertion gets %d for %s", a.status, a.reason)
			}
		})
	}
}

// S-07: of many who present one client assertion at once, one gets a token.
func TestClientAssertionAtOnce(t *testing.T) {
	f := newFixture(t)
	f.addClients()
	clientAssertion := f.clientAssertion("key1", "c-1")
	var granted atomic.Int32
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 50 {
		c := f.without(f.assertion(idpB, strconv.Itoa(i))).asserting(clientAssertion)
		all.Go(func() {
			<-start
			w := httptest.NewRecorder()
			f.ServeHTTP(w, c.request())
			switch w.Code {
			case http.StatusOK:
				granted.Add(1)
			case http.StatusUnauthorized:
			default:
				t.Errorf("got %d", w.Code)
			}
		})
	}
	close(start)
	all.Wait()
	if n := granted.Load(); n != 1 {
		t.Errorf("one client assertion was used %d times", n)
	}
}

// H-15: a pod may have one token only, which says who the client is and for whom the access token is. It counts once as
// each; where the provider lets it be used again, it counts again.
func TestOneTokenForBoth(t *testing.T) {
	for name, tc := range map[string]struct {
		replay trust.ReplayPolicy
		again  oauth.Reason
	}{
		"H-15 once each": {trust.ReplayOneTime, oauth.ReasonReplayed}, "H-15 again and again": {trust.ReplayReuse, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.addClients()
			f.store.Update(func(tx *trust.Tx) {
				p := provider("a", idpA)
				p.AudienceAliases, p.Replay = []string{server}, tc.replay
				tx.PutProvider(p)
			})
			c := f.as("work1", f.clientAssertion("work1", "1"), "1")
			if a := f.send(t, c.request()); a.status != http.StatusOK || claimsOf(t, a.token())["sub"] != "team-a/idp-a:alice" {
				t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if a := f.send(t, c.request()); a.reason != string(tc.again) {
				t.Errorf("the second time gets %d for %q, want %q", a.status, a.reason, tc.again)
			}
		})
	}
}

// H-23: who cannot be told whether a client assertion is new does not authenticate, and may try again.
func TestClientAssertionStateFails(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Replay = consume(func() error { return http.ErrServerClosed }) })
	f.addClients()
	a := f.send(t, f.as("key1", f.assertion(idpB, "1"), "c-1").request())
	if a.status != http.StatusServiceUnavailable || a.reason != string(oauth.ReasonStateUnavailable) || a.header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %d for %q with %v", a.status, a.reason, a.header)
	}
}
