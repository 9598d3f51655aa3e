package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/test/harness"
)

var (
	// site has the control plane; programs is where prometheus and promtool are.
	site     harness.Site
	programs string
	// chart is what of the chart concerns monitoring.
	chart monitoring
)

// monitoring is a PrometheusRule, a dashboard and a ServiceMonitor.
type monitoring struct {
	rules       []byte // as promtool takes them
	alerts      []alert
	queries     []query
	honorLabels bool
}

type alert struct {
	Alert               string
	Expr                string
	Labels, Annotations map[string]string
}

// query is one of a panel.
type query struct{ panel, expr string }

func TestMain(m *testing.M) {
	os.Exit(harness.Main("monitoring", false, func(ctx context.Context, s harness.Site) (code int, err error) {
		site = s
		cmd := exec.CommandContext(ctx, filepath.Join(harness.ModuleRoot(), "hack", "prometheus.sh"))
		cmd.Stderr = os.Stderr
		folder, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("find prometheus: %w", err)
		}
		programs = strings.TrimSpace(string(folder))
		if chart, err = render(ctx); err != nil {
			return 0, err
		}
		return m.Run(), nil
	}))
}

// render renders the chart and takes from it what concerns monitoring.
func render(ctx context.Context) (m monitoring, err error) {
	renderer, err := harness.Tool(ctx, "render-chart")
	if err != nil {
		return m, err
	}
	on := map[string]any{"enabled": true}
	input, err := json.Marshal(map[string]any{"namespace": "auth", "values": map[string]any{
		"issuer":     "https://grantor.example.com",
		"monitoring": map[string]any{"serviceMonitor": on, "prometheusRule": on, "dashboard": on},
	}})
	if err != nil {
		return m, fmt.Errorf("write values: %w", err)
	}
	cmd := exec.CommandContext(ctx, renderer, filepath.Join(harness.ModuleRoot(), "charts", "grantor")) // #nosec G204 -- a tool of this module
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("render chart: %w", err)
	}
	files := map[string]string{}
	if err := json.Unmarshal(out, &files); err != nil {
		return m, fmt.Errorf("read templates: %w", err)
	}
	for _, text := range files {
		for document := range strings.SplitSeq("\n"+text, "\n---") {
			if err := m.take(document); err != nil {
				return m, err
			}
		}
	}
	if len(m.alerts) == 0 || len(m.queries) == 0 {
		return m, errors.New("the chart has no alerts, or no dashboard")
	}
	return m, nil
}

// take takes what there is to take from one object.
func (m *monitoring) take(text string) (err error) {
	var o struct {
		Kind string
		Spec struct {
			Groups    []struct{ Rules []alert }
			Endpoints []struct{ HonorLabels bool }
		}
		Data map[string]string
	}
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		return nil //nolint:nilerr // Notes are no object.
	}
	switch {
	case o.Kind == "ServiceMonitor":
		m.honorLabels = o.Spec.Endpoints[0].HonorLabels
	case o.Kind == "ConfigMap" && o.Data["grantor.json"] != "":
		return m.takeDashboard(o.Data["grantor.json"])
	case o.Kind == "PrometheusRule":
		var rule struct{ Spec any }
		if err := yaml.Unmarshal([]byte(text), &rule); err != nil {
			return fmt.Errorf("read rules: %w", err)
		}
		if m.rules, err = yaml.Marshal(rule.Spec); err != nil {
			return fmt.Errorf("write rules: %w", err)
		}
		for _, g := range o.Spec.Groups {
			m.alerts = append(m.alerts, g.Rules...)
		}
	}
	return nil
}

func (m *monitoring) takeDashboard(text string) error {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		return fmt.Errorf("read dashboard: %w", err)
	}
	for _, p := range dashboard.Panels {
		for _, t := range p.Targets {
			m.queries = append(m.queries, query{p.Title, t.Expr})
		}
	}
	return nil
}

// promtool runs promtool and returns what it says.
func promtool(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "promtool"), args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
