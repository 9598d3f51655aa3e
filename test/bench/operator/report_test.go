package main

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
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
		"large server":         {func(f *figures) { f.serverFresh.Now = serverMemoryTarget + 1 }, "Token server, memory", true},
		"large start":          {func(f *figures) { f.serverFresh.Peak = serverMemoryTarget + 1 }, "Token server, peak memory of its start", true},
		"large while resolved": {func(f *figures) { f.serverAfter.Peak = serverMemoryTarget + 1 }, "Token server, peak memory while", true},
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
			missed := measure.Missed(r.checks(), false)
			if tc.missed == "" {
				if len(missed) != 0 {
					t.Errorf("missed %v", missed)
				}
				return
			}
			if len(missed) != 1 || !strings.HasPrefix(missed[0].Name, tc.missed) {
				t.Errorf("missed %+v, want %s", missed, tc.missed)
			}
			if smoke := len(measure.Missed(r.checks(), true)) > 0; smoke != tc.smoke {
				t.Errorf("a smoke run misses it: %t", smoke)
			}
			if !strings.Contains(measure.TargetTable(r.checks()), "**missed**") {
				t.Error("the table does not say so")
			}
		})
	}
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		latency(durations{1e6, 2e6, 3e6, 4e6}): "2 ms / 4 ms / 4 ms",
		spread(durations{1e3, 9e3, 2e3}):       "2 µs (1 to 9)",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
