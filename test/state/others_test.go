package state

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/state"
)

// H-21: no number of others makes the server forget an assertion that lives.
func TestManyOthers(t *testing.T) {
	const workers = 200
	v := begun(t)
	s := open(t, config(v.Address))
	first := fresh(-1)
	if err := s.Consume(t.Context(), first, time.Now()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := worker; n < others; n += workers {
				if err := s.Consume(t.Context(), fresh(n), time.Now()); err != nil {
					t.Errorf("assertion %d: %v", n, err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := s.Consume(t.Context(), first, time.Now()); !errors.Is(err, state.ErrUsed) {
		t.Errorf("after %d others: %v, want %v", others, err, state.ErrUsed)
	}
}
