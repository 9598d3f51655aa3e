package keyring

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// Times of the life of a signing key.
const (
	// MinPublishAhead is how long verifiers may keep the JWK Set that they fetched: a key that signs earlier than this
	// after its publication is unknown to some.
	MinPublishAhead = 5 * time.Minute
	// DefaultPublishAhead is three times that: the ring also has to reach every token server, and a verifier may be late.
	DefaultPublishAhead = 15 * time.Minute
	// MinRetain is the longest life of an access token: whoever holds one wants to have it verified.
	MinRetain = 24 * time.Hour
	// DefaultRetain leaves an hour for clocks that differ and rings that arrive late.
	DefaultRetain = 25 * time.Hour

	// maxKeys bounds a ring. While it is full, rotation waits until the oldest key may go. The schedule leaves room for
	// what people ask for.
	maxKeys          = 16
	maxScheduledKeys = 12
)

// RotationPolicy says when signing keys come and go. The zero value never rotates by itself, and has the default times.
type RotationPolicy struct {
	// Algorithm is that of new keys: one of [jose.SigningAlgorithms], or empty for the one in use. When it changes, a
	// successor is made.
	Algorithm jose.Algorithm
	// Interval is how long a key signs before its successor does; 0 is until rotation is asked for. It becomes longer where
	// more keys would have to be retained than a ring holds.
	Interval time.Duration
	// PublishAhead is how long a key is published before it signs; 0 is DefaultPublishAhead.
	PublishAhead time.Duration
	// Retain is how long a key stays published after its successor has begun to sign; 0 is DefaultRetain.
	Retain time.Duration
}

// Validate says what is wrong with the policy.
func (p RotationPolicy) Validate() error {
	p = p.withDefaults()
	switch {
	case p.Algorithm != "" && !slices.Contains(jose.SigningAlgorithms(), p.Algorithm):
		return fmt.Errorf("signing key rotation: the algorithm %q does not sign here: use ES256, RS256 or EdDSA", p.Algorithm)
	case p.PublishAhead < MinPublishAhead:
		return fmt.Errorf("signing key rotation: a key must be published at least %v before it signs, not %v", MinPublishAhead, p.PublishAhead)
	case p.Retain < MinRetain:
		return fmt.Errorf("signing key rotation: a key must stay published at least %v after its successor signs, not %v", MinRetain, p.Retain)
	case p.Interval < 0 || p.Interval > 0 && p.Interval < p.PublishAhead:
		return fmt.Errorf("signing key rotation: a key must sign at least as long as its successor is published ahead, %v, not %v", p.PublishAhead, p.Interval)
	}
	return nil
}

func (p RotationPolicy) withDefaults() RotationPolicy {
	p.PublishAhead = cmp.Or(p.PublishAhead, DefaultPublishAhead)
	p.Retain = cmp.Or(p.Retain, DefaultRetain)
	return p
}

// Generate returns a ring of one new key that is active from now.
func (p RotationPolicy) Generate(now time.Time) (*Ring, error) {
	return generate(cmp.Or(p.Algorithm, jose.ES256), now)
}

// Plan is what a policy makes of a ring at one time.
type Plan struct {
	// Ring is the ring to store, and Changed whether it differs from the one that was planned for.
	Ring    *Ring
	Changed bool
	// Added and Removed are the kids of the keys that came and went.
	Added, Removed []string
	// NextVisit is how long to wait until there may be something to do again; 0 is until something else changes.
	NextVisit time.Duration
}

// Plan removes the keys that nothing needs to verify with any more, and adds a successor where it is due: by interval,
// because request differs from the one that was taken up last, or because the policy's algorithm changed. Only one
// successor waits for its time; a request that comes meanwhile is taken up after it. It is pure but for new keys, and a
// clock that goes back changes nothing.
func (r *Ring) Plan(policy RotationPolicy, request string, now time.Time) (Plan, error) {
	if err := policy.Validate(); err != nil {
		return Plan{}, err
	}
	policy = policy.withDefaults()
	policy.Algorithm = cmp.Or(policy.Algorithm, r.algorithm)
	next := *r
	removed := next.removeRetired(policy, now)
	plan := Plan{Ring: &next, Changed: len(removed) > 0, Removed: removed}
	if !next.pending(now) {
		added, changed, err := next.succeed(policy, request, now)
		if err != nil {
			return Plan{}, err
		}
		plan.Added, plan.Changed = added, plan.Changed || changed
	}
	plan.NextVisit = next.nextVisit(policy, now)
	return plan, nil
}

// removeRetired removes the keys whose successor has been active for long enough. The newest has no successor, and one
// that is not active yet retires nobody.
func (r *Ring) removeRetired(policy RotationPolicy, now time.Time) (removed []string) {
	kept := r.keys
	for len(kept) > 1 && !kept[1].ActiveFrom.Add(policy.Retain).After(now) {
		removed = append(removed, kept[0].ID())
		kept = kept[1:]
	}
	r.keys = kept
	return removed
}

// succeed adds a successor to a ring in which none waits, if there is a reason and room, and takes note of the reasons.
func (r *Ring) succeed(policy RotationPolicy, request string, now time.Time) (added []string, changed bool, err error) {
	asked := request != "" && request != r.request
	// A key that was imported need not have the policy's algorithm: what counts is that the policy changed.
	switched := policy.Algorithm != r.algorithm
	from := now.Add(policy.PublishAhead)
	due := policy.Interval > 0 && len(r.keys) < maxScheduledKeys && !r.newest().ActiveFrom.Add(policy.Interval).After(from)
	wanted := asked || due || switched && policy.Algorithm != r.newest().Signer.Algorithm()
	if !wanted {
		r.algorithm = policy.Algorithm
		return nil, switched, nil
	}
	if len(r.keys) >= maxKeys {
		return nil, false, nil
	}
	s, err := jose.GenerateSigner(policy.Algorithm)
	if err != nil {
		return nil, false, err
	}
	key := Key{Signer: s, ActiveFrom: from}
	if err := r.insert(key); err != nil {
		return nil, false, err
	}
	r.algorithm = policy.Algorithm
	if asked {
		r.request = request
	}
	return []string{key.ID()}, true, nil
}

// insert adds a key, keeping what else the ring remembers.
func (r *Ring) insert(key Key) error {
	with, err := New(append(slices.Clone(r.keys), key)...)
	if err != nil {
		return err
	}
	r.keys = with.keys
	return nil
}

// nextVisit returns how long it takes until a key begins to sign, a successor is due or a key may be removed.
func (r *Ring) nextVisit(policy RotationPolicy, now time.Time) time.Duration {
	var visits []time.Time
	for i, k := range r.keys {
		visits = append(visits, k.ActiveFrom)
		if i > 0 {
			visits = append(visits, k.ActiveFrom.Add(policy.Retain))
		}
	}
	if policy.Interval > 0 {
		visits = append(visits, r.newest().ActiveFrom.Add(policy.Interval-policy.PublishAhead))
	}
	visits = slices.DeleteFunc(visits, func(t time.Time) bool { return !t.After(now) })
	if len(visits) == 0 {
		return 0
	}
	return slices.MinFunc(visits, time.Time.Compare).Sub(now)
}

// pending reports whether a key waits for its time to sign.
func (r *Ring) pending(now time.Time) bool { return r.newest().ActiveFrom.After(now) }

// newest is the key that becomes active last.
func (r *Ring) newest() Key { return r.keys[len(r.keys)-1] }
