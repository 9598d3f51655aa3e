package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

func TestQueryOf(t *testing.T) {
	for text, want := range map[string]struct {
		query  catalog.Query
		number int
		values string
	}{
		"":                                       {catalog.Query{}, 1, ""},
		"q=+a+b+&page=3":                         {catalog.Query{Text: "a b"}, 3, "q=a+b"},
		"page=x":                                 {catalog.Query{}, 1, ""},
		"page=-4":                                {catalog.Query{}, -4, ""},
		"health=ready&other":                     {catalog.Query{Health: catalog.Ready}, 1, "health=ready"},
		"namespace=team-a&reason=Pending":        {catalog.Query{Namespace: "team-a", Reason: "Pending"}, 1, "namespace=team-a&reason=Pending"},
		"q=" + strings.Repeat("a", maxQuery+100): {catalog.Query{Text: strings.Repeat("a", maxQuery)}, 1, "q=" + strings.Repeat("a", maxQuery)},
	} {
		q, number, values := queryOf(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/clients?"+text, http.NoBody))
		if q != want.query || number != want.number || values.Encode() != want.values {
			t.Errorf("%.40s: %+v, page %d, %s", text, q, number, values.Encode())
		}
	}
}

func TestPager(t *testing.T) {
	for name, tc := range map[string]struct {
		number, pages int
		want          pager
	}{
		"the only page": {1, 1, pager{}},
		"the first":     {1, 3, pager{Next: "/clients?page=2&q=a", Last: "/clients?page=3&q=a"}},
		"between":       {2, 3, pager{"/clients?page=1&q=a", "/clients?page=1&q=a", "/clients?page=3&q=a", "/clients?page=3&q=a"}},
		"the last":      {3, 3, pager{First: "/clients?page=1&q=a", Previous: "/clients?page=2&q=a"}},
	} {
		if diff := cmp.Diff(tc.want, newPager("/clients", url.Values{"q": {"a"}}, tc.number, tc.pages)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestShares: the parts of a bar fill it, and none is too narrow to be seen.
func TestShares(t *testing.T) {
	tally := catalog.Tally{Total: 100_000, ByHealth: make(map[catalog.Health]int)}
	tally.ByHealth[catalog.Ready], tally.ByHealth[catalog.NotReady], tally.ByHealth[catalog.Off] = 99_998, 1, 1
	parts := shares(catalog.Clients, tally)
	end := 0.0
	for _, p := range parts {
		if p.Width < 5 || p.Start < end-.01 || p.Start > end+.01 {
			t.Errorf("%+v", p)
		}
		end = p.Start + p.Width
	}
	if len(parts) != 3 || parts[0].Health != catalog.NotReady || parts[0].URL != "/clients?health=notready" || end < 999.9 || end > 1000.1 {
		t.Errorf("%+v", parts)
	}
}

// TestObjectURL: no name leads elsewhere.
func TestObjectURL(t *testing.T) {
	for name, want := range map[string]string{"a.b": "/clients/ns/a.b", "a/../b?c#d": "/clients/ns/a%2F..%2Fb%3Fc%23d"} {
		if got := objectURL(&catalog.Row{Kind: catalog.Clients, Namespace: "ns", Name: name}); got != want {
			t.Errorf("%s", got)
		}
	}
}

func keyThatEnds(now time.Time, days int) keyRow {
	return newKeyRow(now, catalog.Dated{Row: &catalog.Row{}, Key: catalog.Key{NotBefore: now.AddDate(0, 0, -10), NotAfter: now.AddDate(0, 0, days)}})
}

func TestKeyClass(t *testing.T) {
	for days, want := range map[int]string{-1: "ended", 0: "ended", 1: "soon", 29: "soon", 30: "later", 400: "later"} {
		if got := keyThatEnds(testNow, days).Class; got != want {
			t.Errorf("%d days: %s", days, got)
		}
	}
}

func TestMonthly(t *testing.T) {
	var rows []keyRow
	for _, days := range []int{1, 20, 40, 41, 729, 2000} {
		rows = append(rows, keyThatEnds(testNow, days))
	}
	counted, ch := monthly(testNow, rows)
	if counted[0].Count != 2 || counted[1].Count != 2 || counted[0].Name != "July 2026" || counted[23].Count != 1 {
		t.Errorf("%+v", counted)
	}
	if !strings.Contains(ch.Summary, "1 key ends later") || ch.Bars[0].Class != "bar-soon" || ch.Bars[2].Class != "bar-later" || len(ch.Ticks) != 5 {
		t.Errorf("%+v", ch)
	}
	// At the end of a month, the next one still begins a month later.
	counted, _ = monthly(time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC), nil)
	if counted[1].Name != "February 2027" || counted[2].Name != "March 2027" {
		t.Errorf("%+v", counted[:3])
	}
}

// TestDraw: every validity is within the drawing, also one of decades.
func TestDraw(t *testing.T) {
	if draw(testNow, nil) != nil {
		t.Error("nothing is drawn")
	}
	old := keyThatEnds(testNow, 20_000)
	old.NotBefore = testNow.AddDate(-30, 0, 0)
	s := draw(testNow, []keyRow{keyThatEnds(testNow, 3), keyThatEnds(testNow, 90), old})
	for _, k := range s.Rows {
		if k.Start < 0 || k.Start+k.Width > chartWidth+3 || k.Width <= 0 {
			t.Errorf("%+v", k)
		}
	}
	if s.Now < 300 || s.Now > 350 {
		t.Errorf("now is at %v", s.Now)
	}
}
