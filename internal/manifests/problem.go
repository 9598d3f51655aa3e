package manifests

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is something wrong in a file.
type Problem struct {
	File string
	// Line and Column begin at 1; a Line of 0 means the whole file.
	Line, Column int
	// Rule names what is wrong, in one word or two with a hyphen.
	Rule string
	// Message says what is wrong and what to do, without values of Secrets.
	Message string
}

// String returns file:line: message, as compilers do.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// The rules of what makes a file be refused.
const (
	// RuleFile is about the file as a whole, and RuleYAML about what is no YAML.
	RuleFile = "file"
	RuleYAML = "yaml"
	// RuleObject is about what is no Kubernetes object, or one of no kind that there is.
	RuleObject = "object"
	// RuleUnknownField, RuleSchema and RuleValidation are what the API server refuses: a field that does not exist, a value that
	// does not fit the schema, and one that a validation rule of the definition is against.
	RuleUnknownField = "unknown-field"
	RuleSchema       = "schema"
	RuleValidation   = "validation-rule"
	// RuleMetadata is about names, labels and the like.
	RuleMetadata = "metadata"
	// RuleDuplicate is about an object that is declared twice.
	RuleDuplicate = "duplicate"
	// RuleIgnored is about an object of a kind that has no meaning here.
	RuleIgnored = "ignored"
)

// Problems is a list of problems as an error.
//
//nolint:errname // It is what the user calls it, and a list.
type Problems []Problem

// Error returns one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}
