package throttle

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	here   = netip.MustParseAddr("198.51.100.1")
	usual  = Limit{Burst: 20, Interval: 2 * time.Second}
	nobody = netip.Addr{}
)

func exhausted(t testing.TB) *Throttle {
	t.Helper()
	th := New(usual, noon)
	for i := range usual.Burst {
		if wait := th.Wait("c1", here, nobody, noon); wait != 0 {
			t.Fatalf("waits %s after %d failures", wait, i)
		}
		th.Count("c1", here, nobody, noon)
	}
	return th
}

// B-17: a burst, and then one per interval, however often it fails.
func TestBurstThenInterval(t *testing.T) {
	th := exhausted(t)
	if wait := th.Wait("c1", here, nobody, noon); wait != usual.Interval {
		t.Errorf("waits %s, want %s", wait, usual.Interval)
	}
	allowed := 0
	for now := noon; now.Before(noon.Add(100 * time.Second)); now = now.Add(100 * time.Millisecond) {
		if th.Wait("c1", here, nobody, now) == 0 {
			allowed++
			th.Count("c1", here, nobody, now)
		}
	}
	if allowed != 49 {
		t.Errorf("%d failures in 100 s after the burst, want one every 2 s", allowed)
	}
	later := noon.Add(time.Hour)
	for i := range usual.Burst {
		if wait := th.Wait("c1", here, nobody, later); wait != 0 {
			t.Fatalf("waits %s after %d failures an hour later", wait, i)
		}
		th.Count("c1", here, nobody, later)
	}
	if th.Wait("c1", here, nobody, later) == 0 {
		t.Error("an hour makes more than a burst")
	}
}

// Who counts although he should wait waits no longer for it.
func TestCountsAboveTheLimitAddNothing(t *testing.T) {
	th := exhausted(t)
	for range 1000 {
		th.Count("c1", here, nobody, noon)
	}
	if wait := th.Wait("c1", here, nobody, noon); wait != usual.Interval {
		t.Errorf("waits %s, want %s", wait, usual.Interval)
	}
}

// A stranger locks nobody out: another address and another client are not bounded.
func TestPairsAreApart(t *testing.T) {
	th := exhausted(t)
	for name, tc := range map[string]struct {
		client, from string
		waits        bool
	}{
		"the same":          {"c1", "198.51.100.1", true},
		"mapped":            {"c1", "::ffff:198.51.100.1", true},
		"another address":   {"c1", "198.51.100.2", false},
		"another client":    {"c2", "198.51.100.1", false},
		"a client in parts": {"", "198.51.100.1", false},
		"longer":            {"c11", "198.51.100.1", false},
		"IPv6":              {"c1", "2001:db8::1", false},
	} {
		if wait := th.Wait(tc.client, netip.MustParseAddr(tc.from), nobody, noon); (wait > 0) != tc.waits {
			t.Errorf("%s waits %s", name, wait)
		}
	}
	if th.Wait("c1", nobody, nobody, noon) != 0 {
		t.Error("who has no address waits")
	}
}

// A network of IPv6 is one caller.
func TestNetworks(t *testing.T) {
	th := New(usual, noon)
	for i := range usual.Burst {
		th.Count("c1", netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i)), nobody, noon)
	}
	for from, waits := range map[string]bool{
		"2001:db8:0:1:ffff::1": true, "2001:db8:0:1::%eth0": true, "2001:db8:0:2::": false, "2001:db8::1": false,
	} {
		if wait := th.Wait("c1", netip.MustParseAddr(from), nobody, noon); (wait > 0) != waits {
			t.Errorf("%s waits %s", from, wait)
		}
	}
}

// B-17: made-up ids take no memory, bound nobody, and do not free whom they should not.
func TestMillionsOfIDs(t *testing.T) {
	th := exhausted(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	id := make([]byte, 0, 16)
	for i := range 1_000_000 {
		id = fmt.Appendf(id[:0], "x%d", i)
		if th.Wait(string(id), here, nobody, noon) != 0 {
			t.Fatalf("%s waits before it has failed", id)
		}
		th.Count(string(id), here, nobody, noon)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes more", grown)
	}
	if th.Wait("c1", here, nobody, noon) == 0 {
		t.Error("who is bounded is forgotten for ids that failed once")
	}
	if n := testing.AllocsPerRun(100, func() { th.Wait("c1", here, nobody, noon); th.Count("c2", here, nobody, noon) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClockIsSetBack(t *testing.T) {
	th := exhausted(t)
	if wait := th.Wait("c1", here, nobody, noon.Add(-time.Hour)); wait != 0 {
		t.Errorf("waits %s when the clock is set back", wait)
	}
}

func TestNoLimit(t *testing.T) {
	th := New(Limit{Burst: 0, Interval: time.Second}, noon)
	for range 1000 {
		th.Count("c1", here, nobody, noon)
	}
	if wait := th.Wait("c1", here, nobody, noon); wait != 0 {
		t.Errorf("waits %s without a limit", wait)
	}
}

func TestValidate(t *testing.T) {
	for l, ok := range map[Limit]bool{
		usual: true, {0, time.Second}: true, {10_000, time.Hour}: true, {1, 1}: true,
		{-1, time.Second}: false, {10_001, time.Second}: false, {20, 0}: false, {20, -1}: false, {20, time.Hour + 1}: false,
	} {
		if err := l.Validate(); (err == nil) != ok {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

func TestConcurrency(t *testing.T) {
	th := New(usual, noon)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 1000 {
				th.Wait("c1", here, nobody, noon)
				th.Count(fmt.Sprint(i, j), here, nobody, noon)
				th.Count("c1", here, nobody, noon)
			}
		})
	}
	all.Wait()
	if th.Wait("c1", here, nobody, noon) == 0 {
		t.Error("failures were lost")
	}
}
