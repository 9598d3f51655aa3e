package oauth

import (
	"strings"
	"testing"
)

// W-83: no two grants have one name or one value, and a name is fit for a flag.
func TestGrants(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range Grants() {
		for _, s := range []string{g.Type, g.Name} {
			if s == "" || seen[s] {
				t.Errorf("%q is empty or there twice", s)
			}
			seen[s] = true
		}
		if strings.Trim(g.Name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("the name %q is not of small letters and hyphens", g.Name)
		}
	}
}
