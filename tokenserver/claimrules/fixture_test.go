package claimrules

import (
	"errors"
	"strings"
	"testing"
)

func compiler(tb testing.TB) *Compiler {
	tb.Helper()
	c, err := NewCompiler()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func compile(tb testing.TB, r Rules) *Program {
	tb.Helper()
	p, err := compiler(tb).Compile(r)
	if err != nil {
		tb.Fatalf("Compile: %v", err)
	}
	return p
}

func rule(expression string) Rules { return Rules{Validations: []Validation{{Expression: expression}}} }

func mapped(expression string) Rules {
	return Rules{Mappings: []Mapping{{Claim: "out", Expression: expression}}}
}

func evaluationReason(tb testing.TB, err error) string {
	tb.Helper()
	var failure *EvaluationError
	if !errors.As(err, &failure) || !errors.Is(err, ErrEvaluation) {
		tb.Fatalf("error %v, want an *EvaluationError", err)
	}
	return failure.Reason
}

func list(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}
