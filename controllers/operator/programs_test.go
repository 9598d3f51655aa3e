package operator

import (
	"context"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/internal/release"
)

func newFollowing(t *testing.T) (*Programs, *servers, queue) {
	t.Helper()
	q := priorityqueue.New[reconcile.Request]("test")
	t.Cleanup(q.ShutDown)
	wanted := &enqueuer{}
	if err := wanted.source().Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	s := &servers{}
	return newPrograms(s, map[string]*enqueuer{kindProvider: wanted, kindClient: wanted}), s, q
}

func upTo(version uint64) release.Loaded {
	return release.Loaded{release.KindIdentityProviders: version, release.KindOAuthClients: version}
}

func TestProgramsCount(t *testing.T) {
	p, s, _ := newFollowing(t)
	s.set(upTo(7), upTo(8))
	no, yes := func() bool { return false }, func() bool { return true }
	for name, tc := range map[string]struct {
		version string
		also    func() bool
		want    Loaded
	}{
		"one":              {"8", nil, Loaded{Have: 1, Live: 2}},
		"both":             {"7", nil, Loaded{Have: 2, Live: 2}},
		"neither":          {"9", nil, Loaded{Have: 0, Live: 2}},
		"with the rest":    {"7", yes, Loaded{Have: 2, Live: 2}},
		"without the rest": {"7", no, Loaded{Have: 0, Live: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.loaded(providerUser("a", "one"), release.KindIdentityProviders, tc.version, tc.also); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestProgramsDue(t *testing.T) {
	u := providerUser("a", "one")
	ready := false
	for name, tc := range map[string]struct {
		follow, then []release.Loaded
		also         func() bool
		want         bool
	}{
		"nothing changes":       {[]release.Loaded{upTo(7)}, []release.Loaded{upTo(7)}, nil, false},
		"loaded":                {[]release.Loaded{upTo(7)}, []release.Loaded{upTo(8)}, nil, true},
		"loaded by one of two":  {[]release.Loaded{upTo(7), upTo(7)}, []release.Loaded{upTo(8), upTo(7)}, nil, false},
		"one more token server": {[]release.Loaded{upTo(7)}, []release.Loaded{upTo(7), upTo(7)}, nil, true},
		"one less":              {[]release.Loaded{upTo(7), upTo(7)}, []release.Loaded{upTo(7)}, nil, true},
		"the first one":         {nil, []release.Loaded{upTo(7)}, nil, true},
		"still none":            {nil, nil, nil, false},
		"loaded but the rest":   {[]release.Loaded{upTo(7)}, []release.Loaded{upTo(8)}, func() bool { return ready }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, s, q := newFollowing(t)
			s.set(tc.follow...)
			p.follow(u, release.KindIdentityProviders, "8", len(tc.follow), tc.also)
			if q.Len() != 0 {
				t.Error("visited at once")
			}
			s.set(tc.then...)
			if got := slices.Contains(p.due(), u); got != tc.want {
				t.Errorf("due %v, want %v", got, tc.want)
			}
			p.forget(u)
			if p.due() != nil {
				t.Error("not forgotten")
			}
		})
	}
}

// Where token servers follow namespaces one by one, an object is loaded when its own is: the others may have been quiet since
// long before.
func TestProgramsByNamespace(t *testing.T) {
	p, s, _ := newFollowing(t)
	loaded := func(a, b uint64) release.Loaded {
		return release.Loaded{release.Part(release.KindIdentityProviders, "a"): a, release.Part(release.KindIdentityProviders, "b"): b}
	}
	s.set(loaded(7, 7))
	inA, inB, elsewhere := providerUser("a", "one"), providerUser("b", "one"), providerUser("c", "one")
	for _, u := range []user{inA, inB, elsewhere} {
		p.follow(u, release.KindIdentityProviders, "8", 1, nil)
	}
	s.set(loaded(3, 8))
	for u, want := range map[user]int{inA: 0, inB: 1, elsewhere: 0} {
		if got := p.loaded(u, release.KindIdentityProviders, "8", nil); got.Have != want || got.Live != 1 {
			t.Errorf("%s: loaded by %d of %d", u, got.Have, got.Live)
		}
	}
	if due := p.due(); !slices.Equal(due, []user{inB}) {
		t.Errorf("due are %v", due)
	}
}

// What is loaded between counting and following sends no other notice.
func TestProgramsFollowWhatIsComplete(t *testing.T) {
	p, s, q := newFollowing(t)
	s.set(upTo(7))
	counted := p.loaded(user{kindClient, providerUser("a", "one").NamespacedName}, release.KindOAuthClients, "8", nil)
	s.set(upTo(8))
	p.follow(user{kindClient, providerUser("a", "one").NamespacedName}, release.KindOAuthClients, "8", counted.Live, nil)
	if q.Len() != 1 {
		t.Errorf("%d visits", q.Len())
	}
	p.follow(providerUser("a", "two"), release.KindIdentityProviders, "no version", 1, nil)
	if len(p.waiting) != 1 {
		t.Errorf("%d wait", len(p.waiting))
	}
}

func TestProgramsVisit(t *testing.T) {
	p, s, q := newFollowing(t)
	s.set(upTo(7))
	u := providerUser("a", "one")
	p.follow(u, release.KindIdentityProviders, "8", 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Start(ctx) }()
	for range 10 {
		p.notify() // Never blocks.
	}
	s.set(upTo(8))
	p.notify()
	poll(t, "a visit", func() bool { return q.Len() == 1 })
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Start does not end")
	}
}

// Before its controller runs, an enqueuer asks nobody.
func TestEnqueuerWithoutController(*testing.T) {
	(&enqueuer{}).add(priorityChanged, providerUser("a", "one").NamespacedName)
}
