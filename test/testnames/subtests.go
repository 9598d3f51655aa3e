package testnames

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// subtests returns the names that the test gives to t.Run, as they are written.
func (in folder) subtests(f *ast.FuncDecl) []string {
	s := search{folder: in, test: f}
	ast.Inspect(f.Body, s.visit)
	return s.names
}

// search walks a test.
type search struct {
	folder folder
	test   *ast.FuncDecl
	// path is where the walk is: from the test's body to the node.
	path  []ast.Node
	names []string
}

func (s *search) visit(n ast.Node) bool {
	if n == nil {
		s.path = s.path[:len(s.path)-1]
		return true
	}
	s.path = append(s.path, n)
	call, ok := n.(*ast.CallExpr)
	if !ok || !isRun(call) || s.nested() {
		return true
	}
	switch arg := call.Args[0].(type) {
	case *ast.Ident:
		s.names = append(s.names, s.ofVariable(arg)...)
	case *ast.BinaryExpr:
		s.names = append(s.names, s.ofRow(arg)...)
	default:
	}
	if text, ok := literal(call.Args[0]); ok {
		s.names = append(s.names, text)
	}
	return true
}

// isRun reports whether the call is one of t.Run(name, func).
func isRun(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Run" && len(call.Args) == 2
}

// nested reports whether the call is within another t.Run, so that its name is only a part.
func (s *search) nested() bool {
	for _, n := range s.path[:len(s.path)-1] {
		if call, ok := n.(*ast.CallExpr); ok && isRun(call) {
			return true
		}
	}
	return false
}

// ofVariable returns the keys of the maps that the variable runs over.
func (s *search) ofVariable(name *ast.Ident) []string {
	over := s.over(name.Name)
	if over == nil {
		return nil
	}
	if key, ok := over.Key.(*ast.Ident); !ok || key.Name != name.Name {
		return nil // it is a value
	}
	var keys []string
	for _, from := range s.origins(over.X) {
		for _, n := range s.folder.reachable(from) {
			keys = append(keys, keysOfMaps(n)...)
		}
	}
	return keys
}

// ofRow returns the names of rows that are run as r.id + "_" + r.name.
func (s *search) ofRow(arg *ast.BinaryExpr) []string {
	inner, ok := arg.X.(*ast.BinaryExpr)
	if !ok || arg.Op != token.ADD {
		return nil
	}
	id, ok := inner.X.(*ast.SelectorExpr)
	name, too := arg.Y.(*ast.SelectorExpr)
	if !ok || !too || id.Sel.Name != "id" || name.Sel.Name != "name" {
		return nil
	}
	row, ok := id.X.(*ast.Ident)
	if !ok {
		return nil
	}
	over := s.over(row.Name)
	if over == nil {
		return nil
	}
	var names []string
	for _, from := range s.origins(over.X) {
		for _, n := range s.folder.reachable(from) {
			names = append(names, namesOfRows(n)...)
		}
	}
	return names
}

// over returns the innermost loop around the walk whose variable that is.
func (s *search) over(variable string) *ast.RangeStmt {
	for _, n := range slices.Backward(s.path) {
		if r, ok := n.(*ast.RangeStmt); ok && (isIdent(r.Key, variable) || isIdent(r.Value, variable)) {
			return r
		}
	}
	return nil
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// origins returns the expression and, in place of the test's own variables in it, what these are made of.
func (s *search) origins(of ast.Expr) []ast.Node {
	found, seen := []ast.Node{of}, map[string]bool{}
	for i := 0; i < len(found); i++ {
		identifiers(found[i], func(name string) {
			if !seen[name] {
				seen[name] = true
				found = append(found, s.values(name)...)
			}
		})
	}
	return found
}

// values returns what the test assigns to a variable or lets it run over.
func (s *search) values(variable string) []ast.Node {
	var found []ast.Node
	ast.Inspect(s.test.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if isIdent(left, variable) && len(n.Lhs) == len(n.Rhs) {
					found = append(found, n.Rhs[i])
				}
			}
		case *ast.RangeStmt:
			if isIdent(n.Value, variable) {
				found = append(found, n.X)
			}
		default:
		}
		return true
	})
	return found
}

// keysOfMaps returns the literal keys of the outermost maps from strings below the node. A function counts with the maps of
// the type that it returns; others help it to make them.
func keysOfMaps(n ast.Node) []string {
	var keys []string
	f, isFunc := n.(*ast.FuncDecl)
	ast.Inspect(n, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || !isRows(lit) || isFunc && !returns(f, lit.Type) {
			return true
		}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := literal(kv.Key); ok {
					keys = append(keys, key)
				}
			}
		}
		return false
	})
	return keys
}

func returns(f *ast.FuncDecl, typ ast.Expr) bool {
	return f.Type.Results != nil && slices.ContainsFunc(f.Type.Results.List, func(r *ast.Field) bool {
		return types.ExprString(r.Type) == types.ExprString(typ)
	})
}

// namesOfRows returns the names of the literals with the fields id and name below the node.
func namesOfRows(n ast.Node) []string {
	var names []string
	ast.Inspect(n, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := map[string]string{}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok {
					fields[key.Name], _ = literal(kv.Value)
				}
			}
		}
		if fields["id"] != "" && fields["name"] != "" {
			names = append(names, fields["id"]+"_"+fields["name"])
		}
		return true
	})
	return names
}
