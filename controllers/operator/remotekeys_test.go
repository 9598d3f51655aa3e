package operator

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// ticker is a clock that tests move.
type ticker struct {
	mu  sync.Mutex
	now time.Time
}

func (c *ticker) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *ticker) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fetching is RemoteKeys with the queue that it puts visits into.
type fetching struct {
	*RemoteKeys
	t     *testing.T
	site  *site
	clock *ticker
	queue queue
}

func newFetching(t *testing.T) *fetching {
	t.Helper()
	f := &fetching{t: t, site: newSite(), clock: &ticker{now: start}}
	f.queue = priorityqueue.New[reconcile.Request]("test")
	t.Cleanup(f.queue.ShutDown)
	wanted := &enqueuer{}
	if err := wanted.source().Start(t.Context(), f.queue); err != nil {
		t.Fatal(err)
	}
	f.RemoteKeys = newRemoteKeys(f.site.fetch, f.clock.time, map[string]*enqueuer{kindProvider: wanted, kindClient: wanted})
	return f
}

// visited returns who was asked to be visited, in order.
func (f *fetching) visited() (names []string) {
	for f.queue.Len() > 0 {
		item, _ := f.queue.Get()
		f.queue.Done(item)
		names = append(names, item.String())
	}
	return names
}

// fetches are made now; it returns how many there were.
func (f *fetching) fetches() int {
	before := f.site.count()
	fetchAll(f.t.Context(), f.RemoteKeys)
	return f.site.count() - before
}

func (f *fetching) expect(why string, want int) {
	f.t.Helper()
	if got := f.fetches(); got != want {
		f.t.Errorf("%s: %d fetches, want %d", why, got, want)
	}
}

func providerUser(ns, name string) user {
	return user{kindProvider, types.NamespacedName{Namespace: ns, Name: name}}
}

func behind(url string) RemoteSource { return RemoteSource{Kind: SourceJWKSURI, URL: url} }

func tenMinutes() Refresh { return Refresh{10 * time.Minute, 24 * time.Hour} }

func TestRemoteKeysAreFetchedWhenDue(t *testing.T) {
	f, u, s := newFetching(t), providerUser("a", "one"), behind(siteURL)
	f.site.content[s] = Fetched{Keys: found(jwk("a"))}
	if a := f.lookup(u, s, tenMinutes()); a.Last != nil || a.Problem != nil || !a.Due.IsZero() {
		t.Errorf("before the first fetch: %+v", a)
	}
	if a := f.lookup(u, s, tenMinutes()); !a.Due.IsZero() {
		t.Errorf("while it waits: %+v", a)
	}
	f.expect("two looks", 1)
	if diff := cmp.Diff([]string{"a/one"}, f.visited()); diff != "" {
		t.Error(diff)
	}
	a := f.lookup(u, s, tenMinutes())
	if a.Last == nil || len(a.Last.Keys.Keys) != 1 || !a.Fetched.Equal(start) || a.Problem != nil {
		t.Errorf("after the fetch: %+v", a)
	}
	if wait := a.Due.Sub(start); wait < 9*time.Minute || wait > 10*time.Minute {
		t.Errorf("due in %v", wait)
	}
	f.clock.add(a.Due.Sub(start) - time.Second)
	f.lookup(u, s, tenMinutes())
	f.expect("before it is due", 0)
	f.clock.add(time.Second)
	if late := f.lookup(u, s, tenMinutes()); late.Last == nil || !late.Due.IsZero() {
		t.Errorf("when it is due: %+v", late)
	}
	f.expect("when it is due", 1)
}

