package main

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestSmoke runs the whole program at a small size: everything becomes Ready, restarts write nothing, and changes take
// effect on every token server. How long anything takes is none of its business.
func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary, err := harness.Build(ctx, t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	opts := smokeOptions()
	opts.binary = binary
	var progress bytes.Buffer
	r, err := run(ctx, &progress, t.TempDir(), opts)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, c := range measure.Missed(r.checks(), true) {
		t.Errorf("%s: measured %s, want %s", c.Name, c.Measured, c.Target)
	}
	f := r.full()
	if objects := opts.full.providers + opts.full.clients; f.statusWrites() < objects {
		t.Errorf("%d status writes made %d objects Ready: the API server's requests are not counted", f.statusWrites(), objects)
	}
	if f.serverRequests.of("PUT", "leases") == 0 || f.operatorRequests.of("GET", "leases") == 0 {
		t.Errorf("a restart makes more requests than these: %s; %s", f.serverRequests.list(), f.operatorRequests.list())
	}
	if len(f.policy) != opts.changes || len(f.identity) != opts.changes || f.policy.Quantile(0) <= 0 || f.identity.Quantile(0) <= 0 {
		t.Errorf("latencies of changes: %v, %v", f.policy, f.identity)
	}
	if f.operatorFresh.Now == 0 || f.serverFresh.Peak < f.serverFresh.Now {
		t.Errorf("memory: %v, %v", f.operatorFresh, f.serverFresh)
	}
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want options
		ok   bool
	}{
		"defaults":     {[]string{"bin"}, options{binary: "bin", full: size{10_000, 100_000}, replicas: 2, changes: 300, batches: 5, quiet: 10 * time.Second, compare: true}, true},
		"scaled down":  {[]string{"-providers=10", "-clients=100", "-replicas=1", "-changes=2", "-batches=0", "-compare=false", "bin"}, options{binary: "bin", full: size{10, 100}, replicas: 1, changes: 2, quiet: 10 * time.Second}, true},
		"smoke":        {[]string{"-smoke", "bin"}, options{binary: "bin", full: size{50, 500}, replicas: 2, changes: 10, quiet: 4 * time.Second, smoke: true}, true},
		"no binary":    {nil, options{}, false},
		"too few":      {[]string{"-clients=99", "bin"}, options{}, false},
		"no replicas":  {[]string{"-replicas=0", "bin"}, options{}, false},
		"unknown flag": {[]string{"-what", "bin"}, options{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := parse(tc.args)
			if (err == nil) != tc.ok {
				t.Fatalf("error: %v", err)
			}
			if tc.ok && got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestPage: the page has a place for each table, so that a run of hours does not end in vain.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(harness.ModuleRoot() + "/docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/page.md"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := measure.UpdatePage(file, program, (report{sizes: []figures{{}}}).tables()); err != nil {
		t.Error(err)
	}
}
