package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

// decided reports whether the error is a decision of a store, or none.
func decided(err error) bool {
	return err == nil || errors.Is(err, state.ErrUsed) || errors.Is(err, state.ErrBeforeStart)
}

// storm calls the store from many callers at once while it is broken, and returns how long the slowest took. Nobody may be
// given an answer.
func storm(t *testing.T, s *valkey.Store, callers, rounds int) time.Duration {
	t.Helper()
	var slowest atomic.Int64
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for round := range rounds {
				net := stalls.Stopwatch()
				if err := s.Consume(t.Context(), fresh(1_000_000+caller*rounds+round), time.Now()); decided(err) {
					t.Errorf("a broken server answers: %v", err)
				}
				took := int64(net())
				for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
				}
			}
		})
	}
	all.Wait()
	return time.Duration(slowest.Load())
}

// F12, H-23: while the server is down or hangs, nobody gets an answer, everybody gets an error within a second, and nothing
// piles up. Two seconds after the server is back it decides again.
func TestServerDown(t *testing.T) {
	for name, tc := range map[string]struct {
		breakIt, mend func(*harness.Valkey) error
	}{
		"kill -9": {func(v *harness.Valkey) error { v.Stop(); return nil }, (*harness.Valkey).Start},
		"hangs":   {(*harness.Valkey).Pause, (*harness.Valkey).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			v := begun(t)
			s := open(t, config(v.Address))
			usable(t, s)
			before := runtime.NumGoroutine()
			if err := tc.breakIt(v); err != nil {
				t.Fatal(err)
			}
			if slowest := storm(t, s, 2000, 3); slowest > time.Second+slack {
				t.Errorf("the slowest of 6,000 waited %s", slowest)
			}
			eventually(t, patience, func() error {
				if now := runtime.NumGoroutine(); now > before+30 {
					return errors.New("goroutines are left")
				}
				return nil
			})
			if err := tc.mend(v); err != nil {
				t.Fatal(err)
			}
			eventually(t, patience, func() error {
				if err := s.Consume(t.Context(), fresh(1), time.Now()); !decided(err) {
					return err
				}
				return nil
			})
			usable(t, s)
		})
	}
}

