package console

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	g "maragu.dev/gomponents"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/explain"
)

// TestPageParts: what a page shows for what there is, and what it leaves out.
func TestPageParts(t *testing.T) {
	ready := &catalog.Row{Kind: catalog.Providers, Namespace: "ns", Name: "a", Health: catalog.Ready, Reason: "Because", KeyCount: 1234}
	broken := &catalog.Row{Kind: catalog.Clients, Namespace: "ns", Name: "b", Health: catalog.NotReady, Reason: "Because", Message: "Mend it."}
	key := keyThatEnds(testNow, 3)
	key.Row = broken
	listed := func(q catalog.Query, rows ...*catalog.Row) g.Node {
		return listPage("Clients", &listData{
			Path: "/clients", Noun: "clients", Query: q, Filtered: q != catalog.Query{}, Healths: catalog.Healths(), Reasons: []reasonCount{{"Known", 3, ""}},
			Page: catalog.Page{Rows: rows, Total: 9, Matching: len(rows), Number: 1, Pages: 1}, First: 1, Last: len(rows),
		})
	}
	condition := func(s metav1.ConditionStatus) *objectData {
		return &objectData{Row: ready, Conditions: []metav1.Condition{{Type: "Ready", Status: s}}}
	}
	verdict := func(r explain.Report) g.Node { return explainPage("Explain", &explainData{Report: &r}) }
	asked := trafficSummary{Asked: true}
	for name, tc := range map[string]struct {
		page         g.Node
		shows, hides string
	}{
		"no objects":             {listPage("", &listData{Noun: "clients"}), "There are no clients yet.", "<table"},
		"none found":             {listed(catalog.Query{Text: "x"}), "None of 9 clients matches.", "<table"},
		"some found":             {listed(catalog.Query{Text: "x"}, broken), "1 to 1 of 1 found among 9 clients", "page="},
		"all listed":             {listed(catalog.Query{}, broken), "1 to 1 of 9 clients", "Clear"},
		"a health that is asked": {listed(catalog.Query{Health: catalog.Off}), `<option value="off" selected>`, `<option value="ready" selected>`},
		"a reason that is asked": {listed(catalog.Query{Reason: "Known"}), `<option value="Known" selected>Known (3)</option>`, "(0)"},
		"a reason nobody has":    {listed(catalog.Query{Reason: "Gone"}), `<option value="Gone" selected>Gone (0)</option>`, `"Known" selected`},
		"no reason is asked":     {listed(catalog.Query{}), "Known (3)", "(0)"},
		"a row that is ready":    {listed(catalog.Query{}, ready), `<td class="wide num">1,234</td>`, "Because"},
		"a row that is broken":   {listed(catalog.Query{}, broken), `<span class="message"><bdi>Mend it.</bdi></span>`, "1,234"},
		"a page of several":      {(&pager{Next: "/x?page=2", Last: "/x?page=3"}).pages(1, 3), `<span aria-disabled="true">First</span>`, `rel="prev"`},
		"nothing known of":       {overviewPage("", &overviewData{Kinds: []kindSummary{{}}}, testNow), "There are none yet.", "Not ready"},
		"more than are shown":    {overviewPage("", &overviewData{Troubled: []*catalog.Row{broken}, More: 5}, testNow), "and 5 more: ", "provider</span>"},
		"all that are troubled":  {overviewPage("", &overviewData{Troubled: []*catalog.Row{broken}, Ended: 1}, testNow), `<dd class="bad">1</dd>`, " more: "},
		"no keys":                {keysPage("", &keysData{}, testNow), "No object has a key that ends.", "Clear"},
		"no keys found":          {keysPage("", &keysData{Query: catalog.Query{Namespace: "x"}}, testNow), "No key that ends matches.", "<table"},
		"keys that ended":        {keysPage("", &keysData{Keys: []keyRow{key}, Chart: &chart{}}, testNow), `<span class="end soon">in 3 days</span>`, "The next to end"},
		"an object as it should": {objectPage(&objectData{Row: ready, Spec: "a: b"}, testNow), "None yet: the operator", "Because"},
		"an object that is not":  {objectPage(&objectData{Row: broken, Cut: true}, testNow), `<p class="notice notready">`, "keys-heading"},
		"a condition":            {objectPage(condition(metav1.ConditionTrue), testNow), `<span class="health ready">True</span>`, "Cut here"},
		"a condition not met":    {objectPage(condition(metav1.ConditionFalse), testNow), `<span class="health notready">False</span>`, "policy-heading"},
		"keys without an end":    {objectPage(&objectData{Row: ready, Undated: make([]v1alpha1.TrustedKey, 1)}, testNow), "<bdi>none</bdi>", "Keys out of"},
		"nothing to explain":     {explainPage("", &explainData{}), "Explain</button>", "verdict-heading"},
		"accepted":               {verdict(explain.Report{Verdict: explain.Accepted, Granted: &explain.Granted{ExpiresIn: 1}}), "1 second</dd>", "Refused"},
		"accepted, of its kind": {
			verdict(explain.Report{Verdict: explain.Accepted, Checks: []explain.Check{{Title: "Not used before", State: explain.NotLookedAt}, {Title: "Signature", State: explain.Passed}}}),
			"As far as could be looked, a token server would issue an access token", "may refuse it for that: Signature",
		},
		"accepted, not used":    {verdict(explain.Report{Verdict: explain.Accepted, Checks: []explain.Check{{Title: "Not used before", State: explain.NotLookedAt}}}), "may refuse it for that: Not used before.", "Refused"},
		"accepted, all seen":    {verdict(explain.Report{Verdict: explain.Accepted}), "Accepted", "may refuse it"},
		"a note":                {verdict(explain.Report{Verdict: explain.Accepted, Notes: []string{"Mind the gap."}}), "Mind the gap.", "Refused"},
		"some clients":          {verdict(explain.Report{Verdict: explain.Accepted, Clients: []string{"a/b"}}), "<bdi>a/b</bdi>", "and perhaps others"},
		"more clients":          {verdict(explain.Report{Verdict: explain.Accepted, Clients: []string{"a/b"}, MoreClients: true}), "and perhaps others", "Refused"},
		"clients not looked at": {verdict(explain.Report{Verdict: explain.Accepted, MoreClients: true}), "others, not all of which were looked at", "and perhaps"},
		"refused":               {verdict(explain.Report{Verdict: explain.Refused, Reason: "expired"}), "none named", "Valid for"},
		"traffic of none":       {livePage("", 0, &liveData{}, testNow), "knows no token servers", "data-"},
		"traffic not counted":   {livePage("", 10, &liveData{Summary: asked}, testNow), "it takes two looks", "<figure"},
		"traffic without fault": {(&liveData{Summary: trafficSummary{Known: true}, Requests: &chart{}, Refusals: &chart{}}).charts(), "None was refused.", "In the last"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := tc.page.Render(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), tc.shows) || strings.Contains(b.String(), tc.hides) {
				t.Errorf("shows %t, hides %t: %s", strings.Contains(b.String(), tc.shows), !strings.Contains(b.String(), tc.hides), b.String())
			}
		})
	}
}
