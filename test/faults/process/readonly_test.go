package process

import (
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestF36ReadOnly: nothing can be written anywhere, and there is no folder for temporary files. Both tests of this name
// start the roles as their Deployments do: this one without a cluster.
func TestF36ReadOnly(t *testing.T) {
	s := newSite(t).start(func(l *harness.Launch) { l.ReadOnly = true })
	if got := s.ask(t.Context(), s.fresh()); got != granted {
		t.Errorf("the answer is %s", got)
	}
	s.alive()
}
