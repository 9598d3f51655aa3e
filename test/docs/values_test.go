package docs

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestValues: the chart takes the values on the pages.
func TestValues(t *testing.T) {
	rendered := 0
	for _, d := range documents(t) {
		values, ok := d.content.(map[string]any)
		if !ok || d.is != isValues {
			continue
		}
		rendered++
		if out, err := renderValues(t, values); err != nil {
			t.Errorf("%s: %v: %s\n%s", d.page, err, out, d.text)
		}
	}
	if rendered < 2 {
		t.Errorf("only %d blocks with values found", rendered)
	}
}

// chartValues are the values that the chart has.
func chartValues(t *testing.T) map[string]any {
	t.Helper()
	known := map[string]any{}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartFolder(), "values.yaml"))), &known); err != nil {
		t.Fatal(err)
	}
	return known
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
