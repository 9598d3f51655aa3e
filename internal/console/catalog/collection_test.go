package catalog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/internal/release"
)

func names(c *collection) (all []string) {
	c.each(func(r *Row) { all = append(all, r.Namespace+"/"+r.Name) })
	return all
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSink(t *testing.T) {
	rows := &collection{}
	of := part{Providers, "team-a"}
	s := &sink{of, rows, newContact([]part{of}, func() time.Time { return now })}
	rows.put(NewProviderRow(readyProvider("team-b", "stays", 1)))
	mustDo(t, s.Replace([]any{readyProvider("team-a", "b", 1), readyProvider("team-a", "a", 1)}, "7"))
	mustDo(t, s.Add(readyProvider("team-a", "aa", 1)))
	changed := readyProvider("team-a", "b", 1)
	changed.Spec.Issuer = "https://other.example"
	mustDo(t, s.Update(changed))
	mustDo(t, s.Delete(readyProvider("team-a", "a", 1)))
	mustDo(t, s.Delete(readyProvider("team-a", "never-was", 1)))
	if diff := cmp.Diff([]string{"team-a/aa", "team-a/b", "team-b/stays"}, names(rows)); diff != "" {
		t.Error(diff)
	}
	if got := rows.rows[1].Identifier; got != "https://other.example" {
		t.Errorf("the change is not taken over: %s", got)
	}
	// A new list replaces what is of its namespace.
	mustDo(t, s.Replace([]any{readyProvider("team-a", "new", 1)}, "9"))
	if diff := cmp.Diff([]string{"team-a/new", "team-b/stays"}, names(rows)); diff != "" {
		t.Error(diff)
	}
	if err := s.Add(&corev1.Secret{}); err == nil {
		t.Error("a Secret is taken for a provider")
	}
}

// TestTroubles: what is missing or old is known.
func TestTroubles(t *testing.T) {
	parts := []part{{Providers, ""}, {Clients, "team-a"}}
	clock := now
	c := newContact(parts, func() time.Time { return clock })
	if err := c.ready(); err == nil || !strings.Contains(err.Error(), "identity providers") {
		t.Errorf("ready before anything is loaded: %v", err)
	}
	c.loaded(parts[0])
	c.failed(parts[1], errors.New("refused"))
	if got := c.troubles(); len(got) != 1 || got[0].Part != "clients of team-a" || got[0].Loaded || got[0].Err == nil {
		t.Errorf("%+v", got)
	}
	c.loaded(parts[1])
	if got := c.troubles(); len(got) != 0 || c.ready() != nil {
		t.Errorf("%+v", got)
	}
	clock = now.Add(time.Minute)
	c.failed(parts[0], errors.New("gone"))
	if got := c.troubles(); len(got) != 1 || !got[0].Loaded || !got[0].Since.Equal(now) {
		t.Errorf("%+v", got)
	}
	if c.ready() != nil {
		t.Error("an API server that is away for a while must not end the console")
	}
	c.heard(parts[0])
	if got := c.troubles(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestReadIsBounded: what is no name, and what is not shown, is not asked for.
func TestReadIsBounded(t *testing.T) {
	c, err := New(Options{Config: &rest.Config{Host: "http://127.0.0.1:1"}, Namespaces: release.Namespaces{"team-a"}, Clock: time.Now})
	mustDo(t, err)
	for _, name := range [][2]string{{"team-b", "app"}, {"team-a", ""}, {"", "app"}, {"team-a", ".."}, {"team-a", "a/b"}, {"team-a", "a%2fb"}, {"..", "app"}} {
		if _, err := c.Provider(t.Context(), name[0], name[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", name, err)
		}
	}
	if _, err := c.Client(t.Context(), "team-a", "app"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("an API server that does not answer: %v", err)
	}
}
