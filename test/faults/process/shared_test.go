package process

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestF20SideBySide, F27: two processes that share a store, as the old and the new ones do during an upgrade: of an assertion
// that is sent to both at once, one makes a token.
func TestF20SideBySide(t *testing.T) {
	const rounds = 50
	v, err := harness.StartValkey(t.Context(), t.TempDir())
	try(t, err)
	t.Cleanup(v.Stop)
	s := newSite(t)
	shared := func(l *harness.Launch) { l.Args = append(l.Args, "--state", "valkey", "--valkey-address", v.Address) }
	servers := [2]*server{s.start(shared), s.start(shared)}
	within(t, 10*time.Second, "the memory of the store has begun", func() error {
		if got := servers[0].ask(t.Context(), s.fresh()); got != granted {
			return errors.New(got)
		}
		return nil
	})
	for range rounds {
		assertion := s.fresh()
		var outcomes [len(servers)]string
		var asking sync.WaitGroup
		for i, one := range servers {
			asking.Go(func() { outcomes[i] = one.ask(t.Context(), assertion) })
		}
		asking.Wait()
		slices.Sort(outcomes[:])
		if outcomes != [...]string{granted, "400 invalid_grant"} {
			t.Fatalf("the answers are %q", outcomes)
		}
	}
}
