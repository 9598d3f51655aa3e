package claimrules

import (
	"context"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// Program is compiled rules. It is immutable and safe for concurrent use.
type Program struct {
	adapter     types.Adapter
	validations []validation
	mappings    []mapping
	subject     *expression
	// reads are the claims that the validations depend on, and subjectReads those that the subject does.
	reads, subjectReads map[string]bool
}

type validation struct {
	claim, required string
	// expression is nil when there is a claim.
	expression *expression
	message    string
}

type mapping struct {
	claim      string
	expression *expression
}

// expression is a planned expression.
type expression struct {
	field string
	nodes int64
	plan  interpreter.InterpretableV2
	names map[string]bool
}

// ReadsClaim reports whether the outcome of a validation rule depends on the value of the top-level claim called name.
//
// It looks at the expressions alone and errs towards no: the claim must be named, as claims.x, claims["x"], claims.?x or
// claims[?"x"] or as the claim of a rule with a required value; has(claims.x) and "x" in claims do not count, and neither
// does what a constant absorbs. It cannot see that a condition holds for every value a claim will ever have.
func (p *Program) ReadsClaim(name string) bool { return p != nil && p.reads[name] }

// SubjectReadsClaim reports whether the subject expression depends on the value of a top-level claim, in the same way.
func (p *Program) SubjectReadsClaim(name string) bool { return p != nil && p.subjectReads[name] }

// Evaluate holds the claims in payload, of an assertion that is otherwise valid, to the rules and returns what the
// expressions make of them. Validations come first, in order; the first that is not satisfied ends it. A nil Program has
// no rules and does not look at payload.
//
// An error is a *RuleError (ErrRuleNotSatisfied), an *EvaluationError (ErrEvaluation) or wraps ErrClaims.
func (p *Program) Evaluate(ctx context.Context, payload []byte) (Result, error) {
	if p == nil {
		return Result{}, nil
	}
	claims, err := decode(payload, p.adapter)
	if err != nil {
		return Result{}, err
	}
	vars := &activation{claims: claims, meter: newMeter(ctx)}
	for i := range p.validations {
		if err := p.validations[i].hold(i, claims, vars); err != nil {
			return Result{}, err
		}
	}
	result := Result{}
	if p.subject != nil {
		value, err := p.subject.evaluate(vars)
		if err != nil {
			return Result{}, err
		}
		subject, ok := subjectOf(value)
		if !ok {
			return Result{}, p.subject.fail(notSubject)
		}
		result.Subject = subject
	}
	if result.Claims, err = p.mapClaims(vars); err != nil {
		return Result{}, err
	}
	return result, nil
}

func (v *validation) hold(i int, claims traits.Mapper, vars *activation) error {
	if v.expression == nil {
		value, ok := claims.Find(types.String(v.claim))
		if s, isString := value.(types.String); !ok || !isString || string(s) != v.required {
			return &RuleError{Index: i, Message: v.message}
		}
		return nil
	}
	value, err := v.expression.evaluate(vars)
	if err != nil {
		return err
	}
	satisfied, ok := value.(types.Bool)
	switch {
	case !ok:
		return v.expression.fail(notBool)
	case !bool(satisfied):
		return &RuleError{Index: i, Message: v.message}
	}
	return nil
}

func (p *Program) mapClaims(vars *activation) ([]Claim, error) {
	if len(p.mappings) == 0 {
		return nil, nil
	}
	list, total := make([]Claim, 0, len(p.mappings)), 0
	for i := range p.mappings {
		m := &p.mappings[i]
		value, err := m.expression.evaluate(vars)
		if err != nil {
			return nil, err
		}
		value, out := omitted(value)
		if out {
			continue
		}
		text, reason := appendJSON(nil, value, 2) // a member of the claims set
		if reason != "" {
			return nil, m.expression.fail(reason)
		}
		if total += len(text); total > MaxValuesBytes {
			return nil, m.expression.fail(tooLargeTotal)
		}
		list = append(list, Claim{Name: m.claim, Value: text})
	}
	return list, nil
}

func (e *expression) fail(reason string) error {
	return &EvaluationError{Field: e.field, Reason: reason}
}

// evaluate returns the value of e, which is no error.
func (e *expression) evaluate(vars *activation) (value ref.Val, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			value, err = nil, e.recovered(caught)
		}
	}()
	vars.meter.charge(e.nodes)
	frame, err := interpreter.NewExecutionFrame(vars)
	if err != nil {
		return nil, e.fail("internal error: no frame")
	}
	defer frame.Close()
	value = e.plan.Exec(frame)
	if types.IsUnknownOrError(value) {
		return nil, e.fail(e.explain(value))
	}
	return value, nil
}

// recovered makes an error of a panic: one of the meter, or one of a function of CEL, which refuses the assertion too.
func (e *expression) recovered(caught any) error {
	if s, ok := caught.(stop); ok {
		return &EvaluationError{Field: e.field, Reason: s.reason, Cause: s.cause}
	}
	return e.fail("internal error of a function")
}

// explain says what is wrong in words of the expression: the text of the error may hold the value of a claim.
func (e *expression) explain(value ref.Val) string {
	failure, ok := value.(*types.Err)
	if !ok {
		return "the result is unknown"
	}
	text := failure.Error()
	if key, ok := strings.CutPrefix(text, "no such key: "); ok && e.names[key] {
		return "there is no member " + key + "; test it with has() or select it with .?"
	}
	switch {
	case strings.HasPrefix(text, "no such overload"):
		return "a function or operator does not take values of these types"
	case strings.HasPrefix(text, "no such key"):
		return "a member or element is missing"
	}
	return "a function or operator failed"
}
