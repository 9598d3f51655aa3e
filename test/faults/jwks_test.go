package faults

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

const (
	// refreshWait is how long a request may wait for keys, and slack what a busy machine adds.
	refreshWait = 2 * time.Second
	slack       = time.Second
)

// TestF29F30F31BrokenKeyServers: servers of key sets fail in every way at the same time. The last good keys count until
// maxStale, and then nothing; no request waits long, and other providers notice nothing.
func TestF29F30F31BrokenKeyServers(t *testing.T) {
	t.Parallel()
	const interval, fetchTime = 10 * time.Second, 10 * time.Second
	server, bystander := newKeyServer(t), newTenant(t)
	tenants := map[string]*tenant{}
	for name := range brokenKeyServers() {
		tenants[name] = server.tenant(t, v1alpha1.Refresh{RefreshInterval: "10s", MaxStale: v1alpha1.Duration(keysMaxStale.String())})
	}
	all := func(check func(tn *tenant) error) error {
		var errs []error
		for name, tn := range tenants {
			if err := check(tn); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
		return errors.Join(errs...)
	}
	memory, err := world.Operator.ResidentBytes()
	try(t, err)
	load, late := bystander.loadJudged(50, time.Second)
	for name, handler := range brokenKeyServers() {
		server.set(tenants[name].path(), handler)
	}
	broken := time.Now()
	waited := askForUnknownKeys(t, tenants)
	t.Logf("assertions with unknown keys were answered in at most %s", waited)
	if waited > refreshWait+slack {
		t.Errorf("a request waited %s for keys, no longer than %s is promised", waited, refreshWait)
	}
	// The last good fetch was at most an interval before: so long everybody must be trusted. An answer that is later says nothing.
	during(t, time.Until(broken.Add(keysMaxStale-interval-2*time.Second)), func() error {
		return all(func(tn *tenant) error {
			if got := tn.ask(t.Context(), 0, tn.withKeyID(tn.key, "k1")); got != granted && time.Since(broken) < keysMaxStale-interval {
				return fmt.Errorf("answers %s after %s", got, time.Since(broken))
			}
			return nil
		})
	})
	if time.Since(broken) > interval+fetchTime { // so long it may take to find out
		try(t, all(func(tn *tenant) error {
			return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionKeysReady, v1alpha1.ReasonFetchFailing)
		}))
	}
	within(t, time.Until(broken.Add(keysMaxStale+interval+fetchTime+refusal)), "everybody is refused after maxStale", func() error {
		return all(func(tn *tenant) error { return tn.everywhere("400 invalid_grant") })
	})
	within(t, refusal, "the conditions say so", func() error {
		return all(func(tn *tenant) error {
			return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionKeysReady, v1alpha1.ReasonKeysStale)
		})
	})
	if r := bystander.flawless(load); int(late.Load()) > r.Sent/100 {
		t.Errorf("%d of %d others waited for more than a second", late.Load(), r.Sent)
	}
	after, err := world.Operator.ResidentBytes()
	try(t, err)
	t.Logf("the operator occupies %d MiB, before it was %d MiB", after>>20, memory>>20)
	if grown := after - memory; grown > 128<<20 {
		t.Errorf("the operator has grown by %d MiB", grown>>20)
	}
}

// loadJudged is load, and counts who waits for longer than is right, without the time in which the machine did nothing for it.
func (tn *tenant) loadJudged(perSecond int, most time.Duration) (load *openloop.Load, late *atomic.Int64) {
	stalls, late := harness.WatchStalls(tn.t.Context()), &atomic.Int64{}
	return openloop.Start(tn.t.Context(), perSecond, func(ctx context.Context, n int) string {
		took := stalls.Stopwatch()
		outcome := tn.ask(ctx, n%replicas, tn.assertion())
		if took() > most {
			late.Add(1)
		}
		return outcome
	}), late
}

// askForUnknownKeys sends every tenant an assertion with an unknown key at once, and returns the longest wait.
func askForUnknownKeys(t *testing.T, tenants map[string]*tenant) (longest time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var asked sync.WaitGroup
	stalls := harness.WatchStalls(t.Context())
	for name, tn := range tenants {
		asked.Go(func() {
			took := stalls.Stopwatch()
			got := tn.ask(t.Context(), 1, tn.withKeyID(jwttest.EC("stranger", elliptic.P256()), "unknown"))
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, took())
			if got != "400 invalid_grant" {
				t.Errorf("%s: an assertion with an unknown key gets %s", name, got)
			}
		})
	}
	asked.Wait()
	return longest
}

// TestF32UnknownKeyFlood: whoever sends assertions with made-up key ids makes nobody's key server work: one fetch in ten
// seconds, and right requests go on.
func TestF32UnknownKeyFlood(t *testing.T) {
	t.Parallel()
	const cooldown = 10 * time.Second
	server := newKeyServer(t)
	tn := server.tenant(t, v1alpha1.Refresh{})
	stranger := jwttest.EC("stranger", elliptic.P256())
	right := openloop.Start(t.Context(), 20, func(ctx context.Context, n int) string {
		return tn.ask(ctx, n%replicas, tn.withKeyID(tn.key, "k1"))
	})
	begin := time.Now()
	flood := openloop.Start(t.Context(), floodPerSecond, func(ctx context.Context, n int) string {
		return tn.ask(ctx, n%replicas, tn.withKeyID(stranger, fmt.Sprint("made-up-", n)))
	})
	<-time.After(floodFor)
	report := flood.Stop()
	lasted := time.Since(begin)
	fetches, most := server.fetches(tn.path(), begin), int(lasted/cooldown)+1
	t.Logf("flood: %s; %d fetches in %s (at most %d promised)", report, fetches, lasted.Round(time.Second), most)
	if fetches > most || fetches == 0 {
		t.Errorf("%d fetches in %s, promised are at most %d, and one", fetches, lasted, most)
	}
	if other := report.Other("400 invalid_grant"); other > 0 {
		t.Errorf("%d of %d wrong requests got another answer than invalid_grant", other, report.Sent)
	}
	tn.flawless(right)
}

// TestF32NewKey: K-16: an issuer that begins to sign with a key that nobody has fetched yet is served at the first request.
func TestF32NewKey(t *testing.T) {
	t.Parallel()
	server := newKeyServer(t)
	tenants := make([]*tenant, replicas)
	for replica := range tenants {
		tenants[replica] = server.tenant(t, v1alpha1.Refresh{})
	}
	<-time.After(earlyCooldown) // the first fetch counts too
	stalls := harness.WatchStalls(t.Context())
	for replica, tn := range tenants {
		next := jwttest.EC(tn.namespace+" next", elliptic.P256())
		server.set(tn.path(), serveText(jwks(named{"k1", tn.key}, named{"k2", next})))
		stopwatch := stalls.Stopwatch()
		got := tn.ask(t.Context(), replica, tn.withKeyID(next, "k2"))
		took := stopwatch()
		t.Logf("replica %d: the first assertion with a new key gets %s after %s", replica, got, took.Round(time.Millisecond))
		if got != granted || took > refreshWait+slack {
			t.Errorf("replica %d: the first assertion with a new key gets %s after %s", replica, got, took)
		}
	}
}

// earlyCooldown is the least time between two early fetches of one source.
const earlyCooldown = 10 * time.Second
