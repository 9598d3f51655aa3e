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

// TestIndex: the index has every page. Those of decisions are in the index of their own.
func TestIndex(t *testing.T) {
	docs := filepath.Join(harness.ModuleRoot(), "docs")
	for index, below := range map[string]string{"README.md": "", "adr/README.md": "adr"} {
		text := read(t, filepath.Join(docs, index))
		err := filepath.WalkDir(filepath.Join(docs, below), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
				return err
			}
			page, err := filepath.Rel(filepath.Join(docs, below), path)
			if err != nil || page == "README.md" || below == "" && strings.HasPrefix(page, "adr/0") {
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
	id := regexp.MustCompile(`\b([A-Z]-[0-9]{2}[a-z]?|F[0-9]{2})\b|` + "`(Test[A-Za-z]+)`")
	promises := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.Contains(line, "| Tests |") {
			continue
		}
		promises++
		found := id.FindAllStringSubmatch(cells[1], -1)
		if len(found) == 0 {
			t.Errorf("nothing shows: %s", cells[0])
		}
		for _, m := range found {
			shows := func(n testnames.Name) bool {
				word := regexp.MustCompile(`(^|[^A-Za-z0-9])` + m[1] + `($|[^0-9a-z])`)
				return m[1] != "" && word.MatchString(n.Test) || m[2] != "" && (n.Test == m[2] || strings.HasPrefix(n.Test, m[2]+"/"))
			}
			if m[1] != "" && m[1][0] == 'F' && m[1][1] != '-' { // F07 stands at the end of a word.
				shows = func(n testnames.Name) bool { return strings.Contains(n.Test, m[1]) }
			}
			if !slices.ContainsFunc(names, shows) {
				t.Errorf("no test has %s, which is to show: %s", m[0], cells[0])
			}
		}
	}
	if promises < 15 {
		t.Errorf("only %d promises are read", promises)
	}
}
