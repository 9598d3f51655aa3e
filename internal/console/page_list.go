package console

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

func listPage(title string, d *listData) g.Node {
	return g.Group{h.H1(text(title)), d.form(), d.table()}
}

func (d *listData) form() g.Node {
	health := func(of catalog.Health) g.Node {
		return h.Option(h.Value(string(of)), g.If(of == d.Query.Health, h.Selected()), text(healthWords()[of]))
	}
	known := d.Query.Reason == ""
	reasons := g.Group{}
	for _, r := range d.Reasons {
		reasons = append(reasons, h.Option(h.Value(r.Reason), g.If(r.Reason == d.Query.Reason, h.Selected()), text(r.Reason, " (", count(r.Count), ")")))
		known = known || r.Reason == d.Query.Reason
	}
	if !known {
		reasons = append(reasons, h.Option(h.Value(d.Query.Reason), h.Selected(), text(d.Query.Reason, " (0)")))
	}
	anything := h.Option(h.Value(""), text("any"))
	return filter(
		d.Path, "Search "+d.Noun,
		search("Search", d.Hint, d.Query.Text),
		namespace(d.Query.Namespace),
		h.Div(h.Label(h.For("health"), text("Health")), h.Select(h.ID("health"), h.Name("health"), anything, g.Map(d.Healths, health))),
		h.Div(h.Label(h.For("reason"), text("Reason")), h.Select(h.ID("reason"), h.Name("reason"), anything, reasons)),
		submit(d.Filtered, d.Path),
	)
}

func (d *listData) table() g.Node {
	switch {
	case len(d.Page.Rows) > 0:
	case d.Filtered:
		return empty(text("None of "+count(d.Page.Total)+" "+d.Noun+" matches. "), link(d.Path, text("Show all of them.")))
	default:
		return noneYet("no " + d.Noun)
	}
	of := count(d.Page.Total) + " " + d.Noun
	if d.Filtered {
		of = count(d.Page.Matching) + " found among " + of
	}
	return g.Group{
		h.Table(
			h.Class("objects"),
			h.Caption(text(count(d.First)+" to "+count(d.Last)+" of "+of)),
			columns(column("Name", ""), column(d.Identifier, "wide"), column(d.Method, "wide"), column(d.Counted, "wide num"), column("Health", "")),
			h.TBody(g.Map(d.Page.Rows, listRow)),
		),
		d.Pager.pages(d.Page.Number, d.Page.Pages),
	}
}

func listRow(r *catalog.Row) g.Node {
	keys := "–"
	if r.KeyCount > 0 {
		keys = count(r.KeyCount)
	}
	return h.Tr(
		rowHead(named(r), narrow(bdi(r.Identifier))),
		cell("wide", bdi(r.Identifier)),
		cell("wide", text(r.Method)),
		cell("wide num", text(keys)),
		cell("", health(r.Health), g.If(r.Health != catalog.Ready, g.Group{space(), reason(r.Reason), g.If(r.Message != "", message(bdi(r.Message)))})),
	)
}
