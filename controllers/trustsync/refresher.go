package trustsync

import (
	"context"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	// refreshTimeout is how long a request may wait for a provider's keys.
	refreshTimeout = 2 * time.Second
	// maxRefreshWaiters bounds the requests that wait at the same time, and maxProviderWaiters those for one provider: the
	// clients of one cannot take all places.
	maxRefreshWaiters  = 256
	maxProviderWaiters = 32
)

// Refresher lets a request whose assertion is signed with an unknown key wait for the provider's keys to be fetched again.
type Refresher struct {
	store   *trust.Store
	changes *changes
	request func(context.Context, keysOf) bool
	clock   func() time.Time

	mu      sync.Mutex
	waiters int
	// waiting counts the waiters of each provider.
	waiting map[trust.ObjectKey]int
	pending map[trust.ObjectKey]refresh
}

// refresh is a request to the operator that may still be answered.
type refresh struct {
	provider *trust.Provider
	until    time.Time
}

func newRefresher(store *trust.Store, c *changes, request func(context.Context, keysOf) bool, clock func() time.Time) *Refresher {
	return &Refresher{store: store, changes: c, request: request, clock: clock, pending: map[trust.ObjectKey]refresh{}, waiting: map[trust.ObjectKey]int{}}
}

// Request asks for the keys of a provider to be fetched again, as often as that is allowed, and does not wait.
func (r *Refresher) Request(ctx context.Context, provider *trust.Provider) {
	r.request(ctx, keysOf{release.KindIdentityProviders, provider.Key})
}

// RequestClient asks for the keys of a client to be fetched again, as often as that is allowed, and does not wait.
func (r *Refresher) RequestClient(ctx context.Context, client *trust.Client) {
	r.request(ctx, keysOf{release.KindOAuthClients, client.Key})
}

// Refresh asks for the keys of a provider to be fetched again and waits up to two seconds until the store holds another
// state of the provider than the one given. It reports whether it does. While the provider cannot be asked for again, or
// too many others wait, it returns at once.
func (r *Refresher) Refresh(ctx context.Context, provider *trust.Provider) bool {
	if r.changed(provider) {
		return true
	}
	until, ok := r.join(ctx, provider)
	if !ok {
		return false
	}
	defer r.leave(provider.Key)
	timeout := time.NewTimer(until.Sub(r.clock()))
	defer timeout.Stop()
	for {
		change := r.changes.wait()
		if r.changed(provider) {
			return true
		}
		select {
		case <-change:
		case <-timeout.C:
			return r.changed(provider)
		case <-ctx.Done():
			return false
		}
	}
}

func (r *Refresher) changed(provider *trust.Provider) bool {
	return r.store.Snapshot().ProviderAt(provider.Key) != provider
}

// join returns until when to wait: with those who wait already, or for a new request.
func (r *Refresher) join(ctx context.Context, provider *trust.Provider) (until time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock()
	for key, p := range r.pending {
		if !now.Before(p.until) {
			delete(r.pending, key)
		}
	}
	p, ok := r.pending[provider.Key]
	switch {
	case ok && p.provider != provider:
		// That request has been answered, and did not bring the key.
		return time.Time{}, false
	case !ok && !r.request(ctx, keysOf{release.KindIdentityProviders, provider.Key}):
		return time.Time{}, false
	case !ok:
		p = refresh{provider: provider, until: now.Add(refreshTimeout)}
		r.pending[provider.Key] = p
	}
	// The keys have been asked for, whether or not there is a place to wait for them.
	if r.waiters >= maxRefreshWaiters || r.waiting[provider.Key] >= maxProviderWaiters {
		return time.Time{}, false
	}
	r.waiters++
	r.waiting[provider.Key]++
	return p.until, true
}

func (r *Refresher) leave(key trust.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiters--
	if r.waiting[key]--; r.waiting[key] == 0 {
		delete(r.waiting, key)
	}
}
