package release

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWatchedNamespaces(t *testing.T) {
	many := make([]string, MaxWatchedNamespaces)
	for i := range many {
		many[i] = fmt.Sprintf("team-%d", i)
	}
	for name, tc := range map[string]struct {
		named   []string
		want    Namespaces
		problem string
	}{
		"none is all":       {nil, nil, ""},
		"a list of none":    {[]string{}, nil, "names no namespace: leave it out"},
		"with its own":      {[]string{"team-b", "team-a"}, Namespaces{"grantor", "team-a", "team-b"}, ""},
		"its own":           {[]string{"grantor"}, Namespaces{"grantor"}, ""},
		"twice":             {[]string{"team-a", "team-a"}, Namespaces{"grantor", "team-a"}, ""},
		"no name":           {[]string{"team-a", ""}, nil, `"" is not the name of a namespace`},
		"all, as some say":  {[]string{"*"}, nil, `"*" is not the name of a namespace`},
		"path":              {[]string{"a/b"}, nil, "not the name"},
		"long":              {[]string{strings.Repeat("a", 64)}, nil, "not the name"},
		"too many":          {many, nil, "65 namespaces are more than 64"},
		"as many as can be": {append([]string{"grantor"}, many[1:]...), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := WatchedNamespaces(tc.named, "grantor")
			if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Fatalf("error %v", err)
			}
			if name == "as many as can be" {
				if len(got) != MaxWatchedNamespaces {
					t.Errorf("%d namespaces", len(got))
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	some := Namespaces{"grantor", "team-a"}
	for namespace, want := range map[string]bool{"grantor": true, "team-a": true, "team": false, "team-b": false, "": false} {
		if some.Has(namespace) != want || !Namespaces(nil).Has(namespace) {
			t.Errorf("%q: %v", namespace, !want)
		}
	}
	if diff := cmp.Diff([]string{"grantor", "team-a"}, some.OrAll()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{""}, Namespaces(nil).OrAll()); diff != "" {
		t.Error(diff)
	}
}
