package hostile

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// limitRows: failed authentication is limited by client and address. Each has a server of its own, since all rows come from
// one address.
func limitRows() []row {
	return []row{
		{id: "B-17", name: "bruteforce", run: bruteForce},
		{id: "B-x20", name: "bruteforce-behind-a-proxy", run: bruteForceBehindProxy},
		{id: "B-x21", name: "bruteforce-tells-nothing", run: limitTellsNothing},
	}
}

var tooMany = want{{429, "slow_down"}}

// limitedWorld is a server with the limits that it has by default.
func limitedWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	return newWorld(t, startServer(t, serverOptions{flags: append([]string{"--auth-failure-burst", "20", "--auth-failure-interval", "2s"}, flags...)}))
}

// elsewhere is the same server for somebody at another address.
func (w *world) elsewhere(t *testing.T, address string) *world {
	t.Helper()
	other := *w
	other.client = newClient(t, w.roots)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport, _ := other.client.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}
	return &other
}

func guess(id string) *request {
	r := exchange("x")
	r.basic(id, "guess-"+unique())
	return r
}

// bruteForce: hundreds of wrong secrets are soon not looked at any more, lock nobody else out, and cost no memory.
func bruteForce(t *testing.T, _ *world) {
	const tries = 500
	w := limitedWorld(t)
	other := w.elsewhere(t, "127.0.0.2")
	before, start, net := w.rss(t), time.Now(), stalls.Stopwatch()
	outcomes := make([]int, tries)
	inParallel(t, tries, func(i int) {
		got := w.send(t, guess("c1"))
		if got.status == 0 { // A connection that was kept too long on a busy machine is no answer.
			got = w.send(t, guess("c1"))
		}
		got.check(t, w, invalidClient.or(tooMany))
		outcomes[i] = got.status
		if i%50 == 0 {
			other.send(t, r0fast()).check(t, w, granted)
			w.send(t, asClient("c5")(changes{fromB()})).check(t, w, granted)
		}
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); got.status == http.StatusTooManyRequests && (err != nil || after < 1 || after > 2) {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
	})
	took := time.Since(start)
	looked := tries - len(slices.DeleteFunc(outcomes, func(status int) bool { return status == http.StatusUnauthorized }))
	if most := 20 + int(took/(2*time.Second)) + 1 + 4; looked < 20 || looked > most { // four are sent at a time
		t.Errorf("%d of %d guesses in %s were looked at, want 20 to %d", looked, tries, took, most)
	}
	if net() > slow(10*time.Second) {
		t.Errorf("%d tries took %s", tries, took)
	}
	if grown := w.rss(t) - before; grown > raceCost()*raceCost()*10<<20 {
		t.Errorf("the memory has grown by %d bytes", grown)
	}
	w.send(t, r0fast()).check(t, w, tooMany.or(granted))
	eventually(t, 10*time.Second, "c1 is let in again where it failed", func() bool { return w.send(t, r0fast()).status == http.StatusOK })
	w.checkAfter(t)
}

// bruteForceBehindProxy: callers behind a trusted proxy are told apart by what it says, and by nothing that they say.
func bruteForceBehindProxy(t *testing.T, _ *world) {
	w := limitedWorld(t, "--trusted-proxies", "127.0.0.1/32")
	by := func(r *request, forwarded ...string) *request {
		r.header["X-Forwarded-For"] = forwarded
		r.header.Set("Forwarded", "for=192.0.2."+fmt.Sprint(len(forwarded)))
		return r
	}
	// The caller changes what he says, the proxy does not.
	guessing(t, w, func(i int) *request { return by(guess("c1"), fmt.Sprintf("198.51.100.%d, 203.0.113.9", i)) })
	if r := w.lastRecord(t); r.text("remote") != "203.0.113.9" || r.text("proxy") != "127.0.0.1" || r.text("reason") != "too_many_failed_authentications" {
		t.Errorf("the record is %v", r)
	}
	w.send(t, by(r0fast(), "203.0.113.10")).check(t, w, granted)
	w.send(t, by(r0fast(), "203.0.113.9", "203.0.113.10")).check(t, w, granted)
	stranger := w.elsewhere(t, "127.0.0.2")
	guessing(t, stranger, func(i int) *request { return by(guess("c5"), fmt.Sprintf("203.0.113.%d", i)) })
	w.send(t, asClient("c5")(changes{fromB()})).check(t, w, granted)
	w.checkAfter(t)
}

// guessing sends guesses, the last of which is answered with 429: no more are looked at than one caller has.
func guessing(t *testing.T, w *world, request func(i int) *request) {
	t.Helper()
	start, looked, limited := time.Now(), 0, false
	for i := 0; i < 40 || !limited && i < 400; i++ {
		got := w.send(t, request(i))
		got.check(t, w, invalidClient.or(tooMany))
		if limited = got.status == http.StatusTooManyRequests; !limited {
			looked++
		}
	}
	if most := 20 + int(time.Since(start)/(2*time.Second)) + 1; !limited || looked > most {
		t.Errorf("%d guesses were looked at, want at most %d: the caller chooses his address", looked, most)
	}
}

// limitTellsNothing: a client that there is not is limited as one that there is.
func limitTellsNothing(t *testing.T, _ *world) {
	w := limitedWorld(t)
	var first *response
	for _, id := range []string{"c5", "nosuch", "c4", "no-secret"} {
		statuses := ""
		var last *response
		for range 200 {
			last = w.send(t, guess(id))
			statuses += fmt.Sprint(last.status, " ")
			if last.status == http.StatusTooManyRequests {
				break
			}
		}
		if first == nil {
			first = last
		}
		if last.status != http.StatusTooManyRequests || string(last.body) != string(first.body) {
			t.Errorf("%s gets %s and %s", id, statuses, last.body)
		}
	}
	w.checkAfter(t)
}
