package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestLinks: every relative link leads to a file.
func TestLinks(t *testing.T) {
	root := harness.ModuleRoot()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages(t, root) {
		text := read(t, filepath.Join(root, page))
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}

// TestOperationsPage: the operations page names every metric and every field of the audit log.
func TestOperationsPage(t *testing.T) {
	root := harness.ModuleRoot()
	page := read(t, filepath.Join(root, "docs", "operations.md"))
	name := regexp.MustCompile(`"(grantor_[a-z_]+)"`)
	for _, m := range name.FindAllStringSubmatch(read(t, filepath.Join(root, "tokenserver", "metrics.go")), -1) {
		if !strings.Contains(page, "`"+m[1]) {
			t.Errorf("docs/operations.md does not name the metric %s", m[1])
		}
	}
	field := regexp.MustCompile(`(?:add|slog\.(?:String|Float64))\("([a-z_]+)"`)
	for _, m := range field.FindAllStringSubmatch(read(t, filepath.Join(root, "tokenserver", "audit.go")), -1) {
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("docs/operations.md does not name the field %s", m[1])
		}
	}
}

// TestWorkloadsPage: the page about the agent names every metric of it.
func TestWorkloadsPage(t *testing.T) {
	root := harness.ModuleRoot()
	page := read(t, filepath.Join(root, "docs", "workloads.md"))
	found := regexp.MustCompile(`"(grantor_agent_[a-z_]+)"`).FindAllStringSubmatch(read(t, filepath.Join(root, "internal", "agent", "metrics.go")), -1)
	if len(found) < 5 {
		t.Errorf("only %d metrics found", len(found))
	}
	for _, m := range found {
		if !strings.Contains(page, "`"+m[1]) {
			t.Errorf("docs/workloads.md does not name the metric %s", m[1])
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
