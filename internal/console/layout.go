package console

import (
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

// frame is what stands around every page.
type frame struct {
	view

	Now      time.Time
	Version  string
	Scope    string
	Troubles []catalog.Trouble
}

// page is the whole document.
func (f *frame) page() g.Node {
	return h.Doctype(h.HTML(
		h.Lang("en"),
		f.head(),
		h.Body(
			h.A(h.Class("skip"), local("href", "#content"), text("Skip to content")),
			f.header(),
			h.Main(h.ID("content"), h.TabIndex("-1"), g.Map(f.Troubles, f.trouble), f.Content),
			h.Footer(h.P(text("Read-only view of ", f.Scope, " · ", stamp(f.Now), " · Grantor ", f.Version))),
		),
	))
}

func (f *frame) head() g.Node {
	title := []string{f.Title, " · Grantor console"}
	if f.Outcome != "" {
		title = append([]string{f.Outcome, ": "}, title...)
	}
	return h.Head(
		h.Meta(h.Charset("utf-8")),
		h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
		h.Meta(h.Name("color-scheme"), h.Content("light dark")),
		h.Meta(h.Name("robots"), h.Content("noindex")),
		h.TitleEl(text(title...)),
		h.Link(h.Rel("icon"), local("href", "/assets/icon.svg"), h.Type("image/svg+xml")),
		h.Link(h.Rel("stylesheet"), local("href", "/assets/console.css")),
		g.If(f.Refresh > 0, g.Group{
			h.Script(local("src", "/assets/console.js"), h.Defer()),
			h.NoScript(h.Meta(g.Attr("http-equiv", "refresh"), h.Content(strconv.Itoa(f.Refresh)))),
		}),
	)
}

func (f *frame) header() g.Node {
	entry := func(to, section, name string) g.Node {
		return h.Li(link(to, g.If(f.Section == section, h.Aria("current", "page")), text(name)))
	}
	return h.Header(h.Div(
		h.Class("bar"),
		h.A(h.Class("brand"), local("href", "/"), drawing("", "0 0 24 24",
			g.El("path", g.Attr("d", "M12 2 4 5v6c0 5 3.4 9.4 8 11 4.6-1.6 8-6 8-11V5z")),
			g.El("path", h.Class("tick"), g.Attr("d", "m8.5 12 2.5 2.5 4.5-5")),
		), text("Grantor")),
		h.Nav(label("Sections"), h.Ul(
			entry("/", "overview", "Overview"),
			entry("/providers", "providers", "Providers"),
			entry("/clients", "clients", "Clients"),
			entry("/keys", "keys", "Keys"),
			entry("/live", "live", "Live"),
			entry("/explain", "explain", "Explain"),
		)),
	))
}

// trouble says what of a page may be missing or old.
func (f *frame) trouble(t catalog.Trouble) g.Node {
	what, why, since := " are not loaded.", "They are being read.", ""
	if t.Loaded {
		what = " may be out of date."
	}
	if t.Err != nil {
		why = "The API server does not answer; the log of the console says why."
	}
	if !t.Since.IsZero() {
		since = " It was last heard of " + ago(f.Now, t.Since) + "."
	}
	return h.P(h.Class("notice bad"), h.Role("status"), h.Strong(text("The ", t.Part, what)), space(), text(why, since))
}
