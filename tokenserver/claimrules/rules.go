package claimrules

import (
	"errors"
	"fmt"
	"strconv"
)

// Limits of rules and of what they produce.
const (
	// MaxExpressionBytes bounds one expression.
	MaxExpressionBytes = 2048
	// MaxMessageBytes bounds the message of a validation rule.
	MaxMessageBytes = 512
	// MaxRequiredValueBytes bounds the required value of a claim.
	MaxRequiredValueBytes = 1024
	// MaxValidations and MaxMappings bound the two lists.
	MaxValidations = 16
	MaxMappings    = 16
	// MaxClaimNameBytes bounds the name of a claim, required or mapped.
	MaxClaimNameBytes = 128
	// MaxPayloadBytes bounds the payload; an assertion is never longer.
	MaxPayloadBytes = 16 << 10
	// MaxPayloadDepth is the deepest nesting of the payload, and of a claims set with a mapped value in it, the object
	// itself being 1.
	MaxPayloadDepth = 32
	// MaxCost is the budget of one Evaluate call, all expressions together. A unit is about the evaluation of one node
	// of an expression.
	MaxCost = 100_000
	// MaxSubjectBytes bounds the result of the subject expression.
	MaxSubjectBytes = 512
	// MaxValueBytes and MaxValuesBytes bound the JSON text of one mapped value and of all of them.
	MaxValueBytes  = 4 << 10
	MaxValuesBytes = 16 << 10
)

// Rules are what an identity provider says about claims, as written.
type Rules struct {
	// Validations must all be satisfied; they are evaluated in order, before the rest.
	Validations []Validation
	// Mappings are the claims that an access token gets beside its own.
	Mappings []Mapping
	// Subject is the expression that names the subject; empty means the sub claim.
	Subject string
}

// Validation is one element of claimValidationRules: either Claim and RequiredValue, or Expression and Message.
type Validation struct {
	// Claim is the name of a top-level claim that must be a string equal to RequiredValue.
	Claim, RequiredValue string
	// Expression must be true.
	Expression string
	// Message says what is wrong when Expression is false. It is a constant: no claim enters it.
	Message string
}

// Mapping is one element of claimMappings.
type Mapping struct {
	// Claim is the name that the claim has in the access token.
	Claim string
	// Expression gives its value. Null and an empty optional mean that the claim is left out.
	Expression string
}

// Result is what the expressions made of an assertion.
type Result struct {
	// Subject is empty when there is no subject expression.
	Subject string
	// Claims are in the order of the mappings.
	Claims []Claim
}

// Claim is one claim of an access token.
type Claim struct {
	Name string
	// Value is JSON text: compact, object members sorted by name.
	Value []byte
}

// Errors of Evaluate. All of them refuse the assertion.
var (
	// ErrRuleNotSatisfied means that a validation rule refused the assertion; the error is a *RuleError.
	ErrRuleNotSatisfied = errors.New("claim validation rule not satisfied")
	// ErrEvaluation means that an expression could not be evaluated or has a result that its place does not take.
	ErrEvaluation = errors.New("expression not evaluated")
	// ErrClaims means that the payload is not one strict JSON object.
	ErrClaims = errors.New("claims not readable")
)

// RuleError is the error of a validation rule that is not satisfied.
type RuleError struct {
	// Index is the place of the rule in Rules.Validations.
	Index int
	// Message is the message of the rule or, when it has none, the rule itself.
	Message string
}

// Error says which rule refused and why.
func (e *RuleError) Error() string {
	return "claimValidationRules[" + strconv.Itoa(e.Index) + "]: " + e.Message
}

// Is reports whether target is ErrRuleNotSatisfied.
func (*RuleError) Is(target error) bool { return target == ErrRuleNotSatisfied }

// EvaluationError is the error of an expression that gave no usable result. It holds no value of a claim.
type EvaluationError struct {
	// Field is the expression, in the form of CompileError.Field.
	Field string
	// Reason says what went wrong, in words of this package and of the expression.
	Reason string
	// Cause is the cause of a context that ended, else nil.
	Cause error
}

// Error says which expression failed and why.
func (e *EvaluationError) Error() string { return e.Field + ": " + e.Reason }

// Is reports whether target is ErrEvaluation.
func (*EvaluationError) Is(target error) bool { return target == ErrEvaluation }

// Unwrap returns Cause.
func (e *EvaluationError) Unwrap() error { return e.Cause }

// CompileError says what is wrong with rules.
type CompileError struct {
	// Field is the path of what is wrong: claimValidationRules[0].expression, claimMappings[1].claim, subject.expression.
	Field string
	// Line and Column are where in the expression, both from 1, a column being a character; 0 when it is not about a
	// place in an expression.
	Line, Column int
	// Message is one line.
	Message string
}

// Error puts the parts together.
func (e *CompileError) Error() string {
	if e.Line == 0 {
		return e.Field + ": " + e.Message
	}
	return fmt.Sprintf("%s: %d:%d: %s", e.Field, e.Line, e.Column, e.Message)
}
