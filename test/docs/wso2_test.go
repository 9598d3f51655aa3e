package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/testnames"
)

var update = flag.Bool("update", false, "write the tests' names into docs/coming-from-wso2.md")

// wso2Behaviours are the ids of what the reference does: the page has a row for each, and for nothing else.
const wso2Behaviours = `
W-01 W-02 W-03 W-04 W-05 W-06 W-07 W-08 W-09 W-10 W-11 W-12
W-20 W-21 W-22 W-23 W-24 W-25 W-26
W-30 W-31 W-32 W-33 W-34 W-35 W-36 W-40 W-41 W-42 W-43
W-50a W-50c W-50d W-50h
W-52 W-53 W-54 W-55 W-56 W-57 W-58 W-59 W-60 W-61 W-62
W-70 W-71 W-72 W-73 W-74 W-75 W-76 W-80 W-81 W-82 W-83 W-84 W-85`

var (
	// wso2Row is the part of a row that is written by hand: id, reference, Grantor, verdict.
	wso2Row = regexp.MustCompile(`^(\| (W-[0-9]+[a-z]?) \| [^|]+ \| [^|]+ \| (?:keep|mend|refuse) \|)`)
	wso2ID  = regexp.MustCompile(`\bW-[0-9]{2}[a-z]?`)
)

// TestWSO2Page: every behaviour of the reference has a row, and every row the tests whose names carry its id. With
// -update it writes them into the page.
func TestWSO2Page(t *testing.T) {
	root := harness.ModuleRoot()
	file := filepath.Join(root, "docs", "coming-from-wso2.md")
	page := read(t, file)
	named := wso2Tests(t, root)
	var rows, lines []string
	for line := range strings.Lines(page) {
		if m := wso2Row.FindStringSubmatch(line); m != nil {
			rows = append(rows, m[2])
			if len(named[m[2]]) == 0 {
				t.Errorf("no test carries the id %s", m[2])
			}
			line = strings.TrimRight(m[1]+" "+testnames.Cell(named[m[2]], "../"), " ") + " |\n"
		}
		lines = append(lines, line)
	}
	if diff := cmp.Diff(strings.Fields(wso2Behaviours), rows); diff != "" {
		t.Errorf("rows of the page (-want +got):\n%s", diff)
	}
	for id := range named {
		if !slices.Contains(strings.Fields(wso2Behaviours), id) {
			t.Errorf("%s carries an id that is not on the page", named[id][0])
		}
	}
	want := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("the page is out of date: go test ./test/docs -run TestWSO2Page -update (-want +got):\n%s", diff)
	}
}

// wso2Tests returns the tests by the ids that their names carry.
func wso2Tests(t *testing.T, root string) map[string][]testnames.Name {
	t.Helper()
	all, err := testnames.Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]testnames.Name{}
	for _, name := range all {
		for _, id := range wso2ID.FindAllString(name.Sub(), -1) {
			named[id] = append(named[id], name)
		}
	}
	return named
}
