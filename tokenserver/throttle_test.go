package tokenserver

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/peer"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
)

// limited is a fixture where authentication may fail three times at once, behind a proxy at 10.0.0.1.
func limited(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, func(c *Config) {
		c.Failures = throttle.New(throttle.Limit{Burst: 3, Interval: 2 * time.Second}, noon)
		c.Peers = must(peer.NewFinder([]netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, peer.HeaderXForwardedFor))
	})
	f.addClients()
	return f
}

// from sends a request from an address; with a comma, through the proxy for that address.
func (f *fixture) from(t *testing.T, address string, c call) answer {
	t.Helper()
	r := c.request()
	r.RemoteAddr = address
	if caller, ok := strings.CutPrefix(address, "proxy for "); ok {
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", "1.1.1.1, "+caller)
	}
	return f.send(t, r)
}

func (f *fixture) wrong(id string) call {
	c := f.call(id, f.assertion(idpA, "x"))
	c.basic(id, "wrong")
	return c
}

// B-17: an attempt too many is answered with 429 whatever it presents, until a failure is forgiven.
func TestFailuresAreLimited(t *testing.T) {
	const here, there = "192.0.2.1:1", "192.0.2.2:1"
	f := limited(t)
	for range 3 {
		if a := f.from(t, here, f.wrong("c1")); a.status != http.StatusUnauthorized || a.reason != string(oauth.ReasonWrongSecret) {
			t.Fatalf("got %d for %s", a.status, a.reason)
		}
	}
	for name, c := range map[string]call{"wrong": f.wrong("c1"), "right": f.call("c1", f.assertion(idpA, "1"))} {
		a := f.from(t, here, c)
		if a.status != http.StatusTooManyRequests || a.code() != "slow_down" || a.reason != string(oauth.ReasonTooManyFailures) ||
			a.header.Get("Retry-After") != "2" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("the %s secret gets %d %s for %s, %v", name, a.status, a.code(), a.reason, a.header)
		}
	}
	for name, a := range map[string]answer{
		"another address": f.from(t, there, f.call("c1", f.assertion(idpA, "2"))),
		"another client":  f.from(t, here, f.call("c5", f.assertion(idpA, "3"))),
	} {
		if a.status != http.StatusOK {
			t.Errorf("%s gets %d for %s", name, a.status, a.reason)
		}
	}
	f.now = f.now.Add(2 * time.Second)
	if a := f.from(t, here, f.call("c1", f.assertion(idpA, "4"))); a.status != http.StatusOK {
		t.Errorf("after the interval: %d for %s", a.status, a.reason)
	}
	if a := f.from(t, here, f.wrong("c1")); a.status != http.StatusUnauthorized {
		t.Errorf("a failure after the interval: %d for %s", a.status, a.reason)
	}
	if a := f.from(t, here, f.wrong("c1")); a.status != http.StatusTooManyRequests {
		t.Errorf("two failures after the interval: %d for %s", a.status, a.reason)
	}
}

// Whatever is wrong with a client, it is limited alike, and by the id that it claims to be.
func TestEveryFailureIsLimited(t *testing.T) {
	const here = "192.0.2.1:1"
	forged := func(f *fixture, id string) string {
		return sign("evil", f.claims(id, "1").Set("sub", jwttest.Quote(id)).Set("aud", jwttest.Quote(server)))
	}
	for name, build := range map[string]func(f *fixture) call{
		"B-02 wrong secret":             func(f *fixture) call { return f.wrong("c1") },
		"B-03 unknown client":           func(f *fixture) call { return f.wrong("nobody") },
		"B-13 disabled client":          func(f *fixture) call { return f.call("c4", "x") },
		"no secret":                     func(f *fixture) call { c := f.as("p1", "x", "1"); c.form.Set("client_id", "c1"); return c },
		"another method":                func(f *fixture) call { return f.wrong("key1") },
		"W-11 another tenant":           func(f *fixture) call { c := f.call("c1", "x"); c.target += "?tenantDomain=team-b"; return c },
		"S-04 forged client assertion":  func(f *fixture) call { return f.without("x").asserting(forged(f, "key1")) },
		"client assertion of nobody":    func(f *fixture) call { return f.without("x").asserting(forged(f, "nobody")) },
		"S-09 malformed, with an id":    func(f *fixture) call { c := f.without("x").asserting("x"); c.form.Set("client_id", "key1"); return c },
		"S-04 another subject's client": func(f *fixture) call { c := f.as("work1", "x", "1"); c.form.Set("client_id", "c1"); return c },
	} {
		t.Run(name, func(t *testing.T) {
			f := limited(t)
			first := limited(t)
			for range 3 {
				first.from(t, here, first.wrong("nobody"))
			}
			want := first.from(t, here, first.wrong("nobody"))
			for i := range 4 {
				a := f.from(t, here, build(f))
				if i < 3 && a.status != http.StatusUnauthorized {
					t.Errorf("attempt %d gets %d for %s", i, a.status, a.reason)
				}
				if i == 3 && (a.status != http.StatusTooManyRequests || cmp.Diff(want.text, a.text)+cmp.Diff(want.header, a.header) != "") {
					t.Errorf("the last attempt gets %d for %s: %s %v", a.status, a.reason, a.text, a.header)
				}
			}
		})
	}
}

