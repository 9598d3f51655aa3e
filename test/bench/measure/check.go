package measure

import (
	"fmt"
	"strings"
)

// Check is a row of the table of targets; one without a target only informs.
type Check struct {
	Name, Target, Measured string
	Met                    bool
	// Speed says that the outcome depends on how fast the machine is, and what else it does.
	Speed bool
}

// Missed are the checks that failed. Those of speed do not count for a smoke run.
func Missed(checks []Check, smoke bool) (missed []Check) {
	for _, c := range checks {
		if c.Target != "" && !c.Met && (!smoke || !c.Speed) {
			missed = append(missed, c)
		}
	}
	return missed
}

// TargetTable is the table of targets.
func TargetTable(checks []Check) string {
	var b strings.Builder
	b.WriteString("| What | Target | Measured | |\n|---|---|---|---|\n")
	for _, c := range checks {
		verdict := "met"
		switch {
		case c.Target == "":
			verdict = ""
		case !c.Met:
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.Name, c.Target, c.Measured, verdict)
	}
	return b.String()
}
