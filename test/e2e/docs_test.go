package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// helmBlock is for a reader who has a cluster and helm, and stands in the folder of the sources.
var helmBlock = regexp.MustCompile("(?s)```sh helm\n(.*?)```\n")

// TestDocs does what the page about installing says, in the order in which somebody would. It begins and ends without Grantor
// in the cluster.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	bySection := map[string][]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		for _, block := range helmBlock.FindAllStringSubmatch(text, -1) {
			bySection[name] = append(bySection[name], block[1])
		}
	}
	i := &installation{t: t, images: environment(t)}
	for _, step := range []struct {
		section string
		block   int
	}{
		{"With Helm", 0}, {"Whom to trust", 0}, {"Upgrading", 0}, {"Uninstalling", 0}, {"Uninstalling", 1}, {"Without Helm", 0},
	} {
		if len(bySection[step.section]) <= step.block {
			t.Fatalf("the section %s has no block %d", step.section, step.block)
		}
		block := bySection[step.section][step.block]
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block) // #nosec G204 -- what the page says
		cmd.Dir = harness.ModuleRoot()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s%s\n%s", step.section, err, block, out, wholeTruth(t.Context()))
		}
	}
	for _, deployment := range []string{"grantor-operator", "grantor-tokenserver"} {
		i.rolledOut(deployment)
	}
	i.kubectl("delete", "-k", filepath.Join(harness.ModuleRoot(), "config", "default"), "--timeout=120s")
	run := 0
	for _, blocks := range bySection {
		run += len(blocks)
	}
	if run != 6 {
		t.Errorf("%d blocks are marked to be run, and 6 are", run)
	}
}