func TestRemoteKeysFreshness(t *testing.T) {
	for name, tc := range map[string]struct{ fresh, least, most time.Duration }{
		"the server does not say": {0, 9 * time.Minute, 10 * time.Minute},
		"less than a tenth":       {time.Second, 54 * time.Second, time.Minute},
		"as it says":              {5 * time.Minute, 270 * time.Second, 5 * time.Minute},
		"more than twice":         {48 * time.Hour, 18 * time.Minute, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			f, u := newFetching(t), providerUser("a", "one")
			drift := map[string]bool{}
			for i := range 20 {
				s := behind(fmt.Sprint(siteURL, i))
				f.site.content[s] = Fetched{Keys: found(jwk("a")), FreshFor: tc.fresh}
				f.lookup(u, s, tenMinutes())
				f.fetches()
				wait := f.lookup(u, s, tenMinutes()).Due.Sub(start)
				if wait < tc.least || wait > tc.most {
					t.Errorf("due in %v, want %v to %v", wait, tc.least, tc.most)
				}
				drift[wait.String()] = true
			}
			if len(drift) < 5 {
				t.Errorf("20 sources are due at %d times", len(drift))
			}
		})
	}
}

func TestRemoteKeysBackOff(t *testing.T) {
	f, u, s := newFetching(t), providerUser("a", "one"), behind(siteURL)
	good := Fetched{Keys: found(jwk("a"))}
	for _, seconds := range []int{5, 10, 20, 40, 80, 160, 320, 600, 600} {
		want := time.Duration(seconds) * time.Second
		f.lookup(u, s, tenMinutes())
		f.expect("when it is due", 1)
		a := f.lookup(u, s, tenMinutes())
		if wait := a.Due.Sub(f.clock.time()); wait != want || a.Problem == nil || a.Last != nil {
			t.Errorf("due in %v, want %v: %v", wait, want, a.Problem)
		}
		f.clock.add(want)
	}
	f.site.content[s] = good
	f.lookup(u, s, tenMinutes())
	f.expect("recovery", 1)
	first := f.clock.time()
	if a := f.lookup(u, s, tenMinutes()); a.Problem != nil || a.Last == nil || a.Due.Sub(first) < 9*time.Minute {
		t.Errorf("recovered: %+v", a)
	}
	f.site.problem = errSite
	f.clock.add(10 * time.Minute)
	f.lookup(u, s, tenMinutes())
	f.expect("trouble again", 1)
	a := f.lookup(u, s, tenMinutes())
	if a.Last == nil || !a.Fetched.Equal(first) || a.Problem == nil || a.Due.Sub(f.clock.time()) != firstRetry {
		t.Errorf("trouble again: %+v", a)
	}
	if d := (&remoteState{ended: start, problem: errSite, failures: 1 << 30}).due(s, Refresh{Interval: 24 * time.Hour}); d.Sub(start) != 24*time.Hour {
		t.Errorf("after many failures, due in %v", d.Sub(start))
	}
}

func TestRemoteKeysAreShared(t *testing.T) {
	f, s := newFetching(t), behind(siteURL)
	f.site.content[s] = Fetched{Keys: found(jwk("a"))}
	users := []user{providerUser("a", "one"), providerUser("b", "two"), {kindClient, types.NamespacedName{Namespace: "c", Name: "three"}}}
	for _, u := range users {
		f.lookup(u, s, tenMinutes())
	}
	f.expect("three users", 1)
	if got := len(f.visited()); got != 3 {
		t.Errorf("%d visits", got)
	}
	for _, u := range users {
		if a := f.lookup(u, s, tenMinutes()); a.Last == nil {
			t.Errorf("%v: %+v", u, a)
		}
	}
	other := s
	other.CA = "PEM"
	if a := f.lookup(providerUser("d", "four"), other, tenMinutes()); a.Last != nil {
		t.Errorf("what came under another CA: %+v", a)
	}
}

