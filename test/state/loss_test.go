package state

import (
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
)

func command(v *harness.Valkey, args ...string) error {
	_, err := v.Do(args...)
	return err
}

// history is what a server is told before it loses its memory.
type history struct {
	assertion state.Use
	token     state.Step
	issued    time.Time
	revoked   state.ID
}

func tell(t *testing.T, s store) history {
	t.Helper()
	now := time.Now()
	h := history{assertion: fresh(1), token: state.Step{Family: id(2), Issued: now, Until: now.Add(time.Hour)}, issued: now, revoked: id(3)}
	for what, err := range map[string]error{
		"use":        s.Consume(t.Context(), h.assertion, now),
		"step":       s.Advance(t.Context(), h.token, now),
		"revocation": s.Revoke(t.Context(), state.Revocation{ID: h.revoked, Until: now.Add(time.Hour)}, now),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	return h
}

// repeat fails the test when any of what has happened may happen again, and returns an error when a store could not decide.
func (h history) repeat(t *testing.T, s store) error {
	t.Helper()
	now := time.Now()
	consumed, advanced := s.Consume(t.Context(), h.assertion, now), s.Advance(t.Context(), h.token, now)
	was, failed := s.Revoked(t.Context(), h.issued, []state.ID{h.revoked}, now)
	if consumed == nil || advanced == nil || failed == nil && !was {
		t.Fatalf("used again: %v; advanced again: %v; still revoked: %v, %v", consumed, advanced, was, failed)
	}
	if !errors.Is(consumed, state.ErrBeforeStart) || !errors.Is(advanced, state.ErrBeforeStart) {
		return errors.Join(consumed, advanced)
	}
	return failed
}

// F14: a server that has lost its memory opens no window: what may have been used before is refused, through every token
// server, and what is made later is good again soon.
func TestServerForgets(t *testing.T) {
	for name, lose := range map[string]func(v *harness.Valkey) error{
		"FLUSHALL":                    func(v *harness.Valkey) error { return command(v, "FLUSHALL") },
		"FLUSHDB":                     func(v *harness.Valkey) error { return command(v, "FLUSHDB") },
		"kill -9 without persistence": restart,
	} {
		t.Run(name, func(t *testing.T) {
			v := begun(t)
			one, other := open(t, config(v.Address)), open(t, config(v.Address))
			h := tell(t, one)
			if err := lose(v); err != nil {
				t.Fatal(err)
			}
			for _, s := range []store{one, other, one} {
				eventually(t, patience, func() error { return h.repeat(t, s) })
			}
			usable(t, other)
			if err := h.repeat(t, one); err != nil {
				t.Errorf("when new ones are good again, old ones are refused with %v", err)
			}
		})
	}
}

func restart(v *harness.Valkey) error {
	v.Stop()
	return v.Start()
}

// After data loss all partitions begin at once, not when somebody comes by.
func TestPartitionsBeginTogether(t *testing.T) {
	v := begun(t)
	s := open(t, config(v.Address))
	past(t, s.Since())
	if err := command(v, "FLUSHALL"); err != nil {
		t.Fatal(err)
	}
	_ = s.Consume(t.Context(), fresh(1), time.Now())
	eventually(t, patience, func() error {
		markers, err := v.Do("EVAL", "return #redis.call('KEYS', '*:since')", "0")
		if err == nil && markers != "64" {
			err = errors.New("there are " + markers + " markers")
		}
		return err
	})
}

// F14: a server that is back with an older state has lost only the last uses, but nobody knows which: nothing from before
// is accepted, as if all were lost. A server that has lost nothing refuses nothing.
func TestServerGoesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		// prepare makes what goBack returns to.
		prepare, goBack func(t *testing.T, v, replica *harness.Valkey, proxy *harness.Proxy) error
	}{
		"snapshot": {
			func(t *testing.T, v, _ *harness.Valkey, _ *harness.Proxy) error {
				t.Helper()
				// It may still be saving for its replica.
				return harness.Poll(t.Context(), patience, func() error { return command(v, "SAVE") })
			},
			func(_ *testing.T, v, _ *harness.Valkey, _ *harness.Proxy) error { return restart(v) },
		},
		"replica that was behind": {
			func(_ *testing.T, _, replica *harness.Valkey, _ *harness.Proxy) error {
				return command(replica, "REPLICAOF", "NO", "ONE")
			},
			func(_ *testing.T, v, replica *harness.Valkey, proxy *harness.Proxy) error {
				proxy.Retarget(replica.Address)
				v.Stop()
				return nil
			},
		},
	} {
		for lost, want := range map[bool]error{true: state.ErrBeforeStart, false: nil} {
			t.Run(map[bool]string{true: name + " with a loss", false: name + " without a loss"}[lost], func(t *testing.T) {
				v, replica, proxy := replicated(t)
				s := open(t, config(proxy.Address))
				one, other := fresh(1), fresh(2) // in one partition
				err := tc.prepare(t, v, replica, proxy)
				if lost {
					err = errors.Join(err, s.Consume(t.Context(), one, time.Now()))
				}
				if err := errors.Join(err, tc.goBack(t, v, replica, proxy)); err != nil {
					t.Fatal(err)
				}
				reachable(t, s)
				for _, use := range []state.Use{one, other} {
					if err := s.Consume(t.Context(), use, time.Now()); !errors.Is(err, want) {
						t.Errorf("an assertion from before: %v, want %v", err, want)
					}
				}
			})
		}
	}
}

// replicated starts a server, a replica of it, and a proxy that leads to the server.
func replicated(t *testing.T) (v, replica *harness.Valkey, proxy *harness.Proxy) {
	t.Helper()
	v = begun(t)
	replica, err := harness.StartValkeyReplica(t.Context(), t.TempDir(), v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Stop)
	if proxy, err = harness.StartProxy(t.Context(), v.Address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return v, replica, proxy
}

// reachable waits until the store decides anything.
func reachable(t *testing.T, s store) {
	t.Helper()
	eventually(t, patience, func() error {
		_, err := s.Revoked(t.Context(), time.Now(), []state.ID{id(1_000_000)}, time.Now())
		return err
	})
}

// H-20: a server that keeps an append-only file remembers after kill -9.
func TestServerRemembersAfterKill(t *testing.T) {
	v := begun(t, "--appendonly", "yes", "--appendfsync", "always")
	s := open(t, config(v.Address))
	assertion := fresh(1)
	if err := errors.Join(s.Consume(t.Context(), assertion, time.Now()), restart(v)); err != nil {
		t.Fatal(err)
	}
	usable(t, s)
	if err := s.Consume(t.Context(), assertion, time.Now()); !errors.Is(err, state.ErrUsed) {
		t.Errorf("after kill -9: %v, want %v", err, state.ErrUsed)
	}
}

// Another token server, started later, finds the memory that there is: nothing is refused for its start.
func TestNewcomerFindsMemory(t *testing.T) {
	v := server(t)
	first := open(t, config(v.Address))
	past(t, first.Since())
	assertion := fresh(1)
	past(t, time.Now().Add(1100*time.Millisecond))
	second := open(t, config(v.Address))
	if !second.Since().Equal(first.Since()) {
		t.Errorf("the memory begins %s for one and %s for another", first.Since(), second.Since())
	}
	if err := second.Consume(t.Context(), assertion, time.Now()); err != nil {
		t.Errorf("an assertion made before the start of the second: %v", err)
	}
}
