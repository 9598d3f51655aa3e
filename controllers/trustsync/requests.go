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
	// requestCoolDown is how long keys are not asked for again.
	requestCoolDown = 10 * time.Second
	// requestLifetime is how long a request stands in the Lease.
	requestLifetime = 30 * time.Second
)

// keysOf is an object whose keys may be remote.
type keysOf struct {
	// kind is that of package release.
	kind string
	trust.ObjectKey
}

// requests are the objects whose keys the operator is asked to fetch early.
type requests struct {
	mu sync.Mutex
	at map[keysOf]time.Time
}

// add notes a request, unless the same was made a short time ago or there are too many. Where there is no room, the
// namespace with the most requests makes some: strangers choose how many there are, and nobody's are to stop those of others.
func (r *requests) add(of keysOf, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.at[of]; ok && now.Sub(at) < requestCoolDown {
		return false
	}
	// What has had its time makes room.
	delete(r.at, of)
	if len(r.at) >= release.MaxUnknownKeys {
		maps.DeleteFunc(r.at, func(_ keysOf, at time.Time) bool { return now.Sub(at) >= requestCoolDown })
	}
	if len(r.at) >= release.MaxUnknownKeys && !r.makeRoom(of.Namespace) {
		return false
	}
	if r.at == nil {
		r.at = map[keysOf]time.Time{}
	}
	r.at[of] = now
	return true
}

// makeRoom takes out the oldest request, which the operator has seen first, of the namespace with the most of them, if it has
// more than the one that needs room would have. It needs r.mu.
func (r *requests) makeRoom(namespace string) bool {
	count := map[string]int{}
	for of := range r.at {
		count[of.Namespace]++
	}
	var first keysOf
	most := count[namespace] + 1
	for of, at := range r.at {
		n := count[of.Namespace]
		if n > most || n == most && first.Namespace != "" && at.Before(r.at[first]) {
			first, most = of, n
		}
	}
	if first.Namespace == "" {
		return false
	}
	delete(r.at, first)
	return true
}

// list returns the requests that still stand, the oldest first.
func (r *requests) list(now time.Time) []release.UnknownKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.at, func(_ keysOf, at time.Time) bool { return now.Sub(at) >= requestLifetime })
	var keys []release.UnknownKey
	for of, at := range r.at {
		keys = append(keys, release.UnknownKey{Kind: of.kind, Of: types.NamespacedName(of.ObjectKey), At: at})
	}
	slices.SortFunc(keys, func(a, b release.UnknownKey) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Of.String(), b.Of.String()), cmp.Compare(a.Kind, b.Kind))
	})
	return keys
}
