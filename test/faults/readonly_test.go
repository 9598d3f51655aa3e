package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestF36ReadOnlyRoles: a token server and an operator that can write nowhere, and have no folder for temporary files, do all
// their work.
func TestF36ReadOnlyRoles(t *testing.T) {
	tn := newTenant(t)
	l, endpoint, err := world.AnotherTokenServer(t.Context(), "tokenserver-read-only", "--drain", "0s")
	try(t, err)
	l.ReadOnly = true
	p, err := l.Start(t.Context())
	try(t, err)
	defer p.Stop()
	try(t, p.WaitReady(t.Context()))
	if a, err := exchange(t.Context(), endpoint, tn.clientID(), clientSecret, tn.assertion()); err != nil || a.outcome() != granted {
		t.Errorf("the answer is %s, %v", a.outcome(), err)
	}
	l, err = world.AnotherOperator(t.Context(), "operator-read-only")
	try(t, err)
	l.ReadOnly = true
	before, _, err := leader(t.Context())
	try(t, err)
	world.Operator.Stop()
	o, err := l.Start(t.Context())
	try(t, err)
	defer func() {
		o.Stop()
		try(t, world.StartOperator(t.Context()))
		world.keepOperator(t)
	}()
	try(t, harness.Poll(t.Context(), time.Minute, func() error {
		if holder, _, err := leader(t.Context()); err != nil || holder == "" || holder == before {
			return fmt.Errorf("%q leads: %w", holder, orElse(err))
		}
		return nil
	}))
	newTenant(t) // Ready by the work of that operator alone
}
