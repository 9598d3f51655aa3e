package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestSmoke runs the whole program at a small size: every server is asked over every transport, every answer is good, and an
// exchange costs not much more than when this was written. The program is built without the race detector, which would
// measure itself.
func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, err := harness.Build(ctx, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	bench := filepath.Join(dir, "bench")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bench, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	page := pageCopy(t)
	begin := time.Now()
	cmd := exec.CommandContext(ctx, bench, "-smoke", "-page", page, binary)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("it took %s\n%s", time.Since(begin).Round(time.Second), &out)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"round trips to Redis", "20 providers and 100 clients; rounds: 3.", "| RS256→RS256 | CPU |", "HTTP/2 over TLS 1.3"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestFailures: what cannot be measured ends the program with the status that says so.
func TestFailures(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // where what fails leaves its logs
	none := filepath.Join(t.TempDir(), "none")
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"help": {[]string{"-h"}, 0}, "usage": {nil, 2}, "no binary": {[]string{"-smoke", none}, 1},
		"no server": {[]string{serveCommand, "-kind", "x"}, 1}, "serve, usage": {[]string{serveCommand, "-what"}, 1},
		"scale nothing": {[]string{scaleCommand, "-signing-keys", none}, 1},
	} {
		if got := benchMain(tc.args); got != tc.want {
			t.Errorf("%s: status %d, want %d", name, got, tc.want)
		}
	}
}

func TestParse(t *testing.T) {
	const usual = 3 * time.Second
	for name, tc := range map[string]struct {
		args []string
		want options
		ok   bool
	}{
		"defaults":       {[]string{"bin"}, options{binary: "bin", full: world{10_000, 100_000}, rounds: 5, duration: usual, memoryLimit: memoryLimit}, true},
		"scaled down":    {[]string{"-providers=1", "-clients=1", "-count=1", "-duration=100ms", "bin"}, options{binary: "bin", full: world{1, 1}, rounds: 1, duration: 100 * time.Millisecond, memoryLimit: memoryLimit}, true},
		"less memory":    {[]string{"-memory-limit=400MiB", "bin"}, options{binary: "bin", full: world{10_000, 100_000}, rounds: 5, duration: usual, memoryLimit: "400MiB"}, true},
		"smoke":          {[]string{"-smoke", "bin"}, options{binary: "bin", full: world{20, 100}, rounds: 3, duration: 200 * time.Millisecond, memoryLimit: memoryLimit, smoke: true}, true},
		"no binary":      {nil, options{}, false},
		"too few":        {[]string{"-providers=200", "-clients=1", "bin"}, options{}, false},
		"no client":      {[]string{"-clients=0", "bin"}, options{}, false},
		"uneven":         {[]string{"-providers=250", "bin"}, options{binary: "bin", full: world{250, 100_000}, rounds: 5, duration: usual, memoryLimit: memoryLimit}, true},
		"no namespace":   {[]string{"-providers=350", "bin"}, options{}, false},
		"no round":       {[]string{"-count=0", "bin"}, options{}, false},
		"no time":        {[]string{"-duration=1ms", "bin"}, options{}, false},
		"unknown flag":   {[]string{"-what", "bin"}, options{}, false},
		"two arguments":  {[]string{"bin", "bin"}, options{}, false},
		"nothing loaded": {[]string{"-providers=0", "bin"}, options{}, false},
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

// TestPage: the page has a place for each table, so that a long run does not end in vain.
func TestPage(t *testing.T) {
	if err := measure.UpdatePage(pageCopy(t), program, good().tables()); err != nil {
		t.Error(err)
	}
}

func pageCopy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(harness.ModuleRoot() + "/docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
