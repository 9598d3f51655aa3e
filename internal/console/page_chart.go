package console

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// figure is the chart with its labels around it.
func (ch *chart) figure() g.Node {
	mark := func(s string) g.Node { return h.Span(text(s)) }
	drawn := func(b bar) g.Node {
		return rect(b.Class, size("x", b.X), size("y", b.Y), size("width", b.Width), size("height", b.Height), h.TitleEl(text(b.Title)))
	}
	entry := func(l legend) g.Node { return h.Li(key("", l.Class), text(l.Label)) }
	return h.Figure(
		h.Class("chart"), h.Aria("labelledby", ch.ID+"-title"),
		h.FigCaption(h.ID(ch.ID+"-title"), text(ch.Title)),
		h.Div(
			h.Class("plot"),
			h.Div(h.Class("axis"), h.Aria("hidden", "true"), mark(ch.Top), mark(ch.Half), mark("0")),
			h.SVG(
				g.Attr("viewBox", "0 0 1000 100"), stretched(), h.Role("img"), label(ch.Summary, " The table below has the same numbers."),
				g.El("path", h.Class("grid"), g.Attr("d", "M0 0H1000M0 50H1000M0 100H1000")),
				g.Map(ch.Bars, drawn),
			),
		),
		ticks(ch.Ticks),
		h.Ul(h.Class("legend"), label("Colours"), g.Map(ch.Legend, entry)),
	)
}

// ticks label a horizontal axis.
func ticks(labels []string) g.Node {
	return h.Div(h.Class("ticks"), h.Aria("hidden", "true"), g.Map(labels, func(s string) g.Node { return h.Span(text(s)) }))
}
