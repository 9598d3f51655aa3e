package console

import (
	"cmp"
	"strconv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/explain"
)

func explainPage(title string, d *explainData) g.Node {
	return g.Group{
		h.H1(text(title)),
		g.If(d.Wrong != "", h.P(h.Class("notice bad"), h.Role("alert"), text(d.Wrong))),
		g.Iff(d.Report != nil, func() g.Node { return reportSections(d.Report) }),
		d.form(),
	}
}

func reportSections(r *explain.Report) g.Node {
	verdict := g.Group{badge("notready", "Refused"), text(" A token server would refuse it")}
	if r.Verdict == explain.Accepted {
		verdict = g.Group{badge("ready", "Accepted"), text(" As far as could be looked, a token server would issue an access token")}
	}
	return g.Group{
		h.Section(
			h.Class("report"), h.Aria("labelledby", "verdict-heading"),
			h.H2(h.ID("verdict-heading"), verdict),
			reportFacts(r),
			notLookedAt(r),
			g.Map(r.Notes, func(note string) g.Node { return hint(text(note)) }),
			h.P(h.Class("next"), link("#assertion", text("Explain another one"))),
			g.Map(r.Failures(), failure),
		),
		section("checks-heading", text("Every check"), h.Table(
			h.Class("checks"),
			h.Caption(text("In the order in which a token server makes them")),
			columns(column("Check", ""), column("Result", ""), column("Found", "wide"), column("Wanted", "wide")),
			h.TBody(g.Map(r.Checks, checkRow)),
		)),
		saidSection(r),
	}
}

func reportFacts(r *explain.Report) g.Node {
	several := func(values []string) g.Node {
		return g.Map(values, func(s string) g.Node { return g.Group{bdi(s), space()} })
	}
	granted := g.Group{}
	if t := r.Granted; t != nil {
		granted = g.Group{
			entry("Subject", bdi(t.Subject)), entry("Audience", several(t.Audience)), g.If(t.Scope != "", entry("Scope", bdi(t.Scope))),
			entry("Valid for", text(plural(int(t.ExpiresIn), "second", "seconds"))),
		}
	}
	return h.Dl(
		h.Class("facts"),
		g.If(r.Reason != "", g.Group{entry("Reason, as in the audit log", code(r.Reason)), entry("Error that the caller sees", code(r.Error))}),
		entry("Client", bdi(cmp.Or(r.Client, "none named"))),
		entry("Provider", bdi(cmp.Or(r.Provider, "none trusts this issuer"))),
		entry("Judged at", text(stamp(r.At))),
		granted,
		g.If(len(r.Clients) > 0 || r.MoreClients, entry("Clients that may present it", g.Group{
			several(r.Clients), g.If(r.MoreClients && len(r.Clients) > 0, text("and perhaps ")), g.If(r.MoreClients, text("others, not all of which were looked at")),
		})),
	)
}

// notLookedAt says what a token server may still refuse an accepted assertion for.
func notLookedAt(r *explain.Report) g.Node {
	var titles []string
	for _, c := range r.Checks {
		if c.State == explain.NotLookedAt {
			titles = append(titles, c.Title)
		}
	}
	if r.Verdict != explain.Accepted || len(titles) == 0 {
		return nil
	}
	return hint(text("Not looked at, and a token server may refuse it for that: "), text(strings.Join(titles, "; ")), text("."))
}

func failure(c explain.Check) g.Node {
	said := about(c.Reason)
	return h.Div(
		h.Class("failure"),
		h.H3(text(c.Title)),
		g.If(said.Meaning != "", h.P(words(said.Meaning))),
		g.If(c.Detail != "", h.P(text(c.Detail))),
		h.Dl(
			h.Class("facts"),
			g.If(c.Seen != "", entry("Found", bdi(c.Seen))), g.If(c.Wanted != "", entry("Wanted", bdi(c.Wanted))),
			g.If(said.Cause != "", entry("Usual cause", words(said.Cause))),
		),
		g.If(c.Fix != "", g.Group{
			h.P(h.Class("todo"), text("What to do")),
			h.Pre(h.TabIndex("0"), h.Role("region"), label("What to do about: ", c.Title), h.Code(lines(c.Fix))),
		}),
	)
}

func checkRow(c explain.Check) g.Node {
	state := badge("unseen", "Not looked at")
	switch c.State {
	case explain.Passed:
		state = badge("ready", "Passed")
	case explain.Failed:
		state = badge("notready", "Failed")
	case explain.Skipped:
		state = badge("off", "Skipped")
	case explain.NotLookedAt:
	}
	return h.Tr(
		rowHead(text(c.Title)), cell("", state, g.If(c.Detail != "" && c.State != explain.Failed, message(text(c.Detail)))),
		cell("wide", bdi(c.Seen)), cell("wide", bdi(c.Wanted)),
	)
}

func saidSection(r *explain.Report) g.Node {
	if len(r.Header)+len(r.Claims) == 0 {
		return nil
	}
	header := func(s explain.Said) g.Node {
		return h.Tr(rowHead(bdi(s.Name), space(), h.Span(h.Class("kind"), text("header"))), cell("", bdi(s.Value)))
	}
	claim := func(s explain.Said) g.Node { return h.Tr(rowHead(bdi(s.Name)), cell("", bdi(s.Value))) }
	return section(
		"said-heading", text("What it says"),
		hint(text("Untrusted: anybody may write this. The signature is not shown.")),
		h.Table(
			h.Caption(text("Header and claims")),
			columns(column("Name", ""), column("Value", "")),
			h.TBody(g.Map(r.Header, header), g.Map(r.Claims, claim)),
		),
	)
}

func (d *explainData) form() g.Node {
	untouched := g.Group{g.Attr("spellcheck", "false"), g.Attr("autocapitalize", "off")}
	field := func(id, name, about string, input g.Node) g.Node {
		return h.Div(h.Label(h.For(id), text(name)), space(), input, h.P(h.Class("hint"), h.ID(id+"-hint"), text(about)))
	}
	return h.Form(
		h.Class("paste"), local("action", "/explain"), h.Method("post"), h.AutoComplete("off"),
		field("assertion", "Assertion", "The signed JWT that a client sends. It goes to this console alone, is judged in memory by the code of the token server, "+
			"and is neither logged nor kept. Whoever has it can use it while it is valid: paste none that you could not give to who runs this console.",
			h.Textarea(h.ID("assertion"), h.Name("assertion"), h.Rows("6"), h.Required(), untouched, h.Aria("describedby", "assertion-hint"))),
		field("client", "Client", "Who presents it. Without one, it is judged for some client of the provider’s namespace.",
			h.Input(h.ID("client"), h.Name("client"), h.Value(d.Client), h.MaxLength(strconv.Itoa(maxClientName)), untouched,
				h.Placeholder("namespace/name or client id"), h.Aria("describedby", "client-hint"))),
		field("scope", "Scope", "What the request asks for. Without one, everything that the client may have.",
			h.Input(h.ID("scope"), h.Name("scope"), h.Value(d.Scope), h.MaxLength(strconv.Itoa(maxScope)), untouched,
				h.Placeholder("read write"), h.Aria("describedby", "scope-hint"))),
		h.Div(h.Button(h.Type("submit"), text("Explain"))),
	)
}
