package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

const (
	// months is how far the timeline looks ahead.
	months = 24
	// spansShown is how many keys are drawn one by one.
	spansShown = 20
)

// keysData is the page of keys that end.
type keysData struct {
	Query              catalog.Query
	Total, Ended, Soon int
	Chart              *chart
	Months             []month
	Spans              *spans
	Keys               []keyRow
	First, Last        int
	Pager              pager
	Number, Pages      int
}

// month counts the keys that end in it.
type month struct {
	Name  string
	Count int
}

// keyRow is a key with what its end means.
type keyRow struct {
	catalog.Dated

	// Class is ended, soon or later.
	Class string
	// Start and Width are the place of its validity in the drawing of some.
	Start, Width float64
}

func newKeyRow(now time.Time, k catalog.Dated) keyRow {
	switch {
	case !k.NotAfter.After(now):
		return keyRow{Dated: k, Class: "ended"}
	case k.NotAfter.Before(now.Add(soon)):
		return keyRow{Dated: k, Class: "soon"}
	default:
		return keyRow{Dated: k, Class: "later"}
	}
}

// datedKeys returns the keys that have an end, the earliest first, and how many have ended or will soon.
func (c *Console) datedKeys(q catalog.Query) (rows []keyRow, ended, ending int) {
	now := c.options.Clock()
	for _, k := range c.options.Catalog.Dated(q) {
		row := newKeyRow(now, k)
		rows = append(rows, row)
		switch row.Class {
		case "ended":
			ended++
		case "soon":
			ending++
		}
	}
	return rows, ended, ending
}

// spans draws how long some keys are valid, on one axis.
type spans struct {
	Rows  []keyRow
	Now   float64
	Ticks []string
}

func (c *Console) keys(r *http.Request) (view, error) {
	q, number, values := queryOf(r)
	now := c.options.Clock()
	rows, ended, ending := c.datedKeys(q)
	d := keysData{Query: q, Total: len(rows), Ended: ended, Soon: ending}
	d.Pages = max(1, (len(rows)+pageSize-1)/pageSize)
	d.Number = min(max(1, number), d.Pages)
	d.Keys = rows[(d.Number-1)*pageSize : min(d.Number*pageSize, len(rows))]
	d.First, d.Last = (d.Number-1)*pageSize+1, (d.Number-1)*pageSize+len(d.Keys)
	d.Pager = newPager("/keys", values, d.Number, d.Pages)
	d.Months, d.Chart = monthly(now, rows[d.Ended:])
	d.Spans = draw(now, rows[d.Ended:min(len(rows), d.Ended+spansShown)])
	const title = "Keys that end"
	return view{Title: title, Section: "keys", Content: keysPage(title, &d, now)}, nil
}

// monthly counts the keys that end in each of the next months, this one from now on.
func monthly(now time.Time, rows []keyRow) ([]month, *chart) {
	now = now.UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	counted := make([]month, months)
	highest, later := 0, 0
	for i := range counted {
		counted[i].Name = first.AddDate(0, i, 0).Format("January 2006")
	}
	for _, k := range rows {
		end := k.NotAfter.UTC()
		i := 12*(end.Year()-now.Year()) + int(end.Month()) - int(now.Month())
		if i < 0 || i >= len(counted) {
			later++
			continue
		}
		counted[i].Count++
		highest = max(highest, counted[i].Count)
	}
	s := newScale(float64(highest))
	ch := &chart{ID: "months", Title: "Keys that end, by month"}
	ch.Top, ch.Half = s.labels()
	const slot = chartWidth / months
	for i, m := range counted {
		class := "bar-later"
		if first.AddDate(0, i, 0).Before(now.Add(soon)) {
			class = "bar-soon"
		}
		ch.Bars = append(ch.Bars, s.stack(float64(i)*slot+2, slot-4, piece{float64(m.Count), class, fmt.Sprintf("%s: %s", m.Name, plural(m.Count, "key", "keys"))})...)
	}
	for i := 0; i <= months; i += months / 4 {
		ch.Ticks = append(ch.Ticks, first.AddDate(0, i, 0).Format("Jan 2006"))
	}
	ch.Legend = []legend{{"bar-soon", "within 30 days"}, {"bar-later", "after that"}}
	ch.Summary = fmt.Sprintf("Keys that end in each of the next %d months. %s later.", months, plural(later, "key ends", "keys end"))
	return counted, ch
}

// draw places validities on an axis from the earliest beginning to the latest end; nil where there are none.
func draw(now time.Time, rows []keyRow) *spans {
	if len(rows) == 0 {
		return nil
	}
	from, to := rows[0].NotBefore, rows[0].NotAfter
	for _, k := range rows {
		if k.NotBefore.Before(from) {
			from = k.NotBefore
		}
		if k.NotAfter.After(to) {
			to = k.NotAfter
		}
	}
	// A certificate of decades must not press all others into a line.
	if earliest := now.AddDate(-1, 0, 0); from.Before(earliest) {
		from = earliest
	}
	if latest := now.AddDate(2, 0, 0); to.After(latest) {
		to = latest
	}
	whole := to.Sub(from).Seconds()
	if whole <= 0 {
		return nil
	}
	place := func(t time.Time) float64 {
		return round(min(max(0, chartWidth*t.Sub(from).Seconds()/whole), chartWidth))
	}
	s := &spans{Now: place(now), Ticks: []string{from.UTC().Format("2 Jan 2006"), to.UTC().Format("2 Jan 2006")}}
	for _, k := range rows {
		k.Start = place(k.NotBefore)
		k.Width = max(3, place(k.NotAfter)-k.Start)
		s.Rows = append(s.Rows, k)
	}
	return s
}
