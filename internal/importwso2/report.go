package importwso2

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Verdict says what became of an element.
type Verdict string

// The verdicts.
const (
	// Carried means that it is there, with the same meaning.
	Carried Verdict = "carried over"
	// Changed means that it is there in another way, which the reason tells.
	Changed Verdict = "changed"
	// Lost means that nothing does what it does.
	Lost Verdict = "lost"
	// NoEffect means that no request to the token endpoint depends on it.
	NoEffect Verdict = "no effect"
	// Refused means that the object that it belongs to is not written.
	Refused Verdict = "refused"
)

// Line is what became of one element of a file.
type Line struct {
	File string
	Line int
	// Path is the element, without its root's.
	Path    string
	Verdict Verdict
	// Into is the field that it became, or empty.
	Into string
	// Why is the reason where it is not carried over, or empty.
	Why string
}

// Result is what an import made.
type Result struct {
	// Objects are in the order in which they are to be applied.
	Objects []Object
	Lines   []Line
	// Notes say what the files cannot know and somebody has to look at.
	Notes []string
}

// Has reports whether any element has the verdict.
func (r Result) Has(v Verdict) bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Verdict == v })
}

// WriteReport writes what became of each element, what matters first.
func (r Result) WriteReport(w io.Writer) error {
	var b strings.Builder
	for _, v := range []Verdict{Refused, Lost, Changed, Carried, NoEffect} {
		n := 0
		for _, l := range r.Lines {
			if l.Verdict != v {
				continue
			}
			if n == 0 {
				fmt.Fprintf(&b, "%s:\n", v)
			}
			n++
			fmt.Fprintf(&b, "  %s:%d: %s", l.File, l.Line, l.Path)
			if l.Into != "" {
				fmt.Fprintf(&b, " → %s", l.Into)
			}
			if l.Why != "" {
				fmt.Fprintf(&b, ": %s", l.Why)
			}
			b.WriteByte('\n')
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
