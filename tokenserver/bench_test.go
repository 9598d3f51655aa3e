package tokenserver

import (
	"context"
	"crypto/elliptic"
	"encoding/binary"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
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

// BenchmarkExchange is the whole handler, from the request to the answer, with assertions that were signed before.
func BenchmarkExchange(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
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
			bodies := make([]string, 256)
			for i := range bodies {
				assertion := jwttest.Compact(alg, key, `{"alg":"`+alg+`","typ":"JWT"}`, f.claims(idpA, strconv.Itoa(i)).String())
				bodies[i] = f.call("c1", assertion).form.Encode()
			}
			header := f.call("c1", "").header
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := ask(http.MethodPost, PathToken, bodies[i%len(bodies)])
				r.Header = header
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
