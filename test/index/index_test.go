package index

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the folder of go.mod.
const root = "../.."

var (
	// inDoc are ids in what is written above a test.
	inDoc = regexp.MustCompile(`\b(?:[A-EG-S]-[0-9]{2}|F-[0-9]{2}|F[0-9]{2})\b`)
	// inRow is the id that the name of a row or of a subtest begins with.
	inRow = regexp.MustCompile(`^(?:[A-EG-S]-[0-9]{2}|F-[0-9]{2}|F[0-9]{2})\b`)
	// inName is that which the name of a test begins with: TestF19RollingRestart, TestR12SignatureFlood.
	inName = regexp.MustCompile(`^Test([A-S])([0-9]{2})`)
)

// TestCases: each hostile case is shown, or said not to be.
func TestCases(t *testing.T) {
	check(t, strings.Fields(strings.Join(cases, " ")), casesNotShown)
}

// TestFaults: each fault is shown, or said not to be, here and to those who operate Grantor.
func TestFaults(t *testing.T) {
	var ids []string
	for n := range 40 {
		ids = append(ids, fmt.Sprintf("F%02d", n+1))
	}
	check(t, ids, faultsNotShown)
	page, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !strings.Contains(string(page), id) {
			t.Errorf("docs/operations.md says nothing about %s", id)
		}
	}
}

func check(t *testing.T, ids []string, notShown map[string]string) {
	t.Helper()
	found := shown(t)
	for fault, row := range sameAs {
		found[fault] = append(found[fault], found[row]...)
	}
	for _, id := range ids {
		if reason, excused := notShown[id]; excused && reason == "" || !excused && len(found[id]) == 0 {
			t.Errorf("no test bears the id %s, and no reason is given", id)
		} else if excused && len(found[id]) > 0 {
			t.Logf("%s is said not to be shown (%s), and %s bears its id", id, reason, found[id][0])
		}
	}
	for id := range notShown {
		if !slices.Contains(ids, id) {
			t.Errorf("%s is said not to be shown, and is in no list", id)
		}
	}
}

// shown are the tests by the ids that they bear.
func shown(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || name == "index" || len(name) > 2 && name[0] == '.') {
			return fs.SkipDir
		}
		// A list of cases is no test of them.
		if strings.HasSuffix(path, "_test.go") && entry.Name() != "coverage_test.go" {
			return readTests(path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readTests adds the ids that a file of tests bears, whatever tags it has.
func readTests(path string, found map[string][]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	add := func(where string, ids ...string) {
		for _, id := range ids {
			found[id] = append(found[id], filepath.ToSlash(path)+" "+where)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
			add(f.Name.Name, inDoc.FindAllString(f.Doc.Text(), -1)...)
			add(f.Name.Name, ofName(f.Name.Name)...)
		}
		if row, ok := n.(*ast.BasicLit); ok && row.Kind == token.STRING {
			if text, err := strconv.Unquote(row.Value); err == nil {
				add(text, inRow.FindAllString(text, 1)...)
			}
		}
		return true
	})
	return nil
}

// ofName is the id that the name of a test begins with, if it does.
func ofName(name string) []string {
	m := inName.FindStringSubmatch(name)
	switch {
	case m == nil:
		return nil
	case m[1] == "F":
		return []string{"F" + m[2]}
	default:
		return []string{m[1] + "-" + m[2]}
	}
}

// TestIDsAreFound: a file is read as it should be.
func TestIDsAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x_test.go")
	text := "//go:build faults\n\npackage x\n\n// TestF19X, M-12: F28 and not XF27 or F299.\nfunc TestF19X(t *testing.T) {\n" +
		"\t_ = []string{\"A-01 first\", \"not A-02\", \"B-03_x\", \"C-04\", \"D-056\"}\n}\n\n// E-07\nfunc helper() {}\n\nfunc TestR12Y() {}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	if err := readTests(path, found); err != nil {
		t.Fatal(err)
	}
	var got []string
	for id := range found {
		got = append(got, id)
	}
	slices.Sort(got)
	if want := []string{"A-01", "C-04", "F19", "F28", "M-12", "R-12"}; !slices.Equal(got, want) {
		t.Errorf("found %v instead of %v", got, want)
	}
}
