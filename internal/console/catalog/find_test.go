package catalog

import (
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// TestNamed: nobody is taken for a client by claiming its name or its id.
func TestNamed(t *testing.T) {
	row := func(namespace, id, reason string, age time.Duration) *Row {
		return &Row{Namespace: namespace, Name: "app", Identifier: id, Reason: reason, Created: now.Add(-age)}
	}
	const lost = v1alpha1.ReasonDuplicateClientID
	for name, tc := range map[string]struct {
		rows []*Row
		text string
		want string
	}{
		"by name":                                {[]*Row{row("team-a", "", "", 0)}, "team-a/app", "team-a"},
		"by id":                                  {[]*Row{row("team-a", "x", "", 0)}, "x", "team-a"},
		"by neither":                             {[]*Row{row("team-a", "x", "", 0)}, "y", ""},
		"an id that is another's name":           {[]*Row{row("evil", "team-a/app", "", 0), row("team-a", "x", "", 0)}, "team-a/app", "team-a"},
		"the same, whose own id is lost":         {[]*Row{row("team-a", "x", lost, 0), row("z-evil", "team-a/app", "", 0)}, "team-a/app", "team-a"},
		"an id that another one has":             {[]*Row{row("evil", "x", lost, 0), row("team-a", "x", "Ready", time.Hour)}, "x", "team-a"},
		"the same, in the other order":           {[]*Row{row("team-a", "x", "Ready", time.Hour), row("z-evil", "x", lost, 0)}, "x", "team-a"},
		"an id that the operator has not judged": {[]*Row{row("evil", "x", "NotObserved", 0), row("team-a", "x", "Ready", time.Hour)}, "x", "team-a"},
		"claimed at the same time":               {[]*Row{row("team-a", "x", "", 0), row("team-b", "x", "", 0)}, "x", "team-a"},
		"the oldest has lost it by decree":       {[]*Row{row("team-a", "x", lost, time.Hour), row("team-b", "x", "Ready", 0)}, "x", "team-b"},
	} {
		c := filled(0)
		for _, r := range tc.rows {
			c.kinds[Clients].put(r)
		}
		got := ""
		if r := c.Named(tc.text); r != nil {
			got = r.Namespace
		}
		if got != tc.want {
			t.Errorf("%s: the client of %q, want %q", name, got, tc.want)
		}
	}
}
