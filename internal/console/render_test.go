package console

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/console/traffic"
	"github.com/grantor-dev/grantor/internal/explain"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// hostile is text that must be seen as it is.
const hostile = "<script>alert(1)</script>\u202e'\""

// newConsole returns a console whose catalog is empty, and never filled.
func newConsole(t *testing.T) *Console {
	t.Helper()
	clock := func() time.Time { return testNow }
	objects, err := catalog.New(catalog.Options{Config: &rest.Config{Host: "http://127.0.0.1:1"}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	collector, err := traffic.New(traffic.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Catalog: objects, Traffic: collector, Hosts: LoopbackHosts(), Version: "v0", Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRenderHostile fills every place of a page with hostile text.
func TestRenderHostile(t *testing.T) {
	row := &catalog.Row{Kind: catalog.Clients, Namespace: hostile, Name: hostile, Identifier: hostile, Method: hostile, Health: catalog.NotReady, Reason: hostile, Message: hostile}
	key := keyThatEnds(testNow, 3)
	key.Row, key.Name, key.Type = row, hostile, hostile
	said := []explain.Said{{Name: hostile, Value: hostile}}
	check := func(s explain.State) explain.Check {
		return explain.Check{ID: hostile, Title: hostile, State: s, Seen: hostile, Wanted: hostile, Reason: oauth.ReasonAudienceMismatch, Detail: hostile, Fix: hostile + "\n\tlines"}
	}
	report := &explain.Report{
		Verdict: explain.Refused, Reason: oauth.ReasonAudienceMismatch, Error: oauth.InvalidGrant, At: testNow, Client: hostile, Provider: hostile, Header: said, Claims: said,
		Checks:  []explain.Check{check(explain.Passed), check(explain.Failed), check(explain.Skipped), check(explain.NotLookedAt)},
		Granted: &explain.Granted{Subject: hostile, Audience: []string{hostile}, Scope: hostile, ExpiresIn: 3600}, Clients: []string{hostile},
	}
	busy := sampled(traffic.Sample{Granted: 1, Refused: map[string]float64{hostile: 2}}, traffic.Sample{Granted: 2, Missing: 1})
	busy.Replicas[0].Address = hostile
	live := liveData{Summary: summarize(busy), Requests: requestChart(busy), Reasons: totals(busy.Samples), Minutes: minutes(busy.Samples), Replicas: busy.Replicas}
	live.Refusals = refusalChart(busy, live.Reasons)
	months, ch := monthly(testNow, []keyRow{key})
	c := newConsole(t)
	for name, data := range map[string]any{
		"list":     listData{Path: "/clients", Page: catalog.Page{Rows: []*catalog.Row{row}}, Query: catalog.Query{Text: hostile, Namespace: hostile, Reason: hostile}, Filtered: true},
		"overview": overviewData{Troubled: []*catalog.Row{row}, Next: []keyRow{key}, Kinds: []kindSummary{{Reasons: byCount(catalog.Clients, map[string]int{hostile: 1})}}, Traffic: live.Summary},
		"keys":     keysData{Keys: []keyRow{key}, Months: months, Chart: ch, Spans: draw(testNow, []keyRow{key}), Query: catalog.Query{Text: hostile}},
		"live":     live,
		"object":   objectData{Row: row, Facts: []fact{{"Issuer", hostile, "/x"}}, Keys: []keyRow{key}, Spec: hostile + "\n  lines"},
		"explain":  explainData{Client: hostile, Report: report},
		"problem":  hostile,
	} {
		body, err := c.render(view{Page: name, Title: hostile, Data: data})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		page := string(body)
		for _, bad := range []string{"<script>alert", "ZgotmplZ", "<no value>", "%!"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;[U&#43;202E]") {
			t.Errorf("%s does not show it", name)
		}
		if rest := strings.ReplaceAll(page, "value=\"&lt;script&gt;alert(1)&lt;/script&gt;\u202e&#39;&#34;\"", ""); strings.Contains(rest, "\u202e") {
			t.Errorf("%s turns the direction of writing", name)
		}
	}
}
