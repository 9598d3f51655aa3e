package operator

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// hanging never answers for some sources, and counts what is under way.
type hanging struct {
	mu      sync.Mutex
	hangs   func(RemoteSource) bool
	running int
	most    int
	done    map[RemoteSource]int
}

func (h *hanging) fetch(ctx context.Context, source RemoteSource) (Fetched, error) {
	h.mu.Lock()
	h.running++
	h.most = max(h.most, h.running)
	h.mu.Unlock()
	if h.hangs(source) {
		<-ctx.Done()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running--
	h.done[source]++
	return Fetched{Keys: found(jwk("a"))}, ctx.Err()
}

func (h *hanging) state() (running, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running, h.most
}

// started runs RemoteKeys until the test ends.
func (h *hanging) started(t *testing.T) *RemoteKeys {
	t.Helper()
	h.done = map[RemoteSource]int{}
	r := newRemoteKeys(h.fetch, (&ticker{now: start}).time, map[string]*enqueuer{kindProvider: {}, kindClient: {}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil { // It waits for what is under way, which ctx ends.
			t.Error(err)
		}
		if running, _ := h.state(); running != 0 {
			t.Errorf("%d fetches outlive Start", running)
		}
	})
	return r
}

func poll(t *testing.T, what string, is func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) { return is(), nil })
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// K-06, F29: a namespace whose URLs all hang keeps nobody else from fetching, not even who uses one of its URLs.
func TestSlowNamespaceKeepsNobodyWaiting(t *testing.T) {
	shared, own := behind("https://shared.example"), behind("https://own.example")
	h := &hanging{hangs: func(s RemoteSource) bool { return s != shared && s != own }}
	r := h.started(t)
	for i := range 10_000 {
		r.lookup(providerUser("slow", fmt.Sprint(i)), behind(fmt.Sprint("https://hangs.example/", i)), tenMinutes())
	}
	poll(t, "the slow namespace fetches", func() bool { running, _ := h.state(); return running == maxFetchesPerNamespace })
	r.lookup(providerUser("slow", "shared"), shared, tenMinutes())
	u, v := providerUser("quick", "own"), providerUser("quick", "shared")
	r.lookup(u, own, tenMinutes())
	r.lookup(v, shared, tenMinutes())
	poll(t, "the other namespace has its keys", func() bool {
		return r.lookup(u, own, tenMinutes()).Last != nil && r.lookup(v, shared, tenMinutes()).Last != nil
	})
	if running, most := h.state(); running != maxFetchesPerNamespace || most > maxFetchesPerNamespace+2 {
		t.Errorf("%d under way, at most %d", running, most)
	}
}

func TestFetchesAreBoundedInAll(t *testing.T) {
	h := &hanging{hangs: func(RemoteSource) bool { return true }}
	r := h.started(t)
	for i := range 100 {
		r.lookup(providerUser(fmt.Sprint("ns", i%20), fmt.Sprint(i)), behind(fmt.Sprint("https://hangs.example/", i)), tenMinutes())
	}
	poll(t, "fetches are under way", func() bool { running, _ := h.state(); return running == maxFetches })
	if job, ok := r.next(); ok {
		t.Errorf("one more: %+v", job)
	}
}

// Of those that wait, the namespace with the fewest under way is served first.
func TestFetchesAreSharedOut(t *testing.T) {
	f := newFetching(t)
	for _, ns := range []string{"a", "a", "a", "a", "a", "b", "c"} {
		f.lookup(providerUser(ns, fmt.Sprint(len(f.users))), behind(fmt.Sprint(siteURL, len(f.users))), tenMinutes())
	}
	var order []string
	for job, ok := f.next(); ok; job, ok = f.next() {
		order = append(order, job.namespace)
	}
	if got := fmt.Sprint(order); got != "[a b c a a a]" {
		t.Errorf("order %v", got)
	}
}

// Everything at once, for the race detector.
func TestRemoteKeysConcurrently(t *testing.T) {
	h := &hanging{hangs: func(RemoteSource) bool { return false }}
	r := h.started(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 200 {
				u := providerUser(fmt.Sprint("ns", i%3), fmt.Sprint(n%5))
				switch n % 4 {
				case 0, 1:
					r.lookup(u, behind(fmt.Sprint(siteURL, n%7)), tenMinutes())
				case 2:
					r.refetch(u)
				default:
					r.forget(u)
				}
			}
		})
	}
	group.Wait()
	u := providerUser("last", "one")
	poll(t, "the last is served", func() bool { return r.lookup(u, behind(siteURL), tenMinutes()).Last != nil })
	poll(t, "nothing is under way", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.waiting) == 0 && len(r.running) == 0
	})
}