// F13: a slow server is waited for, but not longer than a second, and each gets the answer to its own question.
func TestServerSlow(t *testing.T) {
	v := begun(t)
	proxy, err := harness.StartProxy(t.Context(), v.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s := open(t, config(proxy.Address))
	usable(t, s)
	proxy.Delay(100 * time.Millisecond)
	direct := open(t, config(v.Address))
	for n := 0; n < 20; n += 2 {
		if err := direct.Consume(t.Context(), fresh(n), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	everyOtherIsUsed(t, s)
	proxy.Delay(2 * time.Second)
	if slowest := storm(t, s, 100, 2); slowest > time.Second+slack {
		t.Errorf("the slowest waited %s", slowest)
	}
	proxy.Heal()
	usable(t, s)
	// What was on its way when it was slow may still be late.
	for n := range 20 {
		eventually(t, 2*time.Second+slack, func() error {
			switch err := s.Consume(t.Context(), fresh(n), time.Now()); {
			case errors.Is(err, state.ErrUsed):
				return nil
			case err == nil:
				return harness.Permanent(fmt.Errorf("assertion %d is used again", n))
			default:
				return fmt.Errorf("assertion %d afterwards: %w", n, err)
			}
		})
	}
}

// everyOtherIsUsed uses assertions, those with even numbers for the second time.
func everyOtherIsUsed(t *testing.T, s *valkey.Store) {
	t.Helper()
	var all sync.WaitGroup
	var answered atomic.Int32
	for n := range 20 {
		all.Go(func() {
			err := s.Consume(t.Context(), fresh(n), time.Now())
			used := errors.Is(err, state.ErrUsed)
			if err == nil || used {
				answered.Add(1)
			} else {
				t.Logf("assertion %d: %v", n, err)
			}
			if used && n%2 == 1 || err == nil && n%2 == 0 {
				t.Errorf("assertion %d gets the answer of another: %v", n, err)
			}
		})
	}
	all.Wait()
	if n := answered.Load(); n < 20 && slack == 0 || n < 10 {
		t.Errorf("only %d of 20 are answered", n)
	}
}

// A caller who leaves breaks nothing for others.
func TestCallerLeaves(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	usable(t, s)
	if err := v.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer leave()
	took := stalls.Stopwatch()
	if err := s.Consume(ctx, fresh(1), time.Now()); decided(err) || took() > 500*time.Millisecond {
		t.Errorf("who leaves gets %v after %s", err, took())
	}
	if err := v.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := s.Consume(t.Context(), fresh(2), time.Now()); err != nil {
		t.Errorf("the next gets %v", err)
	}
}

// F15: a server whose memory is full decides nothing new, and forgets nothing.
func TestServerFull(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	usable(t, s)
	if err := s.Consume(t.Context(), fresh(1), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := command(v, "CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Consume(t.Context(), fresh(2), time.Now()); decided(err) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("a use on a full server: %v", err)
	}
	if err := s.Revoke(t.Context(), state.Revocation{ID: id(3), Until: time.Now().Add(time.Hour)}, time.Now()); err == nil {
		t.Error("a full server revokes")
	}
	if err := s.Consume(t.Context(), fresh(1), time.Now()); !errors.Is(err, state.ErrUsed) {
		t.Errorf("what was used before: %v, want %v", err, state.ErrUsed)
	}
	if err := command(v, "CONFIG", "SET", "maxmemory", "0"); err != nil {
		t.Fatal(err)
	}
	if err := s.Consume(t.Context(), fresh(2), time.Now()); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// F15: a server that may evict entries is refused at the start.
func TestServerEvicts(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-lfu"} {
		t.Run(policy, func(t *testing.T) {
			v := server(t, "--maxmemory", "100mb", "--maxmemory-policy", policy)
			_, err := valkey.Open(t.Context(), config(v.Address))
			if err == nil || !strings.Contains(err.Error(), "set maxmemory-policy noeviction") {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, args := range map[string][]string{
		"noeviction": {"--maxmemory", "100mb", "--maxmemory-policy", "noeviction"},
		"no limit":   {"--maxmemory-policy", "allkeys-lru"},
	} {
		t.Run(name, func(t *testing.T) { usable(t, open(t, config(server(t, args...).Address))) })
	}
}

// F15: a server that becomes one that evicts is no longer used.
func TestServerBeginsToEvict(t *testing.T) {
	v, lines := begun(t), &logs{}
	c := config(v.Address)
	c.Log = slog.New(slog.NewTextHandler(lines, nil))
	s := open(t, c)
	usable(t, s)
	if err := command(v, "CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() error {
		if err := s.Consume(t.Context(), fresh(int(time.Now().UnixNano())), time.Now()); decided(err) {
			return errors.New("it still decides")
		}
		return nil
	})
	if !lines.contain("set maxmemory-policy noeviction") {
		t.Errorf("the log does not say what to do: %s", &lines.text)
	}
	if err := command(v, "CONFIG", "SET", "maxmemory-policy", "noeviction"); err != nil {
		t.Fatal(err)
	}
	usable(t, s)
}

// F15: a server that evicts and takes the place of one that does not is not used.
func TestServerThatEvictsTakesOver(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	usable(t, s)
	v.Stop()
	other, err := harness.StartValkeyAt(t.Context(), t.TempDir(), v.Address, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Stop)
	eventually(t, patience, func() error {
		if err := s.Consume(t.Context(), fresh(1), time.Now()); err == nil || !strings.Contains(err.Error(), "noeviction") {
			return errors.New("it is not refused yet")
		}
		return nil
	})
}

// A token server may start while the state server is down: it decides when that is there.
func TestServerDownAtStart(t *testing.T) {
	v := begun(t)
	v.Stop()
	s := open(t, config(v.Address))
	if !s.Since().IsZero() {
		t.Errorf("the memory of a server that is down begins at %s", s.Since())
	}
	if err := s.Consume(t.Context(), fresh(1), time.Now()); decided(err) {
		t.Errorf("got %v", err)
	}
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	usable(t, s)
}

// A clock that is too far off is no reason for a wrong yes, nor for the wrong no.
func TestClocksDiffer(t *testing.T) {
	v := server(t)
	c := config(v.Address)
	c.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	ahead, err := valkey.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := ahead.Consume(t.Context(), fresh(1), c.Now()); decided(err) {
		t.Errorf("a clock that is ahead begins the memory: %v", err)
	}
	s := open(t, config(v.Address))
	usable(t, s)
	behind := func(by time.Duration) time.Time { return time.Now().Add(-by) }
	c.Now, c.Metrics = func() time.Time { return behind(61 * time.Second) }, prometheus.NewRegistry()
	if s, err = valkey.Open(t.Context(), c); err != nil { // It has never been right.
		t.Fatal(err)
	}
	use := fresh(2)
	if err := s.Consume(t.Context(), use, behind(61*time.Second)); decided(err) {
		t.Errorf("a clock that is a minute behind is believed: %v", err)
	}
	if _, err := s.Revoked(t.Context(), time.Now(), []state.ID{id(1)}, behind(61*time.Second)); err == nil {
		t.Error("a clock that is a minute behind is believed when it asks what is revoked")
	}
	if err := s.Consume(t.Context(), use, behind(50*time.Second)); err != nil {
		t.Errorf("a clock that is less behind: %v", err)
	}
}

// What stands where an entry should stand is no answer.
func TestGarbage(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	usable(t, s)
	use := fresh(1)
	if err := s.Consume(t.Context(), use, time.Now()); err != nil {
		t.Fatal(err)
	}
	names, err := v.Do("KEYS", "*:use:zSZiFU5tdrKyuS5wwMrDzPU0-bdOtbiYGexQkIPQClA")
	if err != nil || names == "" {
		t.Fatalf("%q, %v", names, err)
	}
	for name, value := range map[string][]string{"text": {"SET", names, "x"}, "other type": {"LPUSH", names, "1"}} {
		if err := errors.Join(command(v, "DEL", names), command(v, value...)); err != nil {
			t.Fatal(err)
		}
		if err := s.Consume(t.Context(), use, time.Now()); decided(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// An outage is logged when it begins and when it ends, not all the time.
func TestOutageIsLoggedOnce(t *testing.T) {
	v, lines := begun(t), &logs{}
	c := config(v.Address)
	c.Log = slog.New(slog.NewTextHandler(lines, nil))
	s := open(t, c)
	for range 2 {
		v.Stop()
		for begin := time.Now(); time.Since(begin) < time.Second; {
			_ = s.Consume(t.Context(), fresh(1), time.Now())
		}
		if err := v.Start(); err != nil {
			t.Fatal(err)
		}
		usable(t, s)
		eventually(t, patience, func() error {
			if lines.count("of use again") != lines.count("of no use") {
				return errors.New("the end of the outage is not logged yet")
			}
			return nil
		})
	}
	if n := lines.count("of no use"); n != 2 {
		t.Errorf("two outages are logged %d times: %s", n, &lines.text)
	}
}
