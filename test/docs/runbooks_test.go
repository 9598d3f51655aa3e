package docs

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// runbookBlock is for somebody who was called by an alert; test/e2e runs what asks the cluster.
var runbookBlock = regexp.MustCompile("(?s)```sh runbook\n(.*?)```\n")

// runbookCommands are the lines of runbooks that begin with a word, with names for what they leave open.
func runbookCommands(t *testing.T, program string, names ...string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(harness.ModuleRoot(), "docs", "runbooks", "Grantor*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range runbookBlock.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[1]) {
				if strings.HasPrefix(line, program) {
					lines = append(lines, strings.NewReplacer(names...).Replace(line))
				}
			}
		}
	}
	if len(lines) < 2 {
		t.Fatalf("only %d lines begin with %q", len(lines), program)
	}
	return lines
}

// TestValkeyCommands asks a real server what the runbooks say to ask it. The client goes by the name that it has here.
func TestValkeyCommands(t *testing.T) {
	client, err := exec.LookPath("valkey-cli")
	if err != nil {
		if client, err = exec.LookPath("redis-cli"); err != nil {
			t.Fatal("there is neither valkey-cli nor redis-cli. On Debian: apt-get install redis-tools")
		}
	}
	state, err := harness.StartValkey(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(state.Stop)
	host, port, err := net.SplitHostPort(state.Address)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range runbookCommands(t, "valkey-cli ", "valkey-cli -h VALKEY", client+" -h "+host+" -p "+port) {
		out, err := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", line).CombinedOutput()
		if err != nil || strings.Contains(string(out), "ERR") || strings.Contains(line, "ping") && strings.TrimSpace(string(out)) != "PONG" {
			t.Errorf("%s%v: %s", line, err, out)
		}
	}
}

// TestNoCommandIsLeftOut: a command that is not marked to be run is one that needs what no test has, or that something else runs.
func TestNoCommandIsLeftOut(t *testing.T) {
	root := harness.ModuleRoot()
	elsewhere := map[string]string{
		"make image-archive IMAGE=grantor:dev":           "test/image packs it",
		"kind load image-archive dist/grantor-image.tar": "kind needs Docker",
		"helm install grantor charts/grantor --namespace grantor-system --create-namespace --values charts/grantor/ci/production-values.yaml": "test/chart renders it; it wants a Prometheus operator and cert-manager",
		"kubectl -n grantor-system port-forward service/grantor-console 8082:80":                                                              "test/e2e does it",
		"grantor console --kubeconfig ~/.kube/config":                                                                                         "test/console starts it",
	}
	command := regexp.MustCompile(`^([$#>] |sudo )*(kubectl|helm|make|grantor|curl|jq|kind|docker|podman|git|go|npm|bash|sh|cat|valkey-cli|redis-cli|openssl|hack/\S+|\./\S+|bin/\S+|export) `)
	seen := map[string]bool{}
	for _, page := range pages(t, root) {
		if page == "CONTRIBUTING.md" { // whose commands hack/test-e2e.sh runs
			continue
		}
		for _, line := range plainLines(t, filepath.Join(root, page)) {
			if line, _, _ = strings.Cut(line, "   # "); !command.MatchString(line) {
				continue
			}
			seen[line] = true
			if elsewhere[line] == "" {
				t.Errorf("%s: nothing runs: %s", page, line)
			}
		}
	}
	for line := range elsewhere {
		if !seen[line] {
			t.Errorf("no page says any more: %s", line)
		}
	}
}

// plainLines are those of a page that stand in blocks of no language.
func plainLines(t *testing.T, page string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inside, plain := false, false
	for line := range strings.SplitSeq(string(text), "\n") {
		if language, fence := strings.CutPrefix(line, "```"); fence {
			inside = !inside
			plain = inside && language == ""
		} else if plain {
			lines = append(lines, line)
		}
	}
	return lines
}
