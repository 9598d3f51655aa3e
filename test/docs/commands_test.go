package docs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// shell blocks begin with ```sh and end with ```.
var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```\n")

// runByCI is what .ci/run runs itself; running it from here would not end.
const runByCI = "make test\n"

// TestCommands runs all shell blocks of each page, in order, in one shell, as a reader would.
func TestCommands(t *testing.T) {
	root := harness.ModuleRoot()
	ran := 0
	for _, page := range pages(t, root) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		var script strings.Builder
		for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
			if block[1] != runByCI {
				script.WriteString("cd " + root + "\n" + block[1])
				ran++
			}
		}
		if script.Len() == 0 {
			continue
		}
		t.Run(page, func(t *testing.T) { runScript(t, root, script.String()) })
	}
	if ran < 8 {
		t.Errorf("only %d shell blocks found", ran)
	}
}

func runScript(t *testing.T, root, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	// Job control, so that %1 works as in a terminal; what is left running ends with the shell.
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", "set -m\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"+script)
	cmd.Dir = root
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// pages are all Markdown files that are written by hand, relative to the root.
func pages(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			rel, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, rel)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d pages found", len(found))
	}
	return found
}
