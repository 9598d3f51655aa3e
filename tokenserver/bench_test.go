package tokenserver

import (
	"context"
	"crypto/elliptic"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// renumbered makes every use one of another assertion, so that a few that were signed before serve for many.
type renumbered struct {
	replay.Store

	n uint64
}

func (s *renumbered) Consume(ctx context.Context, use state.Use, now time.Time) error {
	s.n++
	binary.BigEndian.PutUint64(use.ID[:], s.n)
	return s.Store.Consume(ctx, use, now)
}

// discard is not io.Discard, with which slog would not even format.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkExchange is the whole handler, from the request to the answer, with assertions that were signed before; and each step
// of it, so that what becomes slower has an address. The request and the recorder of net/http/httptest are in "whole" and in
// "parse", and cost about 20 allocations.
func BenchmarkExchange(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			e := newExchange(b, alg)
			b.Run("whole", e.whole)
			for _, step := range e.steps(b) {
				b.Run(step.name, func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						if err := step.run(i); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// exchangeBench is a handler and requests for it.
type exchangeBench struct {
	*fixture

	bodies     []string
	assertions []string
	header     http.Header
}

func newExchange(b *testing.B, alg string) *exchangeBench {
	b.Helper()
	f := newFixture(b, func(c *Config) {
		c.Audit = slog.New(slog.NewJSONHandler(discard{}, nil))
		c.Replay = &renumbered{Store: c.Replay}
	})
	var key any = jwttest.EC(idpA, elliptic.P256())
	if alg == "RS256" {
		rsaKey := jwttest.RSA("idp", 2048)
		key = rsaKey
		f.store.Update(func(tx *trust.Tx) {
			p := provider("a", idpA)
			p.Keys = []*jose.PublicKey{must(jose.NewPublicKey(rsaKey.Public()))}
			tx.PutProvider(p)
		})
	}
	e := &exchangeBench{fixture: f, header: f.call("c1", "").header}
	for i := range 256 {
		assertion := jwttest.Compact(alg, key, `{"alg":"`+alg+`","typ":"JWT"}`, f.claims(idpA, strconv.Itoa(i)).String())
		e.assertions = append(e.assertions, assertion)
		e.bodies = append(e.bodies, f.call("c1", assertion).form.Encode())
	}
	return e
}

func (e *exchangeBench) request(i int) *http.Request {
	r := ask(http.MethodPost, PathToken, e.bodies[i%len(e.bodies)])
	r.Header = e.header
	return r
}

func (e *exchangeBench) whole(b *testing.B) {
	b.Helper()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, e.request(i))
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// benchStep is one step, on what the steps before it have made.
type benchStep struct {
	name string
	run  func(i int) error
}

func (e *exchangeBench) steps(b *testing.B) []benchStep {
	b.Helper()
	ctx, snapshot := b.Context(), e.store.Snapshot()
	r := e.request(0)
	form := must(oauth.ParseForm(httptest.NewRecorder(), r))
	r = e.request(0)
	rec := e.newRecord(r, endpointToken)
	c := must(e.authenticate(snapshot, r, e.tenants.whole, form, rec))
	verified := must(first(e.verifier.Verify(ctx, snapshot, c.Object(), e.assertions[0], server, c.now)))
	decision := must(policy.Authorize(c.Client, verified, e.Handler.request(form), c.issuer, c.now))
	redeemed := must(replay.Redeem(ctx, e.config.Replay, decision, c.now))
	token := must(e.mint(c, redeemed, rec))
	return []benchStep{
		{"parse", func(i int) error { _, err := oauth.ParseForm(httptest.NewRecorder(), e.request(i)); return err }},
		{"authenticate", func(int) error { _, err := e.authenticate(snapshot, r, e.tenants.whole, form, rec); return err }},
		{"verify", func(i int) error {
			_, _, err := e.verifier.Verify(ctx, snapshot, c.Object(), e.assertions[i%len(e.assertions)], server, c.now)
			return err
		}},
		{"authorize", func(int) error {
			_, err := policy.Authorize(c.Client, verified, e.Handler.request(form), c.issuer, c.now)
			return err
		}},
		{"redeem", func(int) error { _, err := replay.Redeem(ctx, e.config.Replay, decision, c.now); return err }},
		{"mint", func(int) error { _, err := e.mint(c, redeemed, rec); return err }},
		{"respond", func(int) error { writeToken(httptest.NewRecorder(), token, oauth.GrantTypeJWTBearer); return nil }},
		{"record", func(int) error { e.finish(ctx, e.newRecord(r, endpointToken)); return nil }},
	}
}

// BenchmarkServe is the same through net/http, over one connection that is kept. The client is in it, too.
func BenchmarkServe(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			e := newExchange(b, alg)
			listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server := NewServer(e)
			go func() { _ = server.Serve(listener) }() // until it is closed
			defer func() { _ = server.Close() }()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := must(http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+listener.Addr().String()+PathToken, strings.NewReader(e.bodies[i%len(e.bodies)])))
				r.Header = e.header
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || n < 500 || answer.StatusCode != http.StatusOK {
					b.Fatal(n, err, answer.Status)
				}
			}
		})
	}
}

// first leaves out what a verification says beside its outcome.
func first(v assertion.Verified, _ assertion.Trail, err error) (assertion.Verified, error) {
	return v, err
}

// TestExchangeAllocates bounds what the whole handler allocates for an exchange, so that a regression is seen where it is made.
// Of it, 68 are those of the two primitives, crypto/rsa and crypto/ecdsa, and about 20 those of the request of the test; the race
// detector, with which pools forget at random, adds some.
func TestExchangeAllocates(t *testing.T) {
	const most = 150
	result := testing.Benchmark(func(b *testing.B) { //nolint:thelper // It is the benchmark.
		newExchange(b, "RS256").whole(b)
	})
	if got := result.AllocsPerOp(); got == 0 || got > most {
		t.Errorf("an exchange costs %d allocations, at most %d wanted", got, most)
	}
}
