package console

import (
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

func overviewPage(title string, d *overviewData, now time.Time) g.Node {
	return g.Group{
		h.H1(text(title)),
		h.Div(h.Class("columns"), g.Map(d.Kinds, kindCard)),
		h.Div(
			h.Class("columns"),
			section("keys-heading", link("/keys", text("Keys that end")), d.keys(now)),
			section("traffic-heading", link("/live", text("Traffic")), d.Traffic.figures()),
		),
		d.troubled(),
	}
}

func kindCard(k kindSummary) g.Node {
	part := func(s share) g.Node {
		return rect("fill-"+string(s.Health), size("x", s.Start), size("width", s.Width), size("height", 10))
	}
	entry := func(s share) g.Node { return h.Li(link(s.URL, health(s.Health), text(" "+count(s.Count)))) }
	reason := func(r reasonCount) g.Node {
		return h.Li(link(r.URL, text(r.Reason)), space(), h.Span(text(count(r.Count))))
	}
	parts := noneYet("none")
	if k.Tally.Total > 0 {
		parts = g.Group{drawing("shares", "0 0 1000 10", stretched(), g.Map(k.Shares, part)), h.Ul(h.Class("shares"), g.Map(k.Shares, entry))}
	}
	return h.Section(
		label(k.Title),
		h.H2(link(k.Path, text(k.Title))),
		h.P(h.Class("big"), text(count(k.Tally.Total)+" "), h.Small(text("in "+plural(k.Tally.Namespaces, "namespace", "namespaces")))),
		parts,
		g.If(len(k.Reasons) > 0, g.Group{h.H3(text("Reasons")), h.Ul(h.Class("reasons"), g.Map(k.Reasons, reason))}),
	)
}

func (d *overviewData) keys(now time.Time) g.Node {
	next := empty(text("No object has a key that ends."))
	if len(d.Next) > 0 {
		next = h.Ul(h.Class("reasons"), g.Map(d.Next, func(k keyRow) g.Node { return h.Li(named(k.Row), space(), end(k, now)) }))
	}
	return g.Group{h.Dl(h.Class("figures"), figure("Have ended", "bad", d.Ended), figure("Within 30 days", "warn", d.Soon)), next}
}

func (d *overviewData) troubled() g.Node {
	if len(d.Troubled) == 0 {
		return nil
	}
	row := func(r *catalog.Row) g.Node {
		kind := "provider"
		if r.Kind == catalog.Clients {
			kind = "client"
		}
		return h.Li(
			h.P(named(r), space(), h.Span(h.Class("kind"), text(kind)), space(), h.Strong(text(r.Reason))),
			h.P(h.Class("message"), bdi(r.Message)),
		)
	}
	return section(
		"troubled-heading", text("Not ready"),
		h.Ul(h.Class("troubled"), g.Map(d.Troubled, row)),
		g.If(d.More > 0, hint(
			text("and "+count(d.More)+" more: "), link("/providers?health=notready", text("providers")), text(", "),
			link("/clients?health=notready", text("clients")), text("."),
		)),
	)
}
