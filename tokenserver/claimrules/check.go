package claimrules

import (
	"regexp"
	"regexp/syntax"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// maxInstructions bounds the automaton of one regular expression: `(a{1000}){1000}` is short too.
const maxInstructions = 2000

const tooLargePattern = "the regular expression is too large; lower its repetitions"

// newPlanner looks through a checked expression for what cannot be planned and for what the plan needs to know of it.
// It returns the number of nodes as well.
func (c *Compiler) newPlanner(field string, tree *ast.AST) (*planner, int64, error) {
	p := &planner{
		dispatcher: c.dispatcher, adapter: c.adapter, bodies: map[int64]int64{}, charged: map[int64]bool{}, patterns: map[int64]*pattern{},
	}
	var refused error
	refuse := func(e ast.Expr, message string) {
		at := tree.SourceInfo().GetStartLocation(e.ID())
		if refused == nil {
			refused = &CompileError{Field: field, Line: max(1, at.Line()), Column: max(1, at.Column()+1), Message: message}
		}
	}
	nodes := walk(tree.Expr(), func(e ast.Expr) {
		switch e.Kind() {
		case ast.StructKind:
			refuse(e, "message types are not supported")
		case ast.ComprehensionKind:
			loop := e.AsComprehension()
			none := func(ast.Expr) {}
			p.bodies[loop.LoopStep().ID()] += walk(loop.LoopStep(), none) + walk(loop.LoopCondition(), none)
		case ast.CallKind:
			regex, message := patternOf(e.AsCall())
			if message != "" {
				refuse(e, message)
			} else if regex != nil {
				p.patterns[e.ID()] = regex
			}
		default:
		}
	})
	return p, nodes, refused
}

// patternOf returns the regular expression of a call, or what is wrong with it.
func patternOf(call ast.CallExpr) (regex *pattern, message string) {
	var arg ast.Expr
	switch call.FunctionName() {
	case functionMatches:
		arg = call.Args()[len(call.Args())-1]
	case "regex.extract", "regex.extractAll", "regex.replace":
		arg = call.Args()[1]
	default:
		return nil, ""
	}
	text, ok := literalString(arg)
	if !ok {
		return nil, "a regular expression must be a string literal"
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, "not a regular expression"
	}
	if repeated(parsed) > maxInstructions {
		return nil, tooLargePattern
	}
	automaton, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, tooLargePattern
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, "not a regular expression"
	}
	return &pattern{regex: compiled, instructions: int64(len(automaton.Inst))}, ""
}

// repeated returns about how many instructions a regular expression becomes once its repetitions are written out, so
// that those of a large one never are.
func repeated(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n = min(n+repeated(sub), 2*maxInstructions)
	}
	if re.Op == syntax.OpRepeat {
		n = min((n-1)*max(re.Min, re.Max, 1), 2*maxInstructions)
	}
	return n
}

// walk calls visit for e and all below it and returns how many there are.
func walk(e ast.Expr, visit func(ast.Expr)) int64 {
	visit(e)
	n := int64(1)
	for _, child := range children(e) {
		n += walk(child, visit)
	}
	return n
}

func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var list []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			list = append(list, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return list
	case ast.StructKind:
		var list []ast.Expr
		for _, entry := range e.AsStruct().Fields() {
			list = append(list, entry.AsStructField().Value())
		}
		return list
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		return []ast.Expr{loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()}
	default:
		return nil
	}
}

// literalString returns the string that e is, if it is a literal.
func literalString(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// memberOf returns the name of the member that e selects, and of what: x.name, x["name"], x.?name and x[?"name"].
func memberOf(e ast.Expr) (operand ast.Expr, name string, ok bool) {
	switch e.Kind() {
	case ast.SelectKind:
		return e.AsSelect().Operand(), e.AsSelect().FieldName(), true
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
			name, ok = literalString(call.Args()[1])
			return call.Args()[0], name, ok
		}
	default:
	}
	return nil, "", false
}

// memberNames returns the names of members that stand in the expression: these alone may be in an error.
func memberNames(tree *ast.AST) map[string]bool {
	names := map[string]bool{}
	walk(tree.Expr(), func(e ast.Expr) {
		if _, name, ok := memberOf(e); ok && checkClaimName(name) == "" {
			names[name] = true
		}
	})
	return names
}

// emailUse holds rules to what Kubernetes demands: who uses an email address must look whether it is verified. Kubernetes
// is content with has(claims.email_verified); here an expression must depend on its value, or a rule require one. And
// mappings are held to it as the subject is.
type emailUse struct {
	field    string
	verified bool
}

func (u *emailUse) note(field string, tree *ast.AST, produces bool) {
	u.verified = u.verified || claimsRead(tree)["email_verified"]
	if u.field != "" || !produces {
		return
	}
	walk(tree.Expr(), func(e ast.Expr) {
		operand, name, ok := memberOf(e)
		if ok && name == "email" && operand.Kind() == ast.IdentKind && operand.AsIdent() == claimsVariable {
			u.field = field
		}
	})
}

func (u *emailUse) check() error {
	if u.field == "" || u.verified {
		return nil
	}
	return &CompileError{
		Field:   u.field,
		Message: "claims.email_verified must be used in an expression when claims.email is; add a validation rule such as claims.email_verified == true",
	}
}
