package docs

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestOtherYAML: what is YAML on a page and no object is values of the chart, which it takes, or at least YAML.
func TestOtherYAML(t *testing.T) {
	known := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder(), "values.yaml"))), &known); err != nil {
		t.Fatal(err)
	}
	rendered := 0
	for page, list := range blocks(t, yamlBlock) {
		for _, block := range list {
			if strings.Contains(block, "apiVersion: ") {
				continue // TestManifests has it.
			}
			values := map[string]any{}
			if err := yaml.Unmarshal([]byte(block), &values); err != nil {
				t.Errorf("%s: %v\n%s", page, err, block)
			}
			if areValues(values, known) {
				rendered++
				if out, err := renderValues(t, values); err != nil {
					t.Errorf("%s: %v: %s\n%s", page, err, out, block)
				}
			}
		}
	}
	if rendered < 2 {
		t.Errorf("only %d blocks with values found", rendered)
	}
}

func chartFolder() string { return filepath.Join(harness.ModuleRoot(), "charts", "grantor") }

// renderValues renders the chart with values of a page, and with an issuer.
func renderValues(t *testing.T, values map[string]any) ([]byte, error) {
	t.Helper()
	renderer, err := harness.Tool(t.Context(), "render-chart")
	if err != nil {
		t.Fatal(err)
	}
	values["issuer"] = "https://auth.example.com"
	input, err := json.Marshal(map[string]any{"namespace": "grantor-system", "values": values})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), renderer, chartFolder())
	cmd.Stdin = bytes.NewReader(input)
	return cmd.CombinedOutput()
}

// areValues reports whether all names are those of values of the chart.
func areValues(values, known map[string]any) bool {
	for name := range values {
		if _, ok := known[name]; !ok {
			return false
		}
	}
	return len(values) > 0
}
