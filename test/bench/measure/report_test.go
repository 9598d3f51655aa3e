package measure

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		Count(7):                                     "7",
		Count(1_002_003):                             "1,002,003",
		Span(1500 * time.Millisecond):                "1.5 s",
		Span(125 * time.Second):                      "2 min 5 s",
		Millis(1600 * time.Microsecond):              "2 ms",
		MiB(3 << 20):                                 "3 MiB",
		Memory{Now: 1 << 20, Peak: 2 << 20}.String(): "1 MiB (2 MiB)",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if LoadAverage() == "unknown" {
		t.Error("the load average is unknown")
	}
}

func TestMissed(t *testing.T) {
	checks := []Check{
		{Name: "met", Target: "1", Measured: "1", Met: true},
		{Name: "informs", Measured: "2"},
		{Name: "slow", Target: "1", Measured: "3", Speed: true},
		{Name: "wrong", Target: "1", Measured: "4"},
	}
	for smoke, want := range map[bool][]string{false: {"slow", "wrong"}, true: {"wrong"}} {
		var names []string
		for _, c := range Missed(checks, smoke) {
			names = append(names, c.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("smoke %t: missed %v", smoke, names)
		}
	}
	want := "| What | Target | Measured | |\n|---|---|---|---|\n| met | 1 | 1 | met |\n| informs |  | 2 |  |\n| slow | 1 | 3 | **missed** |\n| wrong | 1 | 4 | **missed** |\n"
	if diff := cmp.Diff(want, TargetTable(checks)); diff != "" {
		t.Error(diff)
	}
}

func TestCopyBinary(t *testing.T) {
	from := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(from, []byte("#!/bin/sh\nexit 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := CopyBinary(from, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](exec.CommandContext(t.Context(), to).Run()); !ok || exit.ExitCode() != 7 {
		t.Errorf("the copy does not run: %v", exit)
	}
	if _, err := CopyBinary(from+"x", t.TempDir()); err == nil {
		t.Error("what is not there was copied")
	}
}

func TestUpdatePage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	page := "before\n<!-- bench:one -->\nold\n<!-- /bench:one -->\nbetween\n<!-- bench:two -->\n<!-- /bench:two -->\nafter\n"
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := UpdatePage(file, "bench", []Table{{"two", "second\n"}, {"one", "first\n"}}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n<!-- bench:one -->\nfirst\n<!-- /bench:one -->\nbetween\n<!-- bench:two -->\nsecond\n<!-- /bench:two -->\nafter\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if err := UpdatePage(file, "bench", []Table{{"three", ""}}); err == nil {
		t.Error("a table without a place was accepted")
	}
}

func TestQuantile(t *testing.T) {
	var d Series[time.Duration]
	for i := range 200 {
		d = append(d, time.Duration(200-i))
	}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 0.995: 199, 1: 200} {
		if got := d.Quantile(share); got != want {
			t.Errorf("%v: got %d, want %d", share, got, want)
		}
	}
	if d.Min() != 1 || d.Median() != 100 || d.Max() != 200 {
		t.Errorf("%d, %d, %d", d.Min(), d.Median(), d.Max())
	}
	if (Series[int]{}).Quantile(0.5) != 0 {
		t.Error("nothing has a median")
	}
}
