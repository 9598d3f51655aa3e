package console

import (
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/traffic"
)

// livePage is asked for again every so many seconds, unless they are 0. The script puts its own words into what is empty here.
func livePage(title string, refresh int, d *liveData, now time.Time) g.Node {
	again := refresh > 0
	return g.Group{
		h.Div(h.Class("heading"), h.H1(text(title)), g.If(again, h.Button(h.Type("button"), g.Attr("data-pause"), g.Attr("hidden"), text("Pause")))),
		g.If(again, g.Group{
			h.Div(h.Role("status"), g.Attr("data-stale")),
			h.P(h.Class("hidden"), h.Role("status"), g.Attr("data-said")),
		}),
		h.Div(
			g.If(again, h.Data("refresh", strconv.Itoa(refresh))),
			d.Summary.figures(),
			d.charts(),
			d.replicas(now),
		),
	}
}

// figures are the numbers above the charts.
func (s *trafficSummary) figures() g.Node {
	if !s.Asked {
		return empty(text("This console knows no token servers: it was started without "), code("--metrics-url"), text("."))
	}
	all := g.Map(s.Problems, func(p string) g.Node { return h.P(h.Class("notice bad"), text(p)) })
	if !s.Known {
		return append(all, empty(text("Nothing is counted yet: it takes two looks at the token servers.")))
	}
	return append(all,
		h.Dl(
			h.Class("figures"),
			entry("Granted", text(s.Granted)), entry("Refused", text(s.Refused)), entry("Half within", text(s.Median)), entry("99 % within", text(s.Slowest)),
			entry("Replicas reached", text(strconv.Itoa(s.Reached)+" of "+strconv.Itoa(s.Replicas))),
		),
		hint(text("Over the last five minutes.")),
	)
}

func (d *liveData) charts() g.Node {
	if !d.Summary.Known {
		return nil
	}
	refusals := empty(text("None was refused."))
	if len(d.Reasons) > 0 {
		refusals = h.Table(
			h.Class("refusals"),
			h.Caption(text("In the last "+d.Window)),
			columns(column("Reason", ""), column("What it means, and what to do", "wide"), column("Requests", "num")),
			h.TBody(g.Map(d.Reasons, refusalRow)),
		)
	}
	return g.Group{
		d.Requests.figure(),
		d.Refusals.figure(),
		minutesTable(d.Minutes),
		section("reasons-heading", text("Why requests were refused"), refusals),
	}
}

func minutesTable(minutes []minute) g.Node {
	row := func(m minute) g.Node {
		complete := "yes"
		if m.Missing {
			complete = "no, a replica is missing"
		}
		return h.Tr(rowHead(text(m.From.UTC().Format("15:04"))), cell("num", text(number(m.Granted))), cell("num", text(number(m.Refused))), cell("", text(complete)))
	}
	return h.Details(
		h.Summary(h.ID("minutes-table"), text("Requests by minute, as a table")),
		h.Table(
			h.Caption(h.Class("hidden"), text("Requests by minute, the latest first")),
			columns(column("Minute (UTC)", ""), column("Granted", "num"), column("Refused", "num"), column("Complete", "")),
			h.TBody(g.Map(minutes, row)),
		),
	)
}

func refusalRow(r reasonTotal) g.Node {
	return h.Tr(
		rowHead(key("key", r.Class), text(r.Reason), g.If(r.Fix != "", narrow(words(r.Fix)))),
		cell("wide", words(r.Meaning), g.If(r.Fix != "", message(words(r.Fix)))),
		cell("num", text(number(r.Count))),
	)
}

func (d *liveData) replicas(now time.Time) g.Node {
	if len(d.Replicas) == 0 {
		return nil
	}
	row := func(r traffic.Replica) g.Node {
		state := badge("unseen", "Not ready")
		switch {
		case r.Err != nil:
			state = badge("notready", "Not reached")
		case r.Ready:
			state = badge("ready", "Ready")
		}
		return h.Tr(rowHead(code(r.Address)), cell("", state, space(), message(text(said(r)))), cell("wide", text(ago(now, r.Heard))))
	}
	return section("replicas-heading", text("Token servers"), h.Table(
		h.Class("replicas"),
		h.Caption(text("Asked every "+d.Interval.String()+", last "+ago(now, d.Looked))),
		columns(column("Replica", ""), column("State", ""), column("Heard", "wide")),
		h.TBody(g.Map(d.Replicas, row)),
	))
}
