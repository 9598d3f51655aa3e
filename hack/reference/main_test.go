package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestPages: what is committed is what the code says.
func TestPages(t *testing.T) {
	for _, p := range pages() {
		t.Run(p.name, func(t *testing.T) {
			var want bytes.Buffer
			if err := p.write(&want); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "docs", "reference", p.name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.String(), string(got)); diff != "" {
				t.Errorf("docs/reference/%s is out of date: make generate (-want +got):\n%s", p.name, diff)
			}
		})
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages() {
		if _, err := os.Stat(filepath.Join(dir, p.name)); err != nil {
			t.Error(err)
		}
	}
	if err := run([]string{filepath.Join(dir, "missing")}); err == nil {
		t.Error("pages are written into a folder that is not there")
	}
	if err := run(nil); err == nil {
		t.Error("it runs without a folder")
	}
}
