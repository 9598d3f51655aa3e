package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples: each command that help and the reference show is one of ours, with flags that it has and as many arguments as it takes.
func TestExamples(t *testing.T) {
	seen := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, below := range cmd.Commands() {
			look(below)
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(cmd.Example, "\\\n", " "), "\n") {
			if strings.TrimSpace(line) != "" {
				seen++
				tryExample(t, cmd.Name(), line)
			}
		}
	}
	look(Command())
	if seen < 10 {
		t.Errorf("only %d examples found", seen)
	}
}

// tryExample parses the command of an example up to where a shell would do something else.
func tryExample(t *testing.T, name, line string) {
	t.Helper()
	words := strings.Fields(line)
	if i := slices.IndexFunc(words, func(w string) bool { return w == "<" || w == ">" || w == "|" }); i >= 0 {
		words = words[:i]
	}
	if words[0] == "kubectl" {
		words = words[1:] // Where it does not call its plugin, test/e2e does the like.
		if words[0] != "grantor" {
			return
		}
	}
	cmd, rest, err := Command().Find(words[1:])
	if err != nil || words[0] != "grantor" || cmd.Name() != name {
		t.Errorf("%s: not a use of %s: %v", line, name, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}
