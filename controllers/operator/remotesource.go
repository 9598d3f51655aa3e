package operator

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// freshness is the part of maxStale after which status says again when the keys were fetched.
const freshness = 4

// queueing is how long a fetch that is due may wait for others before its keys count as too old.
const queueing = time.Minute

// take fills in what a remote source holds: the keys of the last good fetch, as long as they may be used, and what is to
// be said about fetching.
func (s keySpec) take(source *keySource, a Answer, now time.Time) {
	source.nextVisit = a.Due
	source.pending = a.Last == nil && a.Problem == nil
	if a.Last != nil {
		source.found, source.fetched = a.Last.Keys, a.Fetched
	} else if s.keepsFetched(*source) {
		// A clock that was ahead then and is right now must not make the keys younger than they are.
		source.found, source.skipped, source.fetched = keptKeys(s.kept), s.kept.SkippedKeys, earliest(s.lastFetch, now)
	}
	end := source.fetched.Add(s.refresh.life(a.Problem))
	switch {
	case definitive(a.Problem):
		source.fetch = new(no(reasonOfFetch(a.Problem), "The keys of %s cannot be fetched: %s", source.name, a.Problem))
	case len(source.found.Keys) > 0 && !now.After(end):
		source.nextVisit = earliest(a.Due, end.Add(visitMargin))
		source.fetch = failing(source.name, a.Problem)
		return
	case source.pending:
		source.fetch = new(no(v1alpha1.ReasonPending, "The keys of %s are being fetched", source.name))
	case len(source.found.Keys) > 0 || s.stale:
		source.fetch = new(tooOld(source.name, a.Problem))
	default:
		source.fetch = new(no(reasonOfFetch(a.Problem), "The keys of %s cannot be fetched: %s", source.name, a.Problem))
	}
	source.found, source.skipped, source.fetched = resolve.Result{}, nil, time.Time{}
}

// definitive reports whether a problem says that the source must not be trusted, rather than that it cannot be reached: the
// URL may not be fetched (any more), the authorities for it were emptied or spoilt, or it is another issuer's.
func definitive(problem error) bool {
	if f, ok := errors.AsType[*fetch.Error](problem); ok {
		return f.Problem == fetch.URLNotAllowed || f.Problem == fetch.InvalidCABundle
	}
	k, ok := errors.AsType[*jose.KeyError](problem)
	return ok && k.Problem == resolve.ProblemOtherIssuer
}

// life is how long keys may be used after their fetch: maxStale while fetches fail. While none does, they are fetched
// before they are too old, unless too much else is.
func (t Refresh) life(problem error) time.Duration {
	if problem != nil {
		return t.MaxStale
	}
	return max(t.MaxStale, 2*t.Interval+queueing)
}

// keepsFetched reports whether the status holds what was fetched from this very source.
func (s keySpec) keepsFetched(source keySource) bool {
	return s.kept != nil && s.kept.Source == source.kind && s.kept.URL == source.url && s.kept.CASHA256 == source.ca &&
		!s.lastFetch.IsZero()
}

func failing(name string, problem error) *verdict {
	if problem == nil {
		return nil
	}
	return new(yes(v1alpha1.ReasonFetchFailing, "The last good keys of %s are used until maxStale, for they cannot be fetched anew: %s", name, problem))
}

func tooOld(name string, problem error) verdict {
	if problem == nil {
		return no(v1alpha1.ReasonKeysStale, "The keys of %s are older than maxStale and wait to be fetched anew: too much else of this namespace is being fetched", name)
	}
	return no(v1alpha1.ReasonKeysStale, "The keys of %s are older than maxStale and cannot be fetched anew: %s", name, problem)
}

// keptKeys are the keys in a status. What cannot be read is left out.
func keptKeys(set *v1alpha1.KeySet) resolve.Result {
	var r resolve.Result
	for i, k := range set.Keys {
		key, err := jose.ParseJWK([]byte(k.PublicJWK))
		if err != nil {
			continue
		}
		if key = key.Restricted(convert[jose.Algorithm](k.Algorithms)); key != nil {
			r.Keys = append(r.Keys, resolve.Key{Public: key.WithKeyID(k.KeyID), Index: i, Entry: fmt.Sprintf("keys[%d]", i)})
		}
	}
	return r
}

// fetchTime is what status says about the time of the fetch. It is rewritten with the keys, and otherwise only when it
// would soon count as stale: not at every fetch, and not at every start of the operator. A time to come, of a clock that was
// ahead, is rewritten too, or maxStale would be counted from it.
func (s keySpec) fetchTime(source keySource, same bool) time.Time {
	age := source.fetched.Sub(s.lastFetch)
	if same && age >= 0 && age < max(s.refresh.MaxStale/freshness, time.Minute) && !s.lastFetch.IsZero() {
		return s.lastFetch
	}
	return source.fetched.Truncate(time.Second)
}

// reasonOfFetch is the reason of the KeysReady condition for a failed fetch.
func reasonOfFetch(err error) string {
	if f, ok := errors.AsType[*fetch.Error](err); ok {
		switch f.Problem {
		case fetch.URLNotAllowed, fetch.AddressNotAllowed:
			return v1alpha1.ReasonURLNotAllowed
		case fetch.InvalidCABundle:
			return v1alpha1.ReasonInvalidCABundle
		default:
			return v1alpha1.ReasonFetchFailed
		}
	}
	if k, ok := errors.AsType[*jose.KeyError](err); ok {
		return reasonOf(k.Problem)
	}
	return v1alpha1.ReasonFetchFailed
}

// earliest is the earlier of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// sameKeys reports whether two sets hold the same keys.
func sameKeys(a, b *v1alpha1.KeySet) bool {
	return a != nil && b != nil && slices.EqualFunc(a.Keys, b.Keys, func(x, y v1alpha1.TrustedKey) bool {
		return x.ThumbprintSHA256 == y.ThumbprintSHA256 && x.KeyID == y.KeyID && slices.Equal(x.Algorithms, y.Algorithms)
	})
}
