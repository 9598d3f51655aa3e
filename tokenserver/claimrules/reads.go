package claimrules

import (
	"maps"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// truth is what is known of a bool before there are claims.
type truth int

const (
	open truth = iota
	alwaysTrue
	alwaysFalse
)

func truthOf(b bool) truth {
	if b {
		return alwaysTrue
	}
	return alwaysFalse
}

// outcome says what the value of an expression depends on.
type outcome struct {
	truth truth
	// closed means that no variable is in it: a constant, though perhaps an unknown one.
	closed bool
	// claims are the top-level claims whose values decide.
	claims map[string]bool
}

func constant(b bool) outcome { return outcome{truth: truthOf(b), closed: true} }

// claimsRead returns the top-level claims on whose values the outcome of tree depends. It errs towards fewer: a claim is
// only returned when it is named (claims.x, claims["x"], claims.?x), and not when what it stands in is absorbed by a
// constant, as in `claims.x == "a" || true`, or says the same for every value, as in `claims.x == claims.x`. Whether a
// claim is there at all (has(claims.x), "x" in claims) is no reading of its value.
func claimsRead(tree *ast.AST) map[string]bool {
	result := scope{}.outcome(tree.Expr())
	if result.truth != open || result.closed {
		return nil
	}
	return result.claims
}

// scope holds what the variables of the loops around depend on.
type scope map[string]map[string]bool

func (s scope) with(name string, claims map[string]bool) scope {
	inner := maps.Clone(s)
	if name != "" {
		inner[name] = claims
	}
	return inner
}

// isClaims reports whether e is the variable claims and not that of a loop of the same name.
func (s scope) isClaims(e ast.Expr) bool {
	if e.Kind() != ast.IdentKind || e.AsIdent() != claimsVariable {
		return false
	}
	_, shadowed := s[claimsVariable]
	return !shadowed
}

func (s scope) outcome(e ast.Expr) outcome {
	if operand, name, ok := memberOf(e); ok && s.isClaims(operand) {
		if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
			return presence(name)
		}
		return outcome{claims: map[string]bool{name: true}}
	}
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return constant(bool(b))
		}
		return outcome{closed: true}
	case ast.IdentKind:
		return outcome{claims: s[e.AsIdent()]}
	case ast.CallKind:
		return s.call(e.AsCall())
	case ast.ComprehensionKind:
		return s.loop(e.AsComprehension())
	default:
		return s.union(children(e))
	}
}

// presence is the outcome of a test whether a claim is there. RFC 7523 §3 has some that always are.
func presence(name string) outcome {
	switch name {
	case "iss", "sub", "aud", "exp":
		return constant(true)
	}
	return outcome{}
}

func (s scope) union(list []ast.Expr) outcome {
	all := outcome{closed: true, claims: map[string]bool{}}
	for _, e := range list {
		one := s.outcome(e)
		all.closed = all.closed && one.closed
		maps.Copy(all.claims, one.claims)
	}
	return all
}

func (s scope) call(call ast.CallExpr) outcome {
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return s.logical(args, alwaysFalse)
	case operators.LogicalOr:
		return s.logical(args, alwaysTrue)
	case operators.LogicalNot:
		one := s.outcome(args[0])
		if one.truth != open {
			return constant(one.truth == alwaysFalse)
		}
		return one
	case operators.NotStrictlyFalse:
		return s.outcome(args[0])
	case operators.Conditional:
		return s.conditional(args)
	case operators.Equals, operators.LessEquals, operators.GreaterEquals:
		return s.comparison(args, true)
	case operators.NotEquals, operators.Less, operators.Greater:
		return s.comparison(args, false)
	case operators.In:
		if name, ok := literalString(args[0]); ok && s.isClaims(args[1]) {
			return presence(name)
		}
	case "hasValue":
		if operand, name, ok := memberOf(args[0]); ok && s.isClaims(operand) {
			return presence(name)
		}
	case "startsWith", "endsWith", "contains":
		if text, ok := literalString(args[1]); ok && text == "" {
			return constant(true)
		}
	case functionMatches:
		if text, ok := literalString(args[1]); ok && (text == "" || text == ".*" || text == "^.*$") {
			return constant(true)
		}
	}
	return s.union(args)
}

