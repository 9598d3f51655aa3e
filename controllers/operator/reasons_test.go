package operator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every condition and every reason of the API is used here, and each reason stands in the comment of a condition.
func TestConditionsAndReasonsAreUsedAndListed(t *testing.T) {
	api, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "api", "v1alpha1", "conditions.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	used := usedOfAPI(t)
	listed := map[string]bool{}
	var reasons []string
	ast.Inspect(api, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name := spec.Names[0].Name
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is no literal", name)
		}
		if strings.HasPrefix(name, "Condition") {
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(spec.Doc.Text(), -1) {
				listed[word] = true
			}
			return true
		}
		reasons = append(reasons, strings.Trim(literal.Value, `"`))
		return true
	})
	if len(reasons) < 20 {
		t.Errorf("found only %d reasons", len(reasons))
	}
	for _, r := range reasons {
		if !listed[r] {
			t.Errorf("reason %s stands in the comment of no condition", r)
		}
	}
}

// usedOfAPI returns the names that this package's code, without its tests, takes from the API.
func usedOfAPI(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	code := func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(e.Name()) != ".go" || !code(info) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "v1alpha1" {
					used[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used
}