func TestRemoteKeysAreForgotten(t *testing.T) {
	f, u, s := newFetching(t), providerUser("a", "one"), behind(siteURL)
	f.site.content[s] = Fetched{Keys: found(jwk("a"))}
	f.forget(u)
	f.lookup(u, s, tenMinutes())
	f.forget(u)
	f.expect("nobody is left", 0)

	f.lookup(u, s, tenMinutes())
	job, _ := f.next()
	f.forget(u)
	f.run(t.Context(), job)
	if len(f.sources) != 0 || len(f.users) != 0 || len(f.running) != 0 || f.visited() != nil {
		t.Errorf("%d sources, %d users, running %v", len(f.sources), len(f.users), f.running)
	}

	// Who comes back in the meantime has one fetch, and not the answer to the one before.
	for range 5 {
		f.lookup(u, s, tenMinutes())
		f.forget(u)
	}
	f.lookup(u, s, tenMinutes())
	job, _ = f.next()
	f.forget(u)
	f.lookup(u, s, tenMinutes())
	f.run(t.Context(), job)
	if a := f.lookup(u, s, tenMinutes()); a.Last != nil {
		t.Errorf("an answer for somebody else: %+v", a)
	}
	f.expect("after coming and going", 1)
	if len(f.waiting) != 0 || len(f.running) != 0 {
		t.Errorf("waiting %d, running %v", len(f.waiting), f.running)
	}
}

func TestRemoteKeysFollowTheSource(t *testing.T) {
	f, u := newFetching(t), providerUser("a", "one")
	one, two := behind(siteURL), behind(siteURL+"2")
	f.site.content[one], f.site.content[two] = Fetched{Keys: found(jwk("a"))}, Fetched{Keys: found(jwk("b"))}
	f.lookup(u, one, tenMinutes())
	f.fetches()
	if a := f.lookup(u, two, tenMinutes()); a.Last != nil {
		t.Errorf("keys of the source before: %+v", a)
	}
	if len(f.sources) != 1 || f.users[u] != two {
		t.Errorf("%d sources", len(f.sources))
	}
	f.fetches()
	if a := f.lookup(u, two, tenMinutes()); a.Last == nil || a.Last.Keys.Keys[0].Public.KeyID() != "b" {
		t.Errorf("%+v", a)
	}
}

func TestRemoteKeysRefetch(t *testing.T) {
	f, u, s := newFetching(t), providerUser("a", "one"), behind(siteURL)
	f.site.content[s] = Fetched{Keys: found(jwk("a"))}
	f.refetch(u) // Nobody knows it yet.
	f.expect("unknown", 0)
	f.lookup(u, s, tenMinutes())
	f.refetch(u)
	f.expect("while the first waits", 1)
	f.clock.add(earlyCooldown - time.Millisecond)
	f.refetch(u)
	f.expect("within the cool-down", 0)
	f.clock.add(time.Millisecond)
	f.refetch(u)
	f.refetch(u)
	f.expect("after the cool-down", 1)
	if a := f.lookup(u, s, tenMinutes()); !a.Fetched.Equal(start.Add(earlyCooldown)) {
		t.Errorf("fetched at %v", a.Fetched)
	}

	before := f.site.count()
	for range 1000 {
		f.clock.add(10 * time.Millisecond)
		f.refetch(u)
		f.fetches()
	}
	if n := f.site.count() - before; n < 1 || n > 2 {
		t.Errorf("%d fetches for 1,000 calls in 10 s", n)
	}
}

// Many sources at once are bounded together.
func TestRemoteKeysRefetchIsBoundedInAll(t *testing.T) {
	f := newFetching(t)
	for i := range 500 {
		s := behind(fmt.Sprint(siteURL, i))
		f.site.content[s] = Fetched{Keys: found(jwk("a"))}
		f.lookup(providerUser("a", fmt.Sprint(i)), s, tenMinutes())
	}
	f.expect("first", 500)
	f.clock.add(earlyCooldown)
	total := 0
	for range 10 {
		for i := range 500 {
			f.refetch(providerUser("a", fmt.Sprint(i)))
		}
		total += f.fetches()
		f.clock.add(time.Second)
	}
	if most := earlyBurst + 10*earlyRate; total > most || total < earlyBurst {
		t.Errorf("%d early fetches in 10 s, at most %d", total, most)
	}
}

func TestRemoteKeysAreTheLeaders(t *testing.T) {
	if !newFetching(t).NeedLeaderElection() || !newPrograms(oneServer(), nil).NeedLeaderElection() {
		t.Error("every replica of the operator would do it")
	}
	f := newFetching(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Start(ctx); err != nil {
		t.Error(err)
	}
}
