package testnames

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
)

// folder is what the test files of one folder declare at the top level, by name. Methods are there by their own name.
type folder map[string][]ast.Node

// readFolder returns the tests in the files.
func readFolder(files []string) ([]string, error) {
	declared := folder{}
	var tests []*ast.FuncDecl
	for _, file := range files {
		parsed, err := parse(file)
		if err != nil {
			return nil, err
		}
		if parsed == nil {
			continue
		}
		for _, d := range parsed.Decls {
			declared.add(d)
			if f, ok := d.(*ast.FuncDecl); ok && isTest(f) {
				tests = append(tests, f)
			}
		}
	}
	var names []string
	for _, f := range tests {
		names = append(names, f.Name.Name)
		for _, sub := range declared.subtests(f) {
			if sub = printed(sub); sub != "" {
				names = append(names, f.Name.Name+"/"+sub)
			}
		}
	}
	return names, nil
}

// parse returns the file, or nil where it is not of every build.
func parse(file string) (*ast.File, error) {
	text, err := os.ReadFile(file) // #nosec G304 -- our own source
	if err != nil {
		return nil, fmt.Errorf("read tests: %w", err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse tests: %w", err)
	}
	for _, group := range parsed.Comments {
		if group.Pos() > parsed.Package {
			break
		}
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:build faults") { // test/faults runs these apart
				return nil, nil //nolint:nilnil // No file is no error here.
			}
		}
	}
	return parsed, nil
}

func isTest(f *ast.FuncDecl) bool {
	return f.Recv == nil && f.Body != nil && len(f.Type.Params.List) == 1 &&
		(strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" || strings.HasPrefix(f.Name.Name, "Fuzz"))
}

func (in folder) add(d ast.Decl) {
	if f, ok := d.(*ast.FuncDecl); ok {
		in[f.Name.Name] = append(in[f.Name.Name], f)
	}
	general, ok := d.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, s := range general.Specs {
		if v, ok := s.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				in[name.Name] = append(in[name.Name], v)
			}
		}
	}
}

// reachable returns the node and all declarations that it leads to, each once. What a map of rows has in its values is
// what the rows do: it leads to no more rows.
func (in folder) reachable(from ast.Node) []ast.Node {
	found := []ast.Node{from}
	for i := 0; i < len(found); i++ {
		identifiers(found[i], func(name string) {
			for _, d := range in[name] {
				if !slices.Contains(found, d) {
					found = append(found, d)
				}
			}
		})
	}
	return found
}

// identifiers calls use with each identifier below the node that is not within a map of rows.
func identifiers(below ast.Node, use func(name string)) {
	ast.Inspect(below, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			use(id.Name)
		}
		lit, ok := n.(*ast.CompositeLit)
		return !ok || !isRows(lit)
	})
}

// isRows reports whether the literal is a map from strings.
func isRows(lit *ast.CompositeLit) bool {
	m, ok := lit.Type.(*ast.MapType)
	return ok && isIdent(m.Key, "string")
}

// literal returns a string literal, or a concatenation of some.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, too := literal(e.Y)
		return left + right, ok && too && e.Op == token.ADD
	default:
		return "", false
	}
}