// logical is the outcome of terms that one value, absorbing, decides alone.
func (s scope) logical(terms []ast.Expr, absorbing truth) outcome {
	all, unknown := outcome{closed: true, claims: map[string]bool{}}, false
	neutral := 0
	for _, term := range terms {
		one := s.outcome(term)
		switch {
		case one.truth == absorbing:
			return constant(absorbing == alwaysTrue)
		case one.truth != open:
			neutral++
			continue
		case one.closed:
			unknown = true
		}
		all.closed = all.closed && one.closed
		maps.Copy(all.claims, one.claims)
	}
	if neutral == len(terms) {
		return constant(absorbing == alwaysFalse)
	}
	// A constant that is not computed here may be the true that makes an alternative of all the rest.
	if unknown && absorbing == alwaysTrue {
		return outcome{closed: true}
	}
	return all
}

func (s scope) conditional(args []ast.Expr) outcome {
	condition := s.outcome(args[0])
	switch {
	case condition.truth == alwaysTrue:
		return s.outcome(args[1])
	case condition.truth == alwaysFalse:
		return s.outcome(args[2])
	case condition.closed:
		return outcome{closed: true} // which branch is not known: neither counts
	}
	yes, no := s.outcome(args[1]), s.outcome(args[2])
	if yes.truth != open && yes.truth == no.truth {
		return constant(yes.truth == alwaysTrue)
	}
	return s.union(args)
}

// comparison is the outcome of an operator that says ofEquals of a value and itself.
func (s scope) comparison(args []ast.Expr, ofEquals bool) outcome {
	if same(args[0], args[1]) {
		return constant(ofEquals)
	}
	return s.union(args)
}

// loop is the outcome of a macro. What the range holds counts when the variable of the loop is used.
func (s scope) loop(loop ast.ComprehensionExpr) outcome {
	start := s.outcome(loop.AccuInit())
	over := s.outcome(loop.IterRange())
	if r := loop.IterRange(); r.Kind() == ast.ListKind && len(r.AsList().Elements()) == 0 {
		return s.with(loop.AccuVar(), start.claims).outcome(loop.Result()) // optMap: no loop, but a name for a value
	}
	inner := s.with(loop.AccuVar(), start.claims).with(loop.IterVar(), over.claims).with(loop.IterVar2(), over.claims)
	step := inner.outcome(loop.LoopStep())
	sum := maps.Clone(start.claims)
	if sum == nil {
		sum = map[string]bool{}
	}
	maps.Copy(sum, step.claims)
	return s.with(loop.AccuVar(), sum).outcome(loop.Result())
}

// same reports whether two expressions are written alike. It says no for macros.
func same(a, b ast.Expr) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case ast.LiteralKind:
		return a.AsLiteral().Equal(b.AsLiteral()) == types.True
	case ast.IdentKind:
		return a.AsIdent() == b.AsIdent()
	case ast.SelectKind:
		if a.AsSelect().FieldName() != b.AsSelect().FieldName() || a.AsSelect().IsTestOnly() != b.AsSelect().IsTestOnly() {
			return false
		}
	case ast.CallKind:
		if a.AsCall().FunctionName() != b.AsCall().FunctionName() || a.AsCall().IsMemberFunction() != b.AsCall().IsMemberFunction() {
			return false
		}
	case ast.ListKind:
	default:
		return false
	}
	left, right := children(a), children(b)
	if len(left) != len(right) {
		return false
	}
	for i := range left {
		if !same(left[i], right[i]) {
			return false
		}
	}
	return true
}
