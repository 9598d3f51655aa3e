package docs

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/testnames"
)

// TestIndex: the index has every page. Decisions and runbooks have an index of their own.
func TestIndex(t *testing.T) {
	docs := filepath.Join(harness.ModuleRoot(), "docs")
	for index, below := range map[string]string{"README.md": "", "adr/README.md": "adr", "runbooks/README.md": "runbooks"} {
		text := read(t, filepath.Join(docs, index))
		err := filepath.WalkDir(filepath.Join(docs, below), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
				return err
			}
			page, err := filepath.Rel(filepath.Join(docs, below), path)
			if err != nil || page == "README.md" || below == "" && (strings.HasPrefix(page, "adr/0") || strings.HasPrefix(page, "runbooks/Grantor")) {
				return err
			}
			if !strings.Contains(text, "]("+page+")") {
				t.Errorf("docs/%s does not link to %s", index, page)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestThreatModel: each promise names tests that are there.
func TestThreatModel(t *testing.T) {
	root := harness.ModuleRoot()
	page := read(t, filepath.Join(root, "docs", "threat-model.md"))
	_, section, _ := strings.Cut(page, "\n## What is promised\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names, err := testnames.Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	promises := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.Contains(line, "| Tests |") {
			continue
		}
		promises++
		checkPromise(t, names, cells[0], cells[1])
	}
	if promises < 15 {
		t.Errorf("only %d promises are read", promises)
	}
}

// promiseTest is the id of a case or of a fault, or the name of a test.
var promiseTest = regexp.MustCompile(`\b([A-Z]-[0-9]{2}[a-z]?)\b|\b(F[0-9]{2})\b|` + "`(Test[A-Za-z]+)`")

func checkPromise(t *testing.T, names []testnames.Name, promise, shown string) {
	t.Helper()
	found := promiseTest.FindAllStringSubmatch(shown, -1)
	if len(found) == 0 {
		t.Errorf("nothing shows: %s", promise)
	}
	for _, m := range found {
		form := regexp.MustCompile(`(^|[^A-Za-z0-9])` + m[1] + `($|[^0-9a-z])`)
		switch {
		case m[2] != "": // It stands at the beginning of a test's name.
			form = regexp.MustCompile("^Test" + m[2])
		case m[3] != "":
			form = regexp.MustCompile("^" + m[3] + "($|/)")
		}
		if !slices.ContainsFunc(names, func(n testnames.Name) bool { return form.MatchString(n.Test) }) {
			t.Errorf("no test has %s, which is to show: %s", m[0], promise)
		}
	}
}
