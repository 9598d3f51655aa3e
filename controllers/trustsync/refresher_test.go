package trustsync

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// refreshing is a refresher of one provider whose requests are counted.
type refreshing struct {
	*Refresher
	store    *trust.Store
	requests requests
	asked    int
	provider *trust.Provider
}

func newRefreshing() *refreshing {
	r := &refreshing{store: trust.NewStore(), provider: &trust.Provider{
		Key: trust.ObjectKey{Namespace: "team-a", Name: "partner"}, Issuer: issuer,
	}}
	ask := func(_ context.Context, k keysOf) bool {
		ok := r.requests.add(k, time.Now())
		if ok {
			r.asked++
		}
		return ok
	}
	r.Refresher = newRefresher(r.store, &changes{}, ask, time.Now)
	r.put(r.provider)
	return r
}

func (r *refreshing) put(p *trust.Provider) {
	r.store.Update(func(tx *trust.Tx) { tx.PutProvider(p) })
	r.changes.publish()
}

// rotate gives the provider a new state.
func (r *refreshing) rotate() *trust.Provider {
	next := *r.provider
	r.put(&next)
	return &next
}

// outcome is what a call returned and how long it took.
type outcome struct {
	changed bool
	took    time.Duration
}

// callers lets n callers refresh at the same time and returns, when all are done, what each got.
func (r *refreshing) callers(ctx context.Context, n int) func() []outcome {
	outcomes := make([]outcome, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			began := time.Now()
			changed := r.Refresh(ctx, r.provider)
			outcomes[i] = outcome{changed, time.Since(began)}
		})
	}
	synctest.Wait()
	return func() []outcome { all.Wait(); return outcomes }
}

func expectAll(t *testing.T, got []outcome, want outcome) {
	t.Helper()
	if i := slices.IndexFunc(got, func(o outcome) bool { return o != want }); i >= 0 {
		t.Errorf("caller %d: %+v instead of %+v", i, got[i], want)
	}
}

func TestRefreshEndsWithTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		done := r.callers(t.Context(), 20)
		after(time.Second)
		r.put(&trust.Provider{Key: trust.ObjectKey{Namespace: "team-a", Name: "other"}, Issuer: "https://other.example"})
		after(500 * time.Millisecond)
		next := r.rotate()
		expectAll(t, done(), outcome{true, 1500 * time.Millisecond})
		if r.asked != 1 {
			t.Errorf("asked %d times", r.asked)
		}
		// Who comes later with the old state knows at once; who has the new one and misses a key still does not wait.
		expectAll(t, r.callers(t.Context(), 1)(), outcome{true, 0})
		r.provider = next
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 0})
	})
}

func TestRefreshWithoutChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		done := r.callers(t.Context(), 1)
		after(500 * time.Millisecond)
		late := r.callers(t.Context(), 1)
		expectAll(t, done(), outcome{false, 2 * time.Second})
		expectAll(t, late(), outcome{false, 1500 * time.Millisecond})
		after(7 * time.Second)
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 0})
		if r.asked != 1 {
			t.Errorf("asked %d times", r.asked)
		}
		after(time.Second)
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 2 * time.Second})
		if r.asked != 2 {
			t.Errorf("asked %d times", r.asked)
		}
	})
}

func TestRefreshOfADeletedProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		done := r.callers(t.Context(), 1)
		r.store.Update(func(tx *trust.Tx) { tx.DeleteProvider(r.provider.Key) })
		r.changes.publish()
		expectAll(t, done(), outcome{true, 0})
	})
}

func TestRefreshEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		expectAll(t, r.callers(ctx, 1)(), outcome{false, 300 * time.Millisecond})
		// Others go on waiting for the same request.
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 1700 * time.Millisecond})
		if r.asked != 1 || r.waiters != 0 {
			t.Errorf("asked %d times, %d waiters", r.asked, r.waiters)
		}
	})
}

func TestRefreshWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		done := r.callers(t.Context(), maxProviderWaiters)
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 0})
		expectAll(t, done(), outcome{false, 2 * time.Second})
		after(10 * time.Second)
		expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 2 * time.Second})
	})
}

// What was waited for is not remembered.
func TestRefreshForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing()
		for i := range 100 {
			r.provider = &trust.Provider{Key: trust.ObjectKey{Namespace: "team-a", Name: strconv.Itoa(i)}, Issuer: strconv.Itoa(i)}
			r.put(r.provider)
			expectAll(t, r.callers(t.Context(), 1)(), outcome{false, 2 * time.Second})
			after(time.Second)
		}
		if n := len(r.pending); n > 1 {
			t.Errorf("%d remembered", n)
		}
	})
}
