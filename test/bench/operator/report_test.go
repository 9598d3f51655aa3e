package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// good is a report that meets every target.
func good() report {
	f := figures{
		size: size{100, 1000}, resolve: time.Second, serverStart: time.Second, operatorStart: time.Second,
		policy: durations{time.Millisecond}, identity: durations{time.Millisecond},
		policyCost:   cost{durations{time.Millisecond}, durations{time.Millisecond}},
		identityCost: cost{durations{time.Millisecond}, durations{time.Millisecond}},
	}
	large := f
	large.size = size{1000, 10_000}
	return report{sizes: []figures{f, large}}
}

func TestChecks(t *testing.T) {
	slow := durations{2 * time.Millisecond}
	for name, tc := range map[string]struct {
		change func(f *figures)
		missed string
		// smoke says that a smoke run misses it too.
		smoke bool
	}{
		"nothing":              {func(*figures) {}, "", false},
		"slow resolution":      {func(f *figures) { f.resolve = resolveTarget + 1 }, "Every object Ready", false},
		"slow server":          {func(f *figures) { f.serverStart = serverStartTarget + 1 }, "Token server restarts", false},
		"large server":         {func(f *figures) { f.serverFresh.now = serverMemoryTarget + 1 }, "Token server, memory", true},
		"large start":          {func(f *figures) { f.serverFresh.peak = serverMemoryTarget + 1 }, "Token server, peak memory of its start", true},
		"large while resolved": {func(f *figures) { f.serverAfter.peak = serverMemoryTarget + 1 }, "Token server, peak memory while", true},
		"server writes": {func(f *figures) {
			f.serverRequests = requests{{"APPLY", "grantor.dev", "oauthclients", "status"}: 1}
		}, "Token servers restart: writes", true},
		"slow operator": {func(f *figures) { f.operatorStart = operatorStartTarget + 1 }, "Operator restarts with nothing changed, until", false},
		"operator writes": {func(f *figures) {
			f.operatorRequests = requests{{"POST", "events.k8s.io", "events", ""}: 1}
		}, "Operator restarts with nothing changed: writes", true},
		"policy late":       {func(f *figures) { f.policy = durations{time.Millisecond, time.Millisecond, 2 * time.Second} }, "Policy change in effect on", false},
		"identity late":     {func(f *figures) { f.identity = durations{time.Millisecond, time.Millisecond, 2 * time.Second} }, "Identity change in effect on", false},
		"operator policy":   {func(f *figures) { f.policyCost.operator = slow }, "Operator, CPU per policy", false},
		"operator identity": {func(f *figures) { f.identityCost.operator = slow }, "Operator, CPU per identity", false},
		"server policy":     {func(f *figures) { f.policyCost.server = slow }, "Token server, CPU per policy", false},
		"server identity":   {func(f *figures) { f.identityCost.server = slow }, "Token server, CPU per identity", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			tc.change(&r.sizes[1])
			missed := r.missed(false)
			if tc.missed == "" {
				if len(missed) != 0 {
					t.Errorf("missed %v", missed)
				}
				return
			}
			if len(missed) != 1 || !strings.HasPrefix(missed[0].name, tc.missed) {
				t.Errorf("missed %+v, want %s", missed, tc.missed)
			}
			if smoke := len(r.missed(true)) > 0; smoke != tc.smoke {
				t.Errorf("a smoke run misses it: %t", smoke)
			}
			if !strings.Contains(targetTable(r.checks()), "**missed**") {
				t.Error("the table does not say so")
			}
		})
	}
}

func TestUpdatePage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	page := "before\n<!-- bench-operator:one -->\nold\n<!-- /bench-operator:one -->\nbetween\n<!-- bench-operator:two -->\n<!-- /bench-operator:two -->\nafter\n"
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := updatePage(file, []table{{"two", "second\n"}, {"one", "first\n"}}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n<!-- bench-operator:one -->\nfirst\n<!-- /bench-operator:one -->\nbetween\n<!-- bench-operator:two -->\nsecond\n<!-- /bench-operator:two -->\nafter\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if err := updatePage(file, []table{{"three", ""}}); err == nil {
		t.Error("a table without a place was accepted")
	}
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		count(7):                               "7",
		count(1_002_003):                       "1,002,003",
		span(1500 * time.Millisecond):          "1.5 s",
		span(125 * time.Second):                "2 min 5 s",
		mebibytes(3 << 20):                     "3 MiB",
		memory{1 << 20, 2 << 20}.String():      "1 MiB (2 MiB)",
		durations{1e6, 2e6, 3e6, 4e6}.String(): "2 ms / 4 ms / 4 ms",
		spread(durations{1e3, 9e3, 2e3}):       "2 µs (1 to 9)",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var d durations
	for i := range 200 {
		d = append(d, time.Duration(200-i))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 0.995: 199, 1: 200} {
		if got := d.quantile(share); got != want {
			t.Errorf("%v: got %d, want %d", share, got, want)
		}
	}
	if (durations{}).quantile(0.5) != 0 {
		t.Error("nothing has a median")
	}
}
