package process

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/openloop"
)

// TestR12SignatureFlood: an authenticated client sends 500 assertions a second, as far as the machine can do that, whose signatures are
// wrong. Each is refused, and those who ask rightly beside it wait at most three times as long as without the flood.
func TestR12SignatureFlood(t *testing.T) {
	const rate, times = 50, 3
	s := newSite(t).start(nil)
	stranger := jwttest.EC("stranger", elliptic.P256())
	floodRate := s.affordable(500)
	s.atMost(t, times, func() openloop.Report { return s.flawless("alone", s.loadFor(rate, floodFor)) }, func() openloop.Report {
		flood := openloop.Start(t.Context(), floodRate, func(ctx context.Context, _ int) string {
			return s.ask(ctx, s.signed(stranger, s.issuer, lasting))
		})
		r := s.flawless("beside the flood", s.loadFor(rate, floodFor))
		refused := flood.Stop()
		t.Logf("the flood: %s", refused)
		if n := refused.Other("400 invalid_grant"); n > 0 || refused.Sent < floodRate*int(floodFor.Seconds())*9/10 {
			t.Errorf("%d of %d wrong assertions were not refused", n, refused.Sent)
		}
		return r
	})
	s.alive()
}

// affordable is how many requests a second there may be on this machine: as many as are wanted, or half of those that it makes
// and answers when it does nothing else. What comes faster than it can be sent and answered piles up, and shows nothing but that.
func (s *server) affordable(wanted int) int {
	s.t.Helper()
	const callers, lasts = 8, time.Second
	var answered atomic.Int64
	var asking sync.WaitGroup
	end := time.Now().Add(lasts)
	for range callers {
		asking.Go(func() {
			for time.Now().Before(end) {
				if got := s.ask(s.t.Context(), s.fresh()); got == granted {
					answered.Add(1)
				}
			}
		})
	}
	asking.Wait()
	may := max(2, min(wanted, int(answered.Load())/2))
	s.t.Logf("%d requests in %s: %d a second are sent", answered.Load(), lasts, may)
	return may
}

// noise is what the 99th percentile on a busy machine may be of itself.
const noise = 50 * time.Millisecond

// atMost fails when requests beside a fault take more than so many times as long as those without, at the 99th percentile.
// Machines that do other things besides are slow at times, so both are measured up to three times, one after the other.
func (s *server) atMost(t *testing.T, times float64, without, with func() openloop.Report) {
	t.Helper()
	var measured string
	for range 3 {
		base, got := without().Quantile(0.99), with().Quantile(0.99)
		measured = fmt.Sprintf("p99 is %s, and %s without", got.Round(time.Microsecond*100), base.Round(time.Microsecond*100))
		if got <= max(time.Duration(times*float64(base)), noise) {
			t.Log(measured)
			return
		}
	}
	t.Errorf("three times, at last: %s", measured)
}
