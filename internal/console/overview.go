package console

import (
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

const (
	// soon is how far ahead a key that ends is worth a word; the operator's warning begins then too.
	soon = 30 * 24 * time.Hour
	// shown is how many objects the overview lists.
	shown = 8
	// nextShown is how many keys it lists.
	nextShown = 4
)

// overviewData is the first page.
type overviewData struct {
	Kinds       []kindSummary
	Ended, Soon int
	// Next are the keys that end next.
	Next     []keyRow
	Troubled []*catalog.Row
	More     int
	Traffic  trafficSummary
}

// kindSummary counts the objects of a kind.
type kindSummary struct {
	Title, Path string
	Tally       catalog.Tally
	Shares      []share
	Reasons     []reasonCount
}

// share is the part of a bar that one health has, in thousandths of the width.
type share struct {
	Health       catalog.Health
	Count        int
	Start, Width float64
	URL          string
}

func (c *Console) overview(*http.Request) (view, error) {
	var d overviewData
	for _, k := range []struct {
		kind  catalog.Kind
		title string
	}{{catalog.Providers, "Identity providers"}, {catalog.Clients, "OAuth clients"}} {
		t := c.options.Catalog.Count(k.kind)
		d.Kinds = append(d.Kinds, kindSummary{k.title, path(k.kind), t, shares(k.kind, t), byCount(k.kind, t.ByReason)})
		p := c.options.Catalog.Find(k.kind, catalog.Query{Health: catalog.NotReady}, 1, shown)
		d.Troubled = append(d.Troubled, p.Rows...)
		d.More += p.Matching - len(p.Rows)
	}
	d.Next, d.Ended, d.Soon = c.datedKeys(catalog.Query{})
	d.Next = d.Next[d.Ended:min(len(d.Next), d.Ended+nextShown)]
	d.Traffic = summarize(c.options.Traffic.Report())
	const title = "Overview"
	return view{Title: title, Section: "overview", Content: overviewPage(title, &d, c.options.Clock())}, nil
}

// shares divides a bar. Nothing that exists is too narrow to be seen.
func shares(kind catalog.Kind, t catalog.Tally) (parts []share) {
	const least = 6
	var sum float64
	for _, h := range catalog.Healths() {
		if n := t.ByHealth[h]; n > 0 {
			width := max(least, 1000*float64(n)/float64(t.Total))
			parts = append(parts, share{Health: h, Count: n, Width: width, URL: path(kind) + "?health=" + string(h)})
			sum += width
		}
	}
	var start float64
	for i := range parts {
		parts[i].Width *= 1000 / sum
		parts[i].Start = start
		start += parts[i].Width
	}
	return parts
}
