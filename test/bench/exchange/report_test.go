package main

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/bench/exchange/load"
	"github.com/grantor-dev/grantor/test/bench/measure"
)

// good is a report that meets every target.
func good() report {
	r := report{world: world{100, 1000}, scaling: measure.Series[float64]{1.9, 1.8, 2}}
	for i, p := range pairs() {
		f := &field{pair: p}
		add := func(name string, cpu float64, over load.Protocol) {
			wait := time.Duration(3*cpu) * time.Microsecond
			c := &contender{name: name, pair: p, over: over, idle: measure.Memory{Now: 30 << 20}}
			c.figures = figures{
				// One round is spoiled, for both sides of each ratio.
				cpu: measure.Series[float64]{cpu, 9 * cpu, cpu}, mallocs: 75, bytes: 9000,
				p50: measure.Series[time.Duration]{wait}, p99: measure.Series[time.Duration]{wait, 9 * wait, wait}, p999: measure.Series[time.Duration]{wait},
				trips: 1.01,
			}
			f.contenders = append(f.contenders, c)
		}
		add(floorName, 100, 0)
		add(genericName, 160, 0)
		add(smallName, 110, 0)
		add(loadedName, 112, 0)
		add(redisName, 150, 0)
		if i == 0 {
			for _, name := range []string{floorName, smallName} {
				add(name+overTLS, 130, load.HTTP1)
				add(name+overHTTP2, 170, load.HTTP2)
			}
		}
		r.fields = append(r.fields, f)
	}
	return r
}

func slower(by float64, c *contender) {
	for i := range c.figures.cpu {
		c.figures.cpu[i] *= by
	}
}

func TestChecks(t *testing.T) {
	first := func(r report, name string) *contender { return r.fields[0].of(name) }
	for name, tc := range map[string]struct {
		change func(r *report)
		missed string
		// smoke is what a smoke run misses.
		smoke string
	}{
		"nothing": {func(*report) {}, "", ""},
		"RS256→ES256": {func(r *report) {
			for _, name := range []string{genericName, smallName, loadedName, redisName} {
				slower(1.7, first(*r, name))
			}
		}, "RS256→ES256: CPU, times the floor", ""},
		"far off": {func(r *report) {
			for _, name := range []string{genericName, smallName, loadedName, redisName} {
				slower(2.1, first(*r, name))
			}
		}, "RS256→ES256: CPU, times the floor", "RS256→ES256: CPU, times the floor, in"},
		"ES256→ES256": {func(r *report) { slower(1.6, r.fields[1].of(loadedName)) }, "ES256→ES256: CPU, times the floor", ""},
		"EdDSA→EdDSA": {func(r *report) { slower(1.5, r.fields[2].of(loadedName)) }, "EdDSA→EdDSA: CPU, times the floor", ""},
		"RS256→RS256": {func(r *report) { slower(1.1, r.fields[3].of(loadedName)) }, "RS256→RS256: CPU, times the floor", ""},
		"generic":     {func(r *report) { slower(0.9, first(*r, genericName)) }, "RS256→ES256: CPU with the general", ""},
		"growth":      {func(r *report) { slower(0.98, first(*r, smallName)) }, "RS256→ES256: CPU with 100 providers", ""},
		"Redis":       {func(r *report) { slower(1.02, first(*r, redisName)) }, "RS256→ES256: CPU with Redis", ""},
		"trips":       {func(r *report) { first(*r, redisName).figures.trips = 2 }, "RS256→ES256: round trips", "RS256→ES256: round trips"},
		"no trips":    {func(r *report) { first(*r, redisName).figures.trips = 0 }, "RS256→ES256: round trips", "RS256→ES256: round trips"},
		"latency": {func(r *report) {
			f := &first(*r, loadedName).figures
			for i := range f.p99 {
				f.p99[i] *= 2
			}
		}, "RS256→ES256: p99", ""},
		"allocations":      {func(r *report) { first(*r, loadedName).figures.mallocs = 81 }, "RS256→ES256: allocations", ""},
		"many allocations": {func(r *report) { first(*r, loadedName).figures.mallocs = 75 + guardAllocations + 1 }, "RS256→ES256: allocations", "RS256→ES256: allocations more"},
		"idle":             {func(r *report) { first(*r, smallName).idle.Now = idleTarget + 1 }, "Memory when idle, with one", ""},
		"loaded":           {func(r *report) { first(*r, loadedName).idle.Now = loadedTarget + 1 }, "Memory when idle, with all", ""},
		"scaling":          {func(r *report) { r.scaling = measure.Series[float64]{1.84, 1.8, 2} }, "Exchanges on two cores", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := good()
			tc.change(&r)
			expect(t, measure.Missed(r.checks(), false), tc.missed)
			r.smoke = true
			expect(t, measure.Missed(r.checks(), true), tc.smoke)
		})
	}
}

func expect(t *testing.T, missed []measure.Check, want string) {
	t.Helper()
	switch {
	case want == "" && len(missed) > 0:
		t.Errorf("missed %+v", missed)
	case want != "" && (len(missed) != 1 || !strings.HasPrefix(missed[0].Name, want)):
		t.Errorf("missed %+v, want %s", missed, want)
	}
}

func TestTables(t *testing.T) {
	r := good()
	text := ""
	for _, table := range r.tables() {
		text += table.Text
	}
	for _, want := range []string{
		"| Grantor | 112.0 µs | 8,928 | 1.12 (1.12 to 1.12) | 75 | 9,000 | 336 µs / 336 µs / 336 µs |",
		"| Floor | 100.0 µs | 130.0 µs, 1.30 (1.30 to 1.30) times | 170.0 µs, 1.70 (1.70 to 1.70) times |",
		"| EdDSA→EdDSA | CPU |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
