package keyring

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

func plan(t testing.TB, r *Ring, policy RotationPolicy, request string, now time.Time) Plan {
	t.Helper()
	p, err := r.Plan(policy, request, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func kids(r *Ring) (list []string) {
	for _, k := range r.keys {
		list = append(list, k.ID())
	}
	return list
}

// full is a ring of as many keys as fit, made an hour after each other, the newest at instant.
func full(t testing.TB) *Ring {
	t.Helper()
	return many(t, maxKeys)
}

func many(t testing.TB, count int) *Ring {
	t.Helper()
	var keys []Key
	for i := range count {
		s, err := jose.GenerateSigner(jose.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, Key{s, instant().Add(time.Duration(i-count+1) * time.Hour)})
	}
	return ring(t, keys...)
}

func TestPlan(t *testing.T) {
	const month = 30 * 24 * time.Hour
	monthly := RotationPolicy{Interval: month}
	a, b, c := signer(t, "a"), signer(t, "b"), signer(t, "c")
	at := func(d time.Duration) time.Time { return instant().Add(d) }
	one := ring(t, Key{a, instant()})
	two := ring(t, Key{a, instant()}, Key{b, at(month)})
	three := ring(t, Key{a, instant()}, Key{b, at(time.Hour)}, Key{c, at(2 * time.Hour)})
	asked := func(r *Ring, request string) *Ring {
		with := *r
		with.request = request
		return &with
	}
	for name, tc := range map[string]struct {
		ring    *Ring
		policy  RotationPolicy
		request string
		now     time.Time
		// added is when the successor begins to sign, counted from now; 0 is none.
		added   time.Duration
		removed []*jose.Signer
		changed bool
		next    time.Duration
	}{
		"nothing to do":                         {ring: one, now: instant()},
		"never by itself":                       {ring: one, now: at(10 * month)},
		"scheduled, long before":                {ring: one, policy: monthly, now: instant(), next: month - DefaultPublishAhead},
		"scheduled, just before":                {ring: one, policy: monthly, now: at(month - DefaultPublishAhead - 1), next: 1},
		"scheduled, due":                        {ring: one, policy: monthly, now: at(month - DefaultPublishAhead), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"scheduled, late":                       {ring: one, policy: monthly, now: at(month), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"scheduled, a year late":                {ring: one, policy: monthly, now: at(12 * month), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"longer ahead":                          {ring: one, policy: RotationPolicy{Interval: month, PublishAhead: time.Hour}, now: at(month - time.Hour), added: time.Hour, changed: true, next: time.Hour},
		"a successor waits":                     {ring: two, policy: monthly, now: at(month - 1), next: 1},
		"a successor signs":                     {ring: two, policy: monthly, now: at(month), next: DefaultRetain},
		"retained":                              {ring: two, policy: monthly, now: at(month + DefaultRetain - 1), next: 1},
		"retained long enough":                  {ring: two, policy: monthly, now: at(month + DefaultRetain), removed: []*jose.Signer{a}, changed: true, next: month - DefaultRetain - DefaultPublishAhead},
		"retained longer":                       {ring: two, policy: RotationPolicy{Retain: 48 * time.Hour}, now: at(month + DefaultRetain), next: 48*time.Hour - DefaultRetain},
		"two to remove":                         {ring: three, now: at(month), removed: []*jose.Signer{a, b}, changed: true},
		"one of two to remove":                  {ring: three, now: at(time.Hour + DefaultRetain), removed: []*jose.Signer{a}, changed: true, next: time.Hour},
		"removed and added":                     {ring: three, policy: monthly, now: at(2 * month), removed: []*jose.Signer{a, b}, added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"asked":                                 {ring: one, request: "1", now: at(1), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"asked before":                          {ring: asked(one, "1"), request: "1", now: at(1)},
		"asked again":                           {ring: asked(one, "1"), request: "2", now: at(1), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"no longer asked":                       {ring: asked(one, "1"), now: at(1)},
		"asked while a successor waits":         {ring: two, request: "1", now: at(month - time.Second), next: time.Second},
		"asked while a successor waited":        {ring: two, request: "1", now: at(month), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"another algorithm":                     {ring: one, policy: RotationPolicy{Algorithm: jose.EdDSA}, now: at(1), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"the algorithm that it has":             {ring: one, policy: RotationPolicy{Algorithm: jose.ES256}, now: at(1)},
		"another algorithm, a successor waits":  {ring: two, policy: RotationPolicy{Algorithm: jose.EdDSA}, now: at(month - 1), next: 1},
		"asked for and another algorithm":       {ring: one, policy: RotationPolicy{Algorithm: jose.EdDSA}, request: "1", now: at(1), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"clock before the only key":             {ring: one, policy: monthly, request: "1", now: at(-month), next: month},
		"clock before a successor of long ago":  {ring: three, request: "1", now: at(-month), next: month},
		"clock between two keys":                {ring: three, policy: monthly, now: at(90 * time.Minute), next: 30 * time.Minute},
		"a full ring waits for the oldest":      {ring: full(t), policy: RotationPolicy{Interval: time.Hour}, request: "1", now: at(8 * time.Hour), next: DefaultRetain - 22*time.Hour},
		"a full ring goes on without an oldest": {ring: full(t), request: "1", now: at(DefaultRetain - 14*time.Hour), removed: []*jose.Signer{nil}, added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"the schedule leaves room":              {ring: many(t, 12), policy: RotationPolicy{Interval: time.Hour}, now: at(8 * time.Hour), next: DefaultRetain - 18*time.Hour},
		"the schedule uses the rest":            {ring: many(t, 11), policy: RotationPolicy{Interval: time.Hour}, now: at(8 * time.Hour), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
		"who asks gets the room":                {ring: many(t, 15), policy: RotationPolicy{Interval: time.Hour}, request: "1", now: at(8 * time.Hour), added: DefaultPublishAhead, changed: true, next: DefaultPublishAhead},
	} {
		t.Run(name, func(t *testing.T) {
			before := describe(tc.ring)
			p := plan(t, tc.ring, tc.policy, tc.request, tc.now)
			if p.Changed != tc.changed || p.NextVisit != tc.next || len(p.Removed) != len(tc.removed) {
				t.Errorf("changed %v, next visit in %v, %d removed, want %v, %v, %d", p.Changed, p.NextVisit, len(p.Removed), tc.changed, tc.next, len(tc.removed))
			}
			for i, s := range tc.removed {
				if s != nil && p.Removed[i] != s.PublicKey().KeyID() {
					t.Errorf("removed %s, want %s", p.Removed[i], s.PublicKey().KeyID())
				}
			}
			checkSuccessor(t, tc.ring, p, tc.added, tc.now)
			if diff := cmp.Diff(before, describe(tc.ring)); diff != "" {
				t.Errorf("the ring itself changed:\n%s", diff)
			}
			if again := plan(t, p.Ring, tc.policy, tc.request, tc.now); again.Changed {
				t.Error("planned again, it changes again")
			}
		})
	}
}

func checkSuccessor(t *testing.T, before *Ring, p Plan, ahead time.Duration, now time.Time) {
	t.Helper()
	want := slices.DeleteFunc(kids(before), func(kid string) bool { return slices.Contains(p.Removed, kid) })
	if diff := cmp.Diff(append(want, p.Added...), kids(p.Ring)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if (len(p.Added) == 1) != (ahead > 0) || len(p.Added) > 1 {
		t.Fatalf("%d keys added", len(p.Added))
	}
	if from := p.Ring.newest().ActiveFrom; ahead > 0 && !from.Equal(now.Add(ahead)) {
		t.Errorf("the successor signs from %v, want %v", from, now.Add(ahead))
	}
}

// TestAlgorithmOfSuccessors: it is that of the policy, and without one it stays.
func TestAlgorithmOfSuccessors(t *testing.T) {
	first, err := RotationPolicy{Algorithm: jose.EdDSA}.Generate(instant())
	if err != nil {
		t.Fatal(err)
	}
	if alg := first.newest().Signer.Algorithm(); alg != jose.EdDSA {
		t.Errorf("first key for %s", alg)
	}
	if r, err := (RotationPolicy{}).Generate(instant()); err != nil || r.newest().Signer.Algorithm() != jose.ES256 {
		t.Errorf("without algorithm: %v, error %v", r, err)
	}
	for name, want := range map[string]jose.Algorithm{"": jose.EdDSA, "EdDSA": jose.EdDSA, "ES256": jose.ES256, "RS256": jose.RS256} {
		policy := jose.Algorithm(name)
		p := plan(t, first, RotationPolicy{Algorithm: policy}, "1", instant())
		if got := p.Ring.newest().Signer.Algorithm(); got != want {
			t.Errorf("policy %q: successor for %s, want %s", policy, got, want)
		}
		later := plan(t, stored(t, p.Ring), RotationPolicy{Algorithm: policy}, "1", instant().Add(DefaultPublishAhead))
		if later.Changed {
			t.Errorf("policy %q: taken up twice", policy)
		}
	}
}

func TestPolicyIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		policy RotationPolicy
		ok     bool
	}{
		"zero":                         {RotationPolicy{}, true},
		"all set":                      {RotationPolicy{jose.RS256, MinPublishAhead, MinPublishAhead, MinRetain}, true},
		"an algorithm to verify with":  {RotationPolicy{Algorithm: jose.RS384}, false},
		"no algorithm":                 {RotationPolicy{Algorithm: "none"}, false},
		"published too late":           {RotationPolicy{PublishAhead: MinPublishAhead - 1}, false},
		"published after the fact":     {RotationPolicy{PublishAhead: -time.Hour}, false},
		"retained too short":           {RotationPolicy{Retain: MinRetain - 1}, false},
		"retained negatively":          {RotationPolicy{Retain: -time.Hour}, false},
		"interval negative":            {RotationPolicy{Interval: -1}, false},
		"interval shorter than notice": {RotationPolicy{Interval: DefaultPublishAhead - 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.policy.Validate(); (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
			if _, err := ring(t, Key{Signer: signer(t, "a")}).Plan(tc.policy, "", instant()); (err == nil) != tc.ok {
				t.Errorf("plan: error %v", err)
			}
		})
	}
}

// year runs a ring through time and checks, at every instant, what verifiers rely on.
type year struct {
	t       *testing.T
	ring    *Ring
	policy  RotationPolicy
	request string
	visit   time.Time
	// outage is until when the operator is down.
	outage time.Time
	state  uint64
	// published, firstUse and lastUse are by kid.
	published, firstUse, lastUse map[string]time.Time
	order                        []string
}

func (y *year) tick(now time.Time, exempt string) {
	y.t.Helper()
	all := kids(y.ring)
	for _, kid := range all {
		if _, known := y.published[kid]; !known {
			y.published[kid] = now
		}
	}
	current := y.ring.Current(now)
	if current == nil {
		y.t.Fatalf("%v: no key signs", now)
	}
	kid := current.PublicKey().KeyID()
	if _, known := y.firstUse[kid]; !known {
		y.firstUse[kid] = now
		y.order = append(y.order, kid)
		if ahead := now.Sub(y.published[kid]); ahead < y.policy.withDefaults().PublishAhead && kid != exempt {
			y.t.Fatalf("%v: key %s signs %v after its publication", now, kid, ahead)
		}
	}
	if y.order[len(y.order)-1] != kid {
		y.t.Fatalf("%v: key %s signs again", now, kid)
	}
	y.lastUse[kid] = now
	for kid, last := range y.lastUse {
		if now.Sub(last) > 24*time.Hour {
			delete(y.lastUse, kid)
		} else if !slices.Contains(all, kid) {
			y.t.Fatalf("%v: key %s is gone, but signed %v ago", now, kid, now.Sub(last))
		}
	}
	waiting := 0
	for _, k := range y.ring.keys {
		if k.ActiveFrom.After(now) {
			waiting++
		}
	}
	if waiting > 1 || len(y.ring.keys) > maxKeys {
		y.t.Fatalf("%v: %d keys wait, %d keys in all", now, waiting, len(y.ring.keys))
	}
}

// reconcile does what the operator does at a visit: it stores the plan as text.
func (y *year) reconcile(now time.Time) {
	y.t.Helper()
	p := plan(y.t, y.ring, y.policy, y.request, now)
	y.visit = now.Add(p.NextVisit)
	if p.NextVisit == 0 {
		y.visit = now.Add(24 * time.Hour)
	}
	if !p.Changed {
		if !slices.Equal(kids(p.Ring), kids(y.ring)) {
			y.t.Fatal("a plan that changes nothing changes the keys")
		}
		return
	}
	text, err := p.Ring.Marshal()
	if err != nil {
		y.t.Fatal(err)
	}
	if y.ring, err = Parse(text); err != nil {
		y.t.Fatal(err)
	}
}

// TestAYear: schedule, requests, changes of the algorithm, an import, late visits and outages of the operator.
func TestAYear(t *testing.T) {
	for name, tc := range map[string]struct {
		policy RotationPolicy
		days   int
		least  int // how many keys sign in that time
	}{
		"never":              {RotationPolicy{}, 365, 30},
		"monthly":            {RotationPolicy{Interval: 30 * 24 * time.Hour}, 365, 40},
		"daily":              {RotationPolicy{Interval: 24 * time.Hour, PublishAhead: time.Hour}, 365, 300},
		"hourly":             {RotationPolicy{Interval: time.Hour}, 60, 400},
		"as fast as it goes": {RotationPolicy{Interval: MinPublishAhead, PublishAhead: MinPublishAhead, Retain: MinRetain}, 60, 400},
	} {
		t.Run(name, func(t *testing.T) {
			policy := tc.policy
			first, err := policy.Generate(instant())
			if err != nil {
				t.Fatal(err)
			}
			y := &year{
				t: t, ring: first, policy: policy, visit: instant(),
				published: map[string]time.Time{first.newest().ID(): instant().Add(-time.Hour)}, firstUse: map[string]time.Time{}, lastUse: map[string]time.Time{},
			}
			for tick := range tc.days * 24 * 12 {
				now := instant().Add(time.Duration(tick)*5*time.Minute + time.Duration(y.random(1e9)))
				y.disturb(tick, now)
				if now.After(y.outage) && !now.Before(y.visit) {
					y.reconcile(now)
				}
				y.tick(now, importedKid)
			}
			if keys := len(y.order); keys < tc.least {
				t.Errorf("%d keys signed, want at least %d", keys, tc.least)
			}
		})
	}
}

const importedKid = "known elsewhere"

// disturb is what people and machines do to a ring.
func (y *year) disturb(tick int, now time.Time) {
	y.t.Helper()
	switch event := y.random(20_000); {
	case event < 10:
		y.request = now.String()
		y.visit = now
	case event < 12:
		y.policy.Algorithm = []jose.Algorithm{jose.ES256, jose.EdDSA}[event%2]
	case event < 16:
		y.outage = now.Add(time.Duration(y.random(96)) * time.Hour)
	case tick == 8_000:
		p, err := y.ring.Import(named(y.t, signer(y.t, "imported"), importedKid), now)
		if err != nil || len(p.Added) != 1 {
			y.t.Fatalf("import: %v added, error %v", p.Added, err)
		}
		y.ring = p.Ring
	}
}

// random returns a number below n, the same ones in every run (splitmix64).
func (y *year) random(n uint64) int {
	y.state += 0x9e3779b97f4a7c15
	z := y.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % n)
}

// TestClockGoesBack: whatever the operator's clock says, no key that signs or is to sign disappears.
func TestClockGoesBack(t *testing.T) {
	policy := RotationPolicy{Interval: 30 * 24 * time.Hour}
	r := ring(t, Key{signer(t, "a"), instant()}, Key{signer(t, "b"), instant().Add(24 * time.Hour)})
	now := instant().Add(30 * time.Hour)
	for _, back := range []time.Duration{time.Second, time.Hour, 24 * time.Hour, 40 * 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		p := plan(t, r, policy, "", now.Add(-back))
		if p.Changed || !slices.Equal(kids(p.Ring), kids(r)) {
			t.Errorf("%v back: %+v", back, p)
		}
		if p.NextVisit <= 0 {
			t.Errorf("%v back: next visit in %v", back, p.NextVisit)
		}
	}
}
