package claimrules

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
)

const (
	// parserRecursion is how deep an expression may nest.
	parserRecursion = 64
	// maxListRange is the longest lists.range; the budget ends far shorter ones.
	maxListRange = MaxCost
	// maxPrecision is the largest number of decimals that format writes: more of them cost more than they are charged for.
	maxPrecision = 20
	// maxNodes and maxNesting bound a parsed expression: how many parts it has, and how deep lists, maps and loops stand in
	// one another. The cost of checking types grows with both.
	maxNodes   = 600
	maxNesting = 40
	// maxErrorText bounds what is said about a compile error.
	maxErrorText = 512
)

// Compiler compiles rules. It holds what all expressions share and is safe for concurrent use.
type Compiler struct {
	env        *cel.Env
	adapter    types.Adapter
	dispatcher interpreter.Dispatcher
}

// NewCompiler returns a Compiler. The versions of the libraries are fixed: an expression means the same after an upgrade.
func NewCompiler() (*Compiler, error) {
	env, err := cel.NewEnv(
		cel.Variable(claimsVariable, cel.MapType(cel.StringType, cel.DynType)),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)),
		ext.Strings(ext.StringsVersion(5), ext.StringsMaxPrecision(maxPrecision)),
		ext.Sets(ext.SetsVersion(0)),
		ext.Lists(ext.ListsVersion(3), ext.ListsMaxRangeSize(maxListRange)),
		ext.Encoders(ext.EncodersVersion(0)),
		ext.Regex(ext.RegexVersion(0)),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateHomogeneousAggregateLiterals(),
		),
		cel.ParserExpressionSizeLimit(MaxExpressionBytes),
		cel.ParserRecursionLimit(parserRecursion),
		cel.ParserErrorRecoveryLimit(4),
	)
	if err != nil {
		return nil, fmt.Errorf("build CEL environment: %w", err)
	}
	c := &Compiler{env: env, adapter: env.CELTypeAdapter(), dispatcher: interpreter.NewDispatcher()}
	for name, function := range env.Functions() {
		bindings, err := function.Bindings()
		if err != nil {
			return nil, fmt.Errorf("bind function %s: %w", name, err)
		}
		if err := c.dispatcher.Add(bindings...); err != nil {
			return nil, fmt.Errorf("bind function %s: %w", name, err)
		}
	}
	return c, nil
}

// Compile compiles r. It returns nil for rules that say nothing, and a *CompileError for the first that is wrong.
func (c *Compiler) Compile(r Rules) (*Program, error) {
	if len(r.Validations) == 0 && len(r.Mappings) == 0 && r.Subject == "" {
		return nil, nil //nolint:nilnil // there is nothing to evaluate, which callers see at once
	}
	p := &Program{adapter: c.adapter, reads: map[string]bool{}}
	uses := emailUse{}
	if err := c.compileValidations(p, r.Validations, &uses); err != nil {
		return nil, err
	}
	if err := c.compileMappings(p, r.Mappings, &uses); err != nil {
		return nil, err
	}
	if r.Subject != "" {
		compiled, tree, err := c.compileExpression("subject.expression", r.Subject)
		if err != nil {
			return nil, err
		}
		if !takes(tree, types.StringType) {
			return nil, &CompileError{Field: "subject.expression", Line: 1, Column: 1, Message: "must evaluate to a string"}
		}
		p.subject, p.subjectReads = compiled, claimsRead(tree)
		uses.note(compiled.field, tree, true)
	}
	if err := uses.check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *Compiler) compileValidations(p *Program, rules []Validation, uses *emailUse) error {
	if len(rules) > MaxValidations {
		return &CompileError{Field: "claimValidationRules", Message: "may have 16 elements at most"}
	}
	seen := map[string]bool{}
	for i, rule := range rules {
		field := fmt.Sprintf("claimValidationRules[%d]", i)
		if err := checkValidation(field, rule, seen); err != nil {
			return err
		}
		v := validation{claim: rule.Claim, required: rule.RequiredValue, message: rule.Message}
		if rule.Claim != "" {
			v.message = fmt.Sprintf("claim %q must be %q", rule.Claim, rule.RequiredValue)
			p.reads[rule.Claim] = true
			uses.verified = uses.verified || rule.Claim == "email_verified"
			p.validations = append(p.validations, v)
			continue
		}
		compiled, tree, err := c.compileExpression(field+".expression", rule.Expression)
		if err != nil {
			return err
		}
		if !takes(tree, types.BoolType) {
			return &CompileError{Field: compiled.field, Line: 1, Column: 1, Message: "must evaluate to a bool"}
		}
		if v.message == "" {
			v.message = rule.Expression
		}
		v.expression = compiled
		for claim := range claimsRead(tree) {
			p.reads[claim] = true
		}
		uses.note(compiled.field, tree, false)
		p.validations = append(p.validations, v)
	}
	return nil
}

