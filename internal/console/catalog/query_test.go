package catalog

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	c := filled(1000)
	for name, tc := range map[string]struct {
		query                   Query
		number                  int
		matching, pages, gotten int
		first                   string
	}{
		"all":                  {Query{}, 1, 1000, 20, 50, "client-000000"},
		"the last page":        {Query{}, 20, 1000, 20, 50, "client-000475"},
		"beyond the last page": {Query{}, 99, 1000, 20, 50, "client-000475"},
		"before the first":     {Query{}, -7, 1000, 20, 50, "client-000000"},
		"a name":               {Query{Text: "client-000123"}, 1, 1, 1, 1, "client-000123"},
		"an id, by other case": {Query{Text: "cLIENT.000123"}, 1, 1, 1, 1, "client-000123"},
		"namespace and name":   {Query{Text: "team-123/client-000123"}, 1, 1, 1, 1, "client-000123"},
		"a reason":             {Query{Reason: "SecretNotFound"}, 1, 100, 2, 50, "client-000000"},
		"not the whole reason": {Query{Reason: "Secret"}, 1, 0, 1, 0, ""},
		"a namespace":          {Query{Namespace: "team-007"}, 1, 2, 1, 2, "client-000007"},
		"half of a namespace":  {Query{Namespace: "team-00"}, 1, 0, 1, 0, ""},
		"a health":             {Query{Health: NotReady}, 2, 100, 2, 50, "client-000250"},
		"what nothing has":     {Query{Health: NotReady, Text: "client-000123"}, 1, 0, 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.Find(Clients, tc.query, tc.number, 50)
			if p.Total != 1000 || p.Matching != tc.matching || p.Pages != tc.pages || len(p.Rows) != tc.gotten {
				t.Fatalf("total %d, matching %d, pages %d, rows %d", p.Total, p.Matching, p.Pages, len(p.Rows))
			}
			if tc.first != "" && p.Rows[0].Name != tc.first {
				t.Errorf("first %s", p.Rows[0].Name)
			}
		})
	}
}

func TestCount(t *testing.T) {
	got := filled(1000).Count(Clients)
	want := Tally{Total: 1000, Namespaces: 500, ByHealth: make(map[Health]int), ByReason: map[string]int{"SecretNotFound": 100}}
	want.ByHealth[Ready], want.ByHealth[NotReady] = 900, 100
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDated: keys of all objects come in the order of their ends.
func TestDated(t *testing.T) {
	c := filled(3)
	for name, days := range map[string]int{"late": 300, "ended": -3, "soon": 5} {
		c.kinds[Providers].put(NewProviderRow(readyProvider("team-a", name, days)))
	}
	var got []string
	for _, d := range c.Dated(Query{}) {
		got = append(got, d.Row.Name+" "+d.Name)
	}
	if diff := cmp.Diff([]string{"ended CN=ended", "soon CN=soon", "late CN=late"}, got); diff != "" {
		t.Error(diff)
	}
	if found := c.Dated(Query{Text: "LATE.example"}); len(found) != 1 {
		t.Errorf("%d found", len(found))
	}
}

// TestManyObjects: 100,000 clients fit, and are searched while one waits for a page.
func TestManyObjects(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := filled(100_000)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if size := (after.HeapAlloc - before.HeapAlloc) >> 20; size > 96 {
		t.Errorf("100,000 clients take %d MiB", size)
	}
	best := time.Hour // The machine may be busy with something else.
	for i := range 5 {
		start := time.Now()
		p := c.Find(Clients, Query{Text: fmt.Sprint("client.0", 99_995+i)}, 1, 50)
		tally := c.Count(Clients)
		best = min(best, time.Since(start))
		if p.Matching != 1 || tally.Total != 100_000 {
			t.Errorf("found %d of %d", p.Matching, tally.Total)
		}
	}
	if best > 2*time.Second {
		t.Errorf("it takes %s", best)
	}
	t.Logf("%d MiB, %s", (after.HeapAlloc-before.HeapAlloc)>>20, best)
	runtime.KeepAlive(c)
}