// What is no failure of a client's authentication counts for nothing.
func TestWhatIsNotCounted(t *testing.T) {
	const here = "192.0.2.1:1"
	for name, tc := range map[string]struct {
		build  func(f *fixture, i int) call
		reason oauth.Reason
	}{
		"success":                {func(f *fixture, i int) call { return f.call("c1", f.assertion(idpA, fmt.Sprint("n", i))) }, ""},
		"assertion refused":      {func(f *fixture, _ int) call { return f.call("c1", "x") }, oauth.ReasonAssertionMalformed},
		"request refused":        {func(f *fixture, _ int) call { c := f.wrong("c1"); c.form.Set("client_secret", "x"); return c }, oauth.ReasonTwoMethods},
		"other client's failure": {func(f *fixture, i int) call { return f.wrong(fmt.Sprint("c1", i)) }, oauth.ReasonUnknownClient},
		"made before the start": {func(f *fixture, i int) call {
			c := f.without("x").asserting(sign("key1", f.claims("key1", fmt.Sprint(i)).Set("sub", `"key1"`).Set("aud", jwttest.Quote(server)).
				Set("iat", fmt.Sprint(f.now.Unix()-3610)).Set("exp", fmt.Sprint(f.now.Unix()-10))))
			c.form.Set("client_id", "key1")
			return c
		}, oauth.ReasonIssuedBeforeStart},
	} {
		t.Run(name, func(t *testing.T) {
			f := limited(t)
			for i := range 10 {
				if a := f.from(t, here, tc.build(f, i)); a.reason != string(tc.reason) {
					t.Fatalf("refused for %q, want %q", a.reason, tc.reason)
				}
			}
			id := "c1"
			if tc.reason == oauth.ReasonIssuedBeforeStart {
				id = "key1"
			}
			if a := f.from(t, here, f.as(id, f.assertion(idpA, "last"), "last")); a.status != http.StatusOK {
				t.Errorf("got %d for %s", a.status, a.reason)
			}
		})
	}
}

// Behind a trusted proxy callers are told apart, and nobody can choose who he is.
func TestFailuresBehindProxy(t *testing.T) {
	f := limited(t)
	for i := range 4 {
		want := http.StatusUnauthorized
		if i == 3 {
			want = http.StatusTooManyRequests
		}
		if a := f.from(t, "proxy for 203.0.113.9", f.wrong("c1")); a.status != want {
			t.Errorf("attempt %d gets %d for %s", i, a.status, a.reason)
		}
	}
	if a := f.from(t, "proxy for 203.0.113.10", f.call("c1", f.assertion(idpA, "1"))); a.status != http.StatusOK {
		t.Errorf("another caller of the proxy gets %d for %s", a.status, a.reason)
	}
	if r := f.records(t)[0]; r["remote"] != "203.0.113.9" || r["proxy"] != "10.0.0.1" {
		t.Errorf("the record is %v", r)
	}
	for i := range 4 {
		c := f.wrong("c5")
		c.header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		if a := f.from(t, "192.0.2.1:1", c); (a.status == http.StatusTooManyRequests) != (i == 3) {
			t.Errorf("attempt %d of a spoofer gets %d for %s", i, a.status, a.reason)
		}
	}
}

// Who claims to speak for another without being known as a proxy is warned of, once.
func TestUnknownProxyIsReported(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		c := f.call("c1", "x")
		c.header.Set("X-Forwarded-For", "198.51.100.1")
		f.from(t, "192.0.2.1:1", c)
	}
	warnings := 0
	for _, r := range f.records(t) {
		if r["request_id"] != nil {
			if r["remote"] != "192.0.2.1" || r["proxy"] != nil {
				t.Errorf("the record is %v", r)
			}
			continue
		}
		warnings++
		if text, _ := r["msg"].(string); r["level"] != "WARN" || r["peer"] != "192.0.2.1" || !strings.Contains(text, "--trusted-proxies") {
			t.Errorf("the warning is %v", r)
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want 1", warnings)
	}
}

// B-17: behind a proxy that nobody has named, a stranger locks out nobody but himself; nor does one who is not behind it, by
// claiming to speak for somebody.
func TestFailuresBehindAnUnnamedProxy(t *testing.T) {
	const proxy, stranger, caller = "192.0.2.1:1", "203.0.113.5", "198.51.100.1"
	f := newFixture(t, func(c *Config) {
		c.Failures = throttle.New(throttle.Limit{Burst: 3, Interval: 2 * time.Second}, noon)
	})
	f.addClients()
	send := func(remote, forwardedFor string, c call) answer {
		r := c.request()
		r.RemoteAddr = remote
		if forwardedFor != "" {
			r.Header.Set("X-Forwarded-For", forwardedFor)
		}
		return f.send(t, r)
	}
	for range 3 {
		send(proxy, caller+", "+stranger, f.wrong("c1"))
		send(stranger+":1", caller, f.wrong("c1"))
	}
	for name, tc := range map[string]struct {
		remote, forwardedFor string
		want                 int
	}{
		"the stranger":               {proxy, stranger, http.StatusTooManyRequests},
		"the stranger, another port": {proxy, stranger + ":7", http.StatusTooManyRequests},
		"another caller":             {proxy, caller, http.StatusOK},
		"one who is not behind it":   {caller + ":1", "", http.StatusOK},
		"the proxy itself":           {proxy, "", http.StatusOK},
	} {
		if a := send(tc.remote, tc.forwardedFor, f.call("c1", f.assertion(idpA, name))); a.status != tc.want {
			t.Errorf("%s gets %d for %s, want %d", name, a.status, a.reason, tc.want)
		}
	}
}