// checkValidation holds a rule to the form that Kubernetes gives it.
func checkValidation(field string, rule Validation, seen map[string]bool) error {
	refuse := func(child, message string) error { return &CompileError{Field: field + child, Message: message} }
	switch {
	case rule.Claim != "" && rule.Expression != "":
		return refuse("", "claim and expression can't both be set")
	case rule.Claim == "" && rule.Expression == "":
		return refuse("", "claim or expression is required")
	case rule.Claim != "" && rule.Message != "":
		return refuse(".message", "may not be set when claim is set")
	case rule.Expression != "" && rule.RequiredValue != "":
		return refuse(".requiredValue", "may not be set when expression is set")
	case len(rule.Message) > MaxMessageBytes || !utf8.ValidString(rule.Message) || strings.ContainsFunc(rule.Message, unicode.IsControl):
		return refuse(".message", "must be UTF-8 of at most 512 bytes without control characters")
	case len(rule.RequiredValue) > MaxRequiredValueBytes || !utf8.ValidString(rule.RequiredValue):
		return refuse(".requiredValue", "must be UTF-8 of at most 1024 bytes")
	case seen["claim "+rule.Claim]:
		return refuse(".claim", "is the claim of another rule; one claim has one required value")
	case seen["expression "+rule.Expression]:
		return refuse(".expression", "is the expression of another rule; remove one")
	}
	if rule.Claim == "" {
		seen["expression "+rule.Expression] = true
		return nil
	}
	seen["claim "+rule.Claim] = true
	if message := checkClaimName(rule.Claim); message != "" {
		return refuse(".claim", message)
	}
	return nil
}

func (c *Compiler) compileMappings(p *Program, mappings []Mapping, uses *emailUse) error {
	if len(mappings) > MaxMappings {
		return &CompileError{Field: "claimMappings", Message: "may have 16 elements at most"}
	}
	seen := map[string]bool{}
	for i, m := range mappings {
		field := fmt.Sprintf("claimMappings[%d]", i)
		if err := CheckMappedClaim(m.Claim); err != nil {
			return &CompileError{Field: field + ".claim", Message: err.Error()}
		}
		if seen[m.Claim] {
			return &CompileError{Field: field + ".claim", Message: "the claim is mapped twice"}
		}
		seen[m.Claim] = true
		compiled, tree, err := c.compileExpression(field+".expression", m.Expression)
		if err != nil {
			return err
		}
		if kind := tree.GetType(tree.Expr().ID()).Kind(); kind == types.BytesKind || kind == types.DurationKind ||
			kind == types.TimestampKind || kind == types.TypeKind {
			return &CompileError{Field: compiled.field, Line: 1, Column: 1, Message: "must evaluate to a JSON value; convert it with string()"}
		}
		uses.note(compiled.field, tree, true)
		p.mappings = append(p.mappings, mapping{claim: m.Claim, expression: compiled})
	}
	return nil
}

