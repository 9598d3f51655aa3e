package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestRunbooks: every alert leads to a page of its own with what somebody needs who is called by it, and no page is without
// an alert.
func TestRunbooks(t *testing.T) {
	const base = "https://github.com/grantor-dev/grantor/blob/main/"
	section := regexp.MustCompile(`(?m)^## (.+)$`)
	var pages []string
	for _, a := range chart.alerts {
		page := "docs/runbooks/" + a.Alert + ".md"
		pages = append(pages, filepath.Base(page))
		if a.Annotations["runbook_url"] != base+page {
			t.Errorf("%s leads to %q, want %s", a.Alert, a.Annotations["runbook_url"], base+page)
		}
		text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), page))
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		parts := section.Split(string(text), -1)
		for i, m := range section.FindAllStringSubmatch(string(text), -1) {
			got = append(got, m[1])
			if len(strings.Fields(parts[i+1])) < 10 {
				t.Errorf("%s says nothing under %s", page, m[1])
			}
		}
		if diff := cmp.Diff([]string{"Meaning", "Impact", "Diagnose", "Mend"}, got); diff != "" {
			t.Errorf("sections of %s (-want +got):\n%s", page, diff)
		}
		if !strings.HasPrefix(string(text), "# "+a.Alert+"\n") || !strings.Contains(string(text), "\n```sh runbook\n") {
			t.Errorf("%s has another title, or no command", page)
		}
	}
	entries, err := os.ReadDir(filepath.Join(harness.ModuleRoot(), "docs", "runbooks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "README.md" && !slices.Contains(pages, e.Name()) {
			t.Errorf("docs/runbooks/%s is for no alert", e.Name())
		}
	}
}
