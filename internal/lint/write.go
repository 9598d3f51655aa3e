package lint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

func compare(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// place is file:line:column, as far as they are known.
func (f Finding) place() string {
	switch {
	case f.Line == 0:
		return f.File
	case f.Column == 0:
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
}

// WriteText writes a line for each finding, as compilers do.
func WriteText(w io.Writer, findings []Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "%s: %s: %s (%s)\n", f.place(), f.Severity, f.Message, f.Rule); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	return nil
}

// WriteJSON writes the findings as one list.
func WriteJSON(w io.Writer, findings []Finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(findings); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

// WriteGitHub writes commands that a workflow of GitHub Actions makes annotations of.
func WriteGitHub(w io.Writer, findings []Finding) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range findings {
		at := "file=" + property.Replace(f.File)
		if f.Line > 0 {
			at += fmt.Sprintf(",line=%d", f.Line)
		}
		if f.Column > 0 {
			at += fmt.Sprintf(",col=%d", f.Column)
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", f.Severity, at, property.Replace(f.Rule), data.Replace(f.Message)); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	return nil
}
