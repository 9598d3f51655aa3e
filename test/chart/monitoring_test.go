package chart

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/grantor-dev/grantor/test/harness"
)

var metricName = regexp.MustCompile(`grantor_[a-z_]+`)

// metricsOfTheProgram are the names of what the code registers.
func metricsOfTheProgram(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	quoted := regexp.MustCompile(`"(grantor_[a-z_]+)"`)
	for _, dir := range []string{"controllers", "internal", "tokenserver"} {
		err := filepath.WalkDir(filepath.Join(harness.ModuleRoot(), dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
				// The agent is in the pods of workloads, which the chart does not install.
				if !strings.HasPrefix(m[1], "grantor_agent_") {
					known[m[1]] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(known) < 20 {
		t.Fatalf("only %d metrics are found: %v", len(known), known)
	}
	return known
}

// mustExist checks every metric in a query; a histogram has three series.
func mustExist(t *testing.T, known map[string]bool, where, query string) {
	t.Helper()
	found := metricName.FindAllString(query, -1)
	if len(found) == 0 && !regexp.MustCompile(`\b((process|go)_[a-z_]+|up)\{`).MatchString(query) {
		t.Errorf("%s asks for nothing of Grantor's: %s", where, query)
	}
	for _, name := range found {
		if !known[name] && !known[strings.TrimSuffix(name, "_bucket")] && !known[strings.TrimSuffix(name, "_count")] {
			t.Errorf("%s asks for %s, which there is not", where, name)
		}
	}
	if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
		t.Errorf("%s is not whole: %s", where, query)
	}
}

// TestAlerts: every alert asks for metrics that there are, says how bad it is, and what it means.
func TestAlerts(t *testing.T) {
	known := metricsOfTheProgram(t)
	rule := render(t, "auth", with("monitoring.prometheusRule.enabled", true)).get(t, "PrometheusRule", "grantor")
	groups, _, err := unstructured.NestedSlice(rule.Object, "spec", "groups")
	if err != nil || len(groups) != 1 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	group, _ := groups[0].(map[string]any)
	rules, _, err := unstructured.NestedSlice(group, "rules")
	if err != nil || len(rules) < 10 {
		t.Fatalf("%d alerts, %v", len(rules), err)
	}
	for _, r := range rules {
		alert, _ := r.(map[string]any)
		name, _ := alert["alert"].(string)
		query, _ := alert["expr"].(string)
		mustExist(t, known, name, query)
		severity, _, err := unstructured.NestedString(alert, "labels", "severity")
		if err != nil || !regexp.MustCompile(`^(critical|warning|info)$`).MatchString(severity) {
			t.Errorf("%s has the severity %q, %v", name, severity, err)
		}
		for _, text := range []string{"summary", "description"} {
			if s, _, err := unstructured.NestedString(alert, "annotations", text); err != nil || !strings.HasSuffix(s, ".") {
				t.Errorf("%s has the %s %q, %v", name, text, s, err)
			}
		}
	}
}

// TestDashboard: it is whole, and every panel asks for metrics that there are. Every metric of the program has a panel or an
// alert.
func TestDashboard(t *testing.T) {
	known := metricsOfTheProgram(t)
	m := render(t, "auth", with("monitoring.dashboard.enabled", true))
	text, _, err := unstructured.NestedString(m.get(t, "ConfigMap", "grantor-dashboard").Object, "data", "grantor.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range dashboard.Panels {
		if seen[p.ID] || p.Title == "" || (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %d %q is there twice, or empty", p.ID, p.Title)
		}
		seen[p.ID] = true
		for _, target := range p.Targets {
			mustExist(t, known, p.Title, target.Expr)
		}
	}
	rules, err := os.ReadFile(filepath.Join(folder, "files", "monitoring", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range known {
		if !strings.Contains(text, name) && !strings.Contains(string(rules), name) {
			t.Errorf("nobody looks at %s", name)
		}
	}
}
