package console

import (
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func keysPage(title string, d *keysData, now time.Time) g.Node {
	filtered := d.Query.Text != "" || d.Query.Namespace != ""
	return g.Group{
		h.H1(text(title)),
		hint(text("Keys out of certificates, of providers and of clients with "), code("privateKeyJWT"), text(". Keys that came as JWK have no end.")),
		h.Dl(h.Class("figures"), figure("All", "", d.Total), figure("Have ended", "bad", d.Ended), figure("Within 30 days", "warn", d.Soon)),
		filter(
			"/keys", "Search keys",
			search("Object", "name, issuer, client id", d.Query.Text),
			namespace(d.Query.Namespace),
			submit(filtered, "/keys"),
		),
		d.found(filtered, now),
	}
}

func (d *keysData) found(filtered bool, now time.Time) g.Node {
	switch {
	case len(d.Keys) > 0:
	case filtered:
		return empty(text("No key that ends matches. "), link("/keys", text("Show all of them.")))
	default:
		return empty(text("No object has a key that ends."))
	}
	row := func(k keyRow) g.Node {
		return h.Tr(
			rowHead(named(k.Row), narrow(bdi(k.Name))), cell("wide", bdi(k.Name)), cell("wide", text(k.Type)),
			cell("", end(k, now), message(text(stamp(k.NotAfter)))),
		)
	}
	return g.Group{
		d.Chart.figure(),
		monthsTable(d.Months),
		d.Spans.figure(now),
		h.Table(
			h.Caption(text(count(d.First)+" to "+count(d.Last)+" of "+plural(d.Total, "key", "keys")+", the first to end first")),
			columns(column("Object", ""), column("Key", "wide"), column("Type", "wide"), column("Ends", "")),
			h.TBody(g.Map(d.Keys, row)),
		),
		d.Pager.pages(d.Number, d.Pages),
	}
}

func monthsTable(months []month) g.Node {
	return h.Details(
		h.Summary(h.ID("months-table"), text("Keys that end, by month, as a table")),
		h.Table(
			h.Caption(h.Class("hidden"), text("Keys that end, by month")),
			columns(column("Month", ""), column("Keys", "num")),
			h.TBody(g.Map(months, func(m month) g.Node { return h.Tr(rowHead(text(m.Name)), cell("num", text(count(m.Count)))) })),
		),
	)
}

// figure draws a bar for each validity, with a mark where now is.
func (s *spans) figure(now time.Time) g.Node {
	if s == nil {
		return nil
	}
	row := func(k keyRow) g.Node {
		return h.Li(named(k.Row), space(), drawing("", "0 0 1000 10",
			stretched(),
			rect("rail", size("width", chartWidth), size("height", 10)),
			rect("end-"+k.Class, size("x", k.Start), size("width", k.Width), size("height", 10)),
			rect("now", size("x", s.Now), size("width", 2), size("height", 10)),
		), space(), end(k, now))
	}
	return h.Figure(
		h.Class("spans"), h.Aria("labelledby", "spans-title"),
		h.FigCaption(h.ID("spans-title"), text("The next to end")),
		h.Ul(g.Map(s.Rows, row)),
		ticks(s.Ticks),
	)
}