// compileExpression parses, checks and plans an expression. One over which cel-go panics is refused: whoever writes it must not
// be able to end a process.
func (c *Compiler) compileExpression(field, text string) (compiled *expression, tree *ast.AST, err error) {
	defer func() {
		if recover() != nil {
			err = &CompileError{Field: field, Line: 1, Column: 1, Message: "cannot be checked: write it in another way; what follows a ? in a list or map must be optional, such as claims.?a"}
			compiled, tree = nil, nil
		}
	}()
	switch {
	case strings.TrimSpace(text) == "":
		return nil, nil, &CompileError{Field: field, Message: "an expression is required"}
	case len(text) > MaxExpressionBytes:
		return nil, nil, &CompileError{Field: field, Message: "an expression may have 2048 bytes at most"}
	case !utf8.ValidString(text):
		return nil, nil, &CompileError{Field: field, Message: "an expression must be UTF-8"}
	}
	parsed, issues := c.env.Parse(text)
	if issues.Err() != nil {
		return nil, nil, issueError(field, issues)
	}
	if err := checkSize(field, parsed.NativeRep().Expr()); err != nil {
		return nil, nil, err
	}
	checked, issues := c.env.Check(parsed)
	if issues.Err() != nil {
		return nil, nil, issueError(field, issues)
	}
	tree = checked.NativeRep()
	p, nodes, err := c.newPlanner(field, tree)
	if err != nil {
		return nil, nil, err
	}
	attributes := interpreter.NewAttributeFactory(c.env.Container, c.adapter, c.env.CELTypeProvider())
	plan, err := interpreter.NewInterpreter(c.dispatcher, c.env.Container, c.env.CELTypeProvider(), c.adapter, attributes).
		NewInterpretable(tree, interpreter.CustomDecoratorV2(p.decorate))
	if err == nil && len(p.charged) != len(p.bodies) {
		err = errors.New("a loop is not charged for")
	}
	if err != nil {
		return nil, nil, &CompileError{Field: field, Line: 1, Column: 1, Message: clean(err.Error())}
	}
	return &expression{field: field, nodes: nodes, plan: plan, names: memberNames(tree)}, tree, nil
}

// checkSize refuses what would take long to check.
func checkSize(field string, root ast.Expr) error {
	nodes, deepest := 0, 0
	var visit func(e ast.Expr, nesting int)
	visit = func(e ast.Expr, nesting int) {
		nodes++
		switch e.Kind() {
		case ast.ListKind, ast.MapKind, ast.StructKind, ast.ComprehensionKind:
			nesting++
			deepest = max(deepest, nesting)
		default:
		}
		if nodes > maxNodes || deepest > maxNesting {
			return
		}
		for _, child := range children(e) {
			visit(child, nesting)
		}
	}
	visit(root, 0)
	switch {
	case nodes > maxNodes:
		return &CompileError{Field: field, Message: "the expression has too many parts: split it, or make it simpler"}
	case deepest > maxNesting:
		return &CompileError{Field: field, Message: "lists, maps and loops stand in one another too deeply: make the expression simpler"}
	}
	return nil
}

// takes reports whether a result of the type that tree has may be of the wanted type.
func takes(tree *ast.AST, wanted *types.Type) bool {
	kind := tree.GetType(tree.Expr().ID()).Kind()
	return kind == wanted.Kind() || kind == types.DynKind || kind == types.AnyKind
}

func issueError(field string, issues *cel.Issues) error {
	list := issues.Errors()
	if len(list) == 0 {
		return &CompileError{Field: field, Line: 1, Column: 1, Message: "not an expression"}
	}
	first := list[0]
	for _, e := range list[1:] {
		if before(e.Location.Line(), e.Location.Column(), first.Location.Line(), first.Location.Column()) {
			first = e
		}
	}
	return &CompileError{
		Field: field, Line: max(1, first.Location.Line()), Column: max(1, first.Location.Column()+1), Message: clean(first.Message),
	}
}

func before(line, column, otherLine, otherColumn int) bool {
	return line < otherLine || line == otherLine && column < otherColumn
}

// clean makes one bounded line of the text of an error.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}
