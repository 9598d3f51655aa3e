package operator

import (
	"errors"
	"maps"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/grantor-dev/grantor/internal/release"
)

// Bounds of how long a Lease may say that it lasts.
const (
	defaultLeaseDuration = 15 * time.Second
	minLeaseDuration     = time.Second
	maxLeaseDuration     = time.Minute
)

// replica is what is known of one token server.
type replica struct {
	seen    bool
	renewed time.Time // as the Lease says
	until   time.Time // by our clock
	alive   bool      // when last observed
	// loaded is nil until the replica has loaded everything once.
	loaded release.Loaded
	// unknown are the requests that have been delivered and still stand.
	unknown map[user]time.Time
}

// observe takes over a Lease. It returns whether the replica came, went or loaded something, and whose keys it asks for
// that it did not ask for before. A Lease that cannot be understood has loaded nothing and asks for nothing.
func (p *replica) observe(lease *coordinationv1.Lease, now time.Time) (changed bool, unknown []user, err error) {
	if renewed := lastSign(lease); !p.seen || !renewed.Equal(p.renewed) {
		p.until = now.Add(leaseDuration(lease))
		if !p.seen && renewed.Add(leaseGarbageAge).Before(now) {
			p.until = now // It ran out long before this process began; clocks do not differ by that much.
		}
		p.seen, p.renewed = true, renewed
	}
	alive := now.Before(p.until)
	var loaded release.Loaded
	if text, complete := lease.Annotations[release.LoadedAnnotation]; complete {
		if loaded, err = release.ParseLoaded(text); err != nil {
			loaded = release.Loaded{}
		}
	}
	changed = alive != p.alive || alive && ((loaded == nil) != (p.loaded == nil) || !maps.Equal(loaded, p.loaded))
	p.alive, p.loaded = alive, loaded
	if !alive {
		return changed, nil, err
	}
	unknown, unknownErr := p.request(lease)
	return changed, unknown, errors.Join(err, unknownErr)
}

func (p *replica) request(lease *coordinationv1.Lease) (fresh []user, err error) {
	text, ok := lease.Annotations[release.UnknownKeysAnnotation]
	if !ok {
		p.unknown = nil
		return nil, nil
	}
	keys, err := release.ParseUnknownKeys(text)
	if err != nil {
		p.unknown = nil
		return nil, err
	}
	standing := make(map[user]time.Time, len(keys))
	for _, k := range keys {
		u := user{kindProvider, k.Of}
		if k.Kind == release.KindOAuthClients {
			u.kind = kindClient
		}
		if _, twice := standing[u]; twice {
			continue
		}
		standing[u] = k.At
		if at, ok := p.unknown[u]; !ok || !at.Equal(k.At) {
			fresh = append(fresh, u)
		}
	}
	p.unknown = standing
	return fresh, nil
}

// lastSign returns when a Lease was renewed last, by the clock of who keeps it.
func lastSign(lease *coordinationv1.Lease) time.Time {
	if lease.Spec.RenewTime == nil {
		return lease.CreationTimestamp.Time
	}
	return lease.Spec.RenewTime.Time
}

func leaseDuration(lease *coordinationv1.Lease) time.Duration {
	if lease.Spec.LeaseDurationSeconds == nil {
		return defaultLeaseDuration
	}
	d := time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second
	return min(max(d, minLeaseDuration), maxLeaseDuration)
}
