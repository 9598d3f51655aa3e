package trustsync

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	// requestCoolDown is how long a provider is not asked for again.
	requestCoolDown = 10 * time.Second
	// requestLifetime is how long a request stands in the Lease.
	requestLifetime = 30 * time.Second
)

// requests are the providers whose keys the operator is asked to fetch early.
type requests struct {
	mu sync.Mutex
	at map[trust.ObjectKey]time.Time
}

// add notes a request, unless the provider was asked for a short time ago or there are too many requests.
func (r *requests) add(provider trust.ObjectKey, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.at[provider]; ok && now.Sub(at) < requestCoolDown {
		return false
	}
	// What has had its time makes room.
	delete(r.at, provider)
	if len(r.at) >= release.MaxUnknownKeys {
		maps.DeleteFunc(r.at, func(_ trust.ObjectKey, at time.Time) bool { return now.Sub(at) >= requestCoolDown })
	}
	if len(r.at) >= release.MaxUnknownKeys {
		return false
	}
	if r.at == nil {
		r.at = map[trust.ObjectKey]time.Time{}
	}
	r.at[provider] = now
	return true
}

// list returns the requests that still stand, the oldest first.
func (r *requests) list(now time.Time) []release.UnknownKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.at, func(_ trust.ObjectKey, at time.Time) bool { return now.Sub(at) >= requestLifetime })
	var keys []release.UnknownKey
	for provider, at := range r.at {
		keys = append(keys, release.UnknownKey{Provider: types.NamespacedName(provider), At: at})
	}
	slices.SortFunc(keys, func(a, b release.UnknownKey) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Provider.String(), b.Provider.String()))
	})
	return keys
}
