package release

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestLeaseName(t *testing.T) {
	seen := map[string]string{}
	for identity, want := range map[string]string{
		"grantor-tokenserver-7d9f-x2x1b": "grantor-tokenserver-grantor-tokenserver-7d9f-x2x1b",
		"host.example":                   "grantor-tokenserver-host.example",
		"0":                              "grantor-tokenserver-0",
		"":                               "",
		"-":                              "",
		"Host":                           "",
		"host":                           "grantor-tokenserver-host",
		"a_b":                            "",
		"a b":                            "",
		"ä":                              "",
		"a/b":                            "",
		"a..b":                           "",
		"a.":                             "",
		strings.Repeat("a", 233):         "grantor-tokenserver-" + strings.Repeat("a", 233),
		strings.Repeat("a", 234):         "",
		strings.Repeat("a", 235):         "",
		strings.Repeat("-", 5000):        "",
		strings.Repeat("ÄÖ", 5000):       "",
	} {
		got := LeaseName(identity)
		if want != "" && got != want {
			t.Errorf("%.40q: %s", identity, got)
		}
		if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 {
			t.Errorf("%.40q: %s: %v", identity, got, problems)
		}
		if !strings.HasPrefix(got, LeaseNamePrefix) || got != LeaseName(identity) {
			t.Errorf("%.40q: %s", identity, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%.40q and %.40q share %s", identity, other, got)
		}
		seen[got] = identity
	}
}

func TestLeaseLabelsAreTheCallersOwn(t *testing.T) {
	LeaseLabels()["x"] = "y"
	if len(LeaseLabels()) != 2 {
		t.Error("shared")
	}
}
