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
	// Line begins at 1; 0 means the whole file.
	Line int
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
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return ps
}
