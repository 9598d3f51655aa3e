package state

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

// The state server drops entries by its own clock. One that jumps ahead drops what is not over, and when it is set back,
// nobody knows of it: what was made before is refused then, as after a loss of memory. To this test's server, the clock of the
// token server jumps back instead, which is the same.
func TestServerClockJumps(t *testing.T) {
	v, lines := begun(t), &logs{}
	var behind atomic.Int64
	c := config(v.Address)
	c.Now = func() time.Time { return time.Now().Add(-time.Duration(behind.Load())) }
	c.Log = slog.New(slog.NewTextHandler(lines, nil))
	s, other := open(t, c), open(t, config(v.Address))
	h := tell(t, s)
	behind.Store(int64(2 * time.Minute))
	eventually(t, patience, func() error {
		if err := s.Consume(t.Context(), fresh(1), c.Now()); decided(err) {
			t.Fatalf("while the clocks differ: %v", err)
		}
		if !lines.contain("of no use") { // It is noticed of all partitions, not of those alone that somebody has asked for.
			return errors.New("that the clocks differ is not noticed")
		}
		return nil
	})
	// What the server drops while its clock is ahead.
	if _, err := v.Do("EVAL", "for _, kind in ipairs({'use', 'family'}) do for _, name in ipairs(redis.call('KEYS', '*:' .. kind .. ':*')) do redis.call('DEL', name) end end", "0"); err != nil {
		t.Fatal(err)
	}
	behind.Store(0)
	eventually(t, patience, func() error { return h.repeat(t, s) })
	eventually(t, patience, func() error { return h.repeat(t, other) })
	usable(t, other)
}

// A token server whose clock has never agreed with that of the state server is wrong itself: it gets no decision, and
// makes nobody forget, nor when it is set right.
func TestClockThatWasNeverRight(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	used, unused := fresh(1), fresh(2)
	if err := s.Consume(t.Context(), used, time.Now()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(-2 * time.Minute)
	c := config(v.Address)
	c.Now = func() time.Time { return now }
	behind, err := valkey.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := behind.Consume(t.Context(), used, now); decided(err) {
			t.Fatalf("a clock that is behind: %v", err)
		}
	}
	if err := behind.Consume(t.Context(), used, time.Now()); !errors.Is(err, state.ErrUsed) {
		t.Errorf("what is used gets %v", err)
	}
	if err := behind.Consume(t.Context(), unused, time.Now()); err != nil {
		t.Errorf("what is not gets %v", err)
	}
}

// After a loss, a token server whose clock is behind must not say that the memory began before the loss.
func TestMemoryBeginsByTheLaterClock(t *testing.T) {
	for name, offset := range map[string]time.Duration{"behind by 10 s": -10 * time.Second, "behind by 50 s": -50 * time.Second} {
		t.Run(name, func(t *testing.T) {
			v := begun(t)
			used := fresh(1)
			s := open(t, config(v.Address))
			if err := s.Consume(t.Context(), used, time.Now()); err != nil {
				t.Fatal(err)
			}
			c := config(v.Address)
			c.Now = func() time.Time { return time.Now().Add(offset) }
			behind := open(t, c)
			if err := command(v, "FLUSHALL"); err != nil {
				t.Fatal(err)
			}
			eventually(t, patience, func() error {
				_, err := behind.Revoked(t.Context(), time.Now(), []state.ID{id(1)}, c.Now())
				return err
			})
			if err := s.Consume(t.Context(), used, time.Now()); !errors.Is(err, state.ErrBeforeStart) {
				t.Errorf("what was used before gets %v", err)
			}
		})
	}
}
