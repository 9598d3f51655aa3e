package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grantor-dev/grantor/test/harness"
)

// patience is how long Prometheus may take to know what it is asked for.
const patience = 90 * time.Second

// ServeHTTP takes spans.
func (w *world) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		select {
		case w.spans <- body:
		default: // nobody looks at so many
		}
	}
}

// TestLive: a Prometheus that scrapes all three roles finds what every panel of the dashboard asks for; promtool finds nothing
// wrong with any metric; the page of metrics names them all, and no other; and a trace leads from the metrics to its spans.
func TestLive(t *testing.T) {
	w := newWorld(t)
	prometheus := startPrometheus(t, w.targets)
	t.Run("dashboard", func(t *testing.T) { testDashboard(t, w, prometheus) })
	t.Run("labels", func(t *testing.T) { testLabels(t, prometheus) })
	t.Run("alerts", func(t *testing.T) { testAlertsEvaluate(t, prometheus) })
	t.Run("service levels", func(t *testing.T) { testServiceLevels(t, w, prometheus) })
	t.Run("runbooks", func(t *testing.T) { testRunbookQueries(t, prometheus) })
	t.Run("check", func(t *testing.T) { testCheck(t, w) })
	t.Run("page", func(t *testing.T) { testPage(t, w) })
	t.Run("trace", func(t *testing.T) { testTrace(t, w, prometheus) })
}

func testDashboard(t *testing.T, w *world, prometheus string) {
	t.Helper()
	remaining := slices.Clone(chart.queries)
	err := harness.Poll(t.Context(), patience, func() error {
		if err := w.caller.load(t.Context()); err != nil {
			return harness.Permanent(err)
		}
		var last error
		remaining = slices.DeleteFunc(remaining, func(q query) bool {
			err := ask(t.Context(), prometheus, strings.NewReplacer("$__rate_interval", "10s", "${datasource}", "").Replace(q.expr))
			if err != nil {
				last = fmt.Errorf("%s: %s: %w", q.panel, q.expr, err)
			}
			return err == nil
		})
		return last
	})
	if err != nil {
		t.Error(err)
	}
	for _, q := range remaining {
		t.Errorf("%s finds nothing: %s", q.panel, q.expr)
	}
}

// testLabels: namespace is that of the object.
func testLabels(t *testing.T, prometheus string) {
	t.Helper()
	for _, of := range []string{
		`grantor_key_expiry_timestamp_seconds{namespace="monitoring",name="certified",pod="operator-0"}`,
		`grantor_client_token_requests_total{namespace="monitoring",name="portal",outcome="granted",pod="standalone-0"}`,
		`grantor_trust_ready{namespace="grantor-system",pod="tokenserver-0"}`,
	} {
		if err := ask(t.Context(), prometheus, of); err != nil {
			t.Errorf("%s: %v", of, err)
		}
	}
}

// testAlertsEvaluate: each series that an alert compares is there. What an alert compares with is taken away.
func testAlertsEvaluate(t *testing.T, prometheus string) {
	t.Helper()
	name := regexp.MustCompile(`grantor_[a-z_]+`)
	for _, a := range chart.alerts {
		for _, metric := range name.FindAllString(a.Expr, -1) {
			if err := ask(t.Context(), prometheus, metric); err != nil {
				t.Errorf("%s asks for %s: %v", a.Alert, metric, err)
			}
		}
	}
}

func testCheck(t *testing.T, w *world) {
	t.Helper()
	for name, target := range w.targets {
		text := scrape(t, target)
		out, err := promtool(t, []byte(text), "check", "metrics")
		var own []string
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "grantor_") || err != nil && !strings.Contains(line, "_") {
				own = append(own, line)
			}
		}
		if len(own) > 0 {
			t.Errorf("%s: promtool check metrics: %v\n%s", name, err, strings.Join(own, ""))
		}
		if broken, err := promtool(t, []byte(text+"grantor_made_up_total_ 1\nx{"), "check", "metrics"); err == nil {
			t.Errorf("%s: promtool finds nothing wrong with garbage: %s", name, broken)
		}
	}
}

// family is a metric as the page names it.
type family struct{ kind, labels string }

// testPage compares docs/reference/metrics.md with what the processes export.
func testPage(t *testing.T, w *world) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented, exported := map[string]family{}, map[string]family{}
	row := regexp.MustCompile("(?m)^\\| `(grantor_[a-z_]+)` \\| (\\w+) \\|([^|]*)\\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = family{m[2], strings.ReplaceAll(strings.TrimSpace(m[3]), "`", "")}
	}
	kind := regexp.MustCompile(`(?m)^# TYPE (grantor_[a-z_]+) (\w+)$`)
	label := regexp.MustCompile(`([a-z_]+)="`)
	for _, target := range w.targets {
		text := scrape(t, target)
		for _, m := range kind.FindAllStringSubmatch(text, -1) {
			sample := regexp.MustCompile(`(?m)^` + m[1] + `(?:_bucket)?(\{.*\})? `).FindStringSubmatch(text)
			if sample == nil {
				continue
			}
			var names []string
			for _, l := range label.FindAllStringSubmatch(sample[1], -1) {
				if l[1] != "le" {
					names = append(names, l[1])
				}
			}
			slices.Sort(names)
			exported[m[1]] = family{m[2], strings.Join(names, ", ")}
		}
	}
	if diff := cmp.Diff(exported, documented, cmp.AllowUnexported(family{})); diff != "" {
		t.Errorf("docs/reference/metrics.md (-exported +documented):\n%s", diff)
	}
}

// testTrace: Prometheus has a trace id beside a duration, and the collector the spans of some request, step by step.
func testTrace(t *testing.T, w *world, prometheus string) {
	t.Helper()
	err := harness.Poll(t.Context(), patience, func() error {
		body, err := get(t.Context(), prometheus+"/api/v1/query_exemplars?query=grantor_token_request_duration_seconds_bucket&start=0&end="+fmt.Sprint(time.Now().Unix()+60))
		if err == nil && !strings.Contains(body, `"trace_id":"`) {
			err = fmt.Errorf("no exemplar: %.200s", body)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, step := range []string{"POST /oauth2/token", "parse request", "authenticate client", "select grant", "verify", "authorize", "redeem", "mint", "respond"} {
		seen[step] = false
	}
	for len(w.spans) > 0 {
		var data tracepb.TracesData
		if err := proto.Unmarshal(<-w.spans, &data); err != nil {
			t.Fatal(err)
		}
		for _, of := range data.GetResourceSpans() {
			for _, s := range of.GetScopeSpans()[0].GetSpans() {
				seen[s.GetName()] = true
			}
		}
	}
	for step, was := range seen {
		if !was {
			t.Errorf("the collector has no span %q", step)
		}
	}
}

func scrape(t *testing.T, target string) string {
	t.Helper()
	text, err := get(t.Context(), "http://"+target+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func get(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %.300s", response.Status, text)
	}
	return string(text), nil
}

// ask asks Prometheus, and returns an error when it finds no number.
func ask(ctx context.Context, prometheus, expr string) error {
	text, err := get(ctx, prometheus+"/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			return nil
		}
	}
	return errors.New("nothing is found")
}
