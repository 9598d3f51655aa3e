package docs

import (
	"io/fs"
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

// TestWSO2Rows: every row of the WSO2 page that says what Grantor does has a test that carries its id.
func TestWSO2Rows(t *testing.T) {
	root := harness.ModuleRoot()
	tests := testSources(t, root)
	row := regexp.MustCompile(`(?m)^\| (W-[0-9]+[a-z]?) \|.*\| (keep|mend|refuse|later) \|$`)
	rows := row.FindAllStringSubmatch(read(t, filepath.Join(root, "docs", "coming-from-wso2.md")), -1)
	if len(rows) < 55 {
		t.Fatalf("only %d rows found", len(rows))
	}
	for _, r := range rows {
		id := regexp.MustCompile(regexp.QuoteMeta(r[1]) + `(?:[^0-9a-z]|$)`)
		if r[2] != "later" && !id.MatchString(tests) {
			t.Errorf("no test carries the id %s", r[1])
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

// testSources returns the text of all tests.
func testSources(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, "_test.go") {
			all.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
