package console

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	g "maragu.dev/gomponents"

	"github.com/grantor-dev/grantor/api/v1alpha1"
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
	return New(Options{Catalog: objects, Traffic: collector, Hosts: LoopbackHosts(), Version: "v0", Clock: clock, Log: slog.New(slog.DiscardHandler)})
}

// filled returns every page, with a text in every place, and a URL in every place that others fill.
func filled(text, url string) map[string]g.Node {
	row := &catalog.Row{Kind: catalog.Clients, Namespace: text, Name: text, Identifier: text, Method: text, Health: catalog.NotReady, Reason: text, Message: text}
	key := keyThatEnds(testNow, 3)
	key.Row, key.Name, key.Type = row, text, text
	said := []explain.Said{{Name: text, Value: text}}
	check := func(s explain.State) explain.Check {
		return explain.Check{ID: text, Title: text, State: s, Seen: text, Wanted: text, Reason: oauth.ReasonAudienceMismatch, Detail: text, Fix: text + "\n\tlines"}
	}
	report := &explain.Report{
		Verdict: explain.Refused, Reason: oauth.ReasonAudienceMismatch, Error: oauth.InvalidGrant, At: testNow, Client: text, Provider: text, Header: said, Claims: said,
		Checks:  []explain.Check{check(explain.Passed), check(explain.Failed), check(explain.Skipped), check(explain.NotLookedAt)},
		Granted: &explain.Granted{Subject: text, Audience: []string{text}, Scope: text, ExpiresIn: 3600}, Clients: []string{text}, Notes: []string{text},
	}
	busy := sampled(traffic.Sample{Granted: 1, Refused: map[string]float64{text: 2}}, traffic.Sample{Granted: 2, Missing: 1})
	busy.Replicas[0].Address, busy.Errs = text, []error{errors.New(text)}
	busy.Replicas = append(busy.Replicas, traffic.Replica{Address: text, Err: errors.New(text)})
	live := liveData{Summary: summarize(busy), Requests: requestChart(busy), Reasons: totals(busy.Samples), Minutes: minutes(busy.Samples), Replicas: busy.Replicas}
	live.Refusals = refusalChart(busy, live.Reasons)
	months, ch := monthly(testNow, []keyRow{key})
	kind := kindSummary{
		Title: text, Path: url, Tally: catalog.Tally{Total: 1}, Shares: []share{{Health: catalog.Off, Count: 1, Width: 1000, URL: url}}, Reasons: []reasonCount{{text, 1, url}},
	}
	return map[string]g.Node{
		"list": listPage(text, &listData{
			Path: url, Page: catalog.Page{Rows: []*catalog.Row{row}, Number: 2, Pages: 3}, Pager: pager{url, url, url, url},
			Query: catalog.Query{Text: text, Namespace: text, Reason: text}, Filtered: true, Reasons: []reasonCount{{text, 1, url}},
		}),
		"overview": overviewPage(text, &overviewData{Troubled: []*catalog.Row{row}, Next: []keyRow{key}, Kinds: []kindSummary{kind}, Traffic: live.Summary}, testNow),
		"keys": keysPage(text, &keysData{
			Keys: []keyRow{key}, Months: months, Chart: ch, Spans: draw(testNow, []keyRow{key}), Query: catalog.Query{Text: text, Namespace: text},
		}, testNow),
		"live": livePage(text, 10, &live, testNow),
		"object": objectPage(&objectData{
			Row: row, Kind: text, Facts: []fact{{text, text, url}}, Policy: []fact{{text, text, ""}}, Keys: []keyRow{key}, Spec: text + "\n  lines",
			Undated: []v1alpha1.TrustedKey{{KeyID: text, Type: text, Algorithms: []v1alpha1.SignatureAlgorithm{v1alpha1.SignatureAlgorithm(text)}, ThumbprintSHA256: text}},
			Skipped: []v1alpha1.SkippedKey{{Entry: text, Reason: text, Message: text}}, Conditions: []metav1.Condition{{Type: text, Status: metav1.ConditionStatus(text), Reason: text, Message: text}},
		}, testNow),
		"explain": explainPage(text, &explainData{Client: text, Scope: text, Wrong: text, Report: report}),
		"problem": problemPage(text, text),
	}
}

// markup returns the elements of a page with their attributes, without values, and the values of attributes that are URLs.
func markup(t *testing.T, page []byte) (elements, urls []string) {
	t.Helper()
	for z := html.NewTokenizer(bytes.NewReader(page)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type == html.TextToken {
			continue
		}
		s := token.Type.String() + " " + token.Data
		for _, a := range token.Attr {
			s += " " + a.Key
			switch a.Key {
			case "href", "src", "action", "formaction":
				urls = append(urls, a.Val)
			}
		}
		elements = append(elements, s)
	}
	return elements, urls
}

// TestRenderHostile fills every place of a page with hostile text.
func TestRenderHostile(t *testing.T) {
	c := newConsole(t)
	render := func(content map[string]g.Node, name, text string) []byte {
		body, err := c.render(view{Title: text, Outcome: text, Refresh: 10, Content: content[name]})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return body
	}
	harmless := filled("text", "/x")
	for name := range harmless {
		body := render(filled(hostile, "/x"), name, hostile)
		page := string(body)
		for _, bad := range []string{"<script>alert", "%!"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]") {
			t.Errorf("%s does not show it", name)
		}
		if rest := strings.ReplaceAll(page, "value=\"&lt;script&gt;alert(1)&lt;/script&gt;\u202e&#39;&#34;\"", ""); strings.Contains(rest, "\u202e") {
			t.Errorf("%s turns the direction of writing", name)
		}
		got, _ := markup(t, body)
		want, _ := markup(t, render(harmless, name, "text"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is built otherwise, for text that is hostile: %s", name, diff)
		}
		for _, element := range got {
			if strings.Contains(element, " on") || strings.Contains(element, " style") {
				t.Errorf("%s has %s, which the browser is told to ignore", name, element)
			}
		}
	}
}

// TestRenderURLs: no page leads out of the console, whatever is in the place of a URL.
func TestRenderURLs(t *testing.T) {
	c := newConsole(t)
	for _, url := range []string{"javascript:alert(1)", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", ""} {
		for name, content := range filled("text", url) {
			body, err := c.render(view{Refresh: 10, Content: content})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, urls := markup(t, body)
			if len(urls) < 10 {
				t.Errorf("%s has only %q", name, urls)
			}
			for _, u := range urls {
				if !strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "#") || strings.Contains(u, "evil") {
					t.Errorf("%s leads to %q", name, u)
				}
			}
		}
	}
}

// broken is what cannot be rendered.
type broken struct{}

func (broken) Render(io.Writer) error { return errors.New("cannot be written") }

// TestRenderFails: of a page that cannot be made, nothing is sent.
func TestRenderFails(t *testing.T) {
	page := newConsole(t).page(func(*http.Request) (view, error) { return view{Title: "secret", Content: broken{}}, nil })
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "written") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
