package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// levelForm is a service level of the page: what is promised, with its metric, and the query.
var levelForm = regexp.MustCompile("(?s)\\*\\*[^`]*\\(`(grantor_[a-z_]+)`\\)[^`]*```promql\\n(.*?)```")

// runbookQuery is a line of a runbook that is a query: it begins with a function of PromQL or names up, and may say what it is for.
var runbookQuery = regexp.MustCompile(`(?m)^((?:sum|histogram_quantile|up)\b[^#\n]*[)}])(?:\s*#.*)?$`)

// testServiceLevels: each query on the page about operations asks for the metric that it names, and is a number from 0 to 1 in
// a Prometheus that has scraped. Nothing fails in this world, so it is near 1; how near says nothing on a busy machine.
func testServiceLevels(t *testing.T, w *world, prometheus string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	levels := levelForm.FindAllStringSubmatch(string(text), -1)
	if len(levels) < 5 || len(levels) != strings.Count(string(text), "```promql") {
		t.Errorf("%d of the queries name their metric", len(levels))
	}
	for _, level := range levels {
		if !strings.Contains(level[2], level[1]) {
			t.Errorf("the query does not ask for %s: %s", level[1], level[2])
		}
		err := harness.Poll(t.Context(), patience, func() error {
			if err := w.caller.load(t.Context()); err != nil {
				return harness.Permanent(err)
			}
			value, err := number(t.Context(), prometheus, level[2])
			if err == nil && !(value >= 0.5 && value <= 1) { // and not NaN
				err = fmt.Errorf("it is %v", value)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", level[2], err)
		}
	}
}

// testRunbookQueries: each query on a runbook asks for metrics that there are, and is one that Prometheus understands.
func testRunbookQueries(t *testing.T, prometheus string) {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(harness.ModuleRoot(), "docs", "runbooks", "Grantor*.md"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range runbookQuery.FindAllStringSubmatch(string(text), -1) {
			asked++
			if _, err := get(t.Context(), prometheus+"/api/v1/query?query="+url.QueryEscape(m[1])); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(page), m[1], err)
			}
			for _, metric := range regexp.MustCompile(`grantor_[a-z_]+`).FindAllString(m[1], -1) {
				if err := ask(t.Context(), prometheus, metric); err != nil {
					t.Errorf("%s asks for %s: %v", filepath.Base(page), metric, err)
				}
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d queries found", asked)
	}
}

// number is what a query finds, which is one number.
func number(ctx context.Context, prometheus, expr string) (float64, error) {
	text, err := get(ctx, prometheus+"/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("%d numbers are found", len(answer.Data.Result))
	}
	value, _ := answer.Data.Result[0].Value[1].(string)
	found, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, fmt.Errorf("read number: %w", err)
	}
	return found, nil
}
