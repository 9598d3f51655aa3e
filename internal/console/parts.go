package console

import (
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

// text is how a text gets into a page, whoever wrote it: nothing in it is markup, and nothing in it is hidden. It may have parts,
// of which none is so long that the others are not seen.
func text[S ~string](parts ...S) g.Node {
	return g.Text(safe(parts...)) //nolint:forbidigo // This is where text goes through.
}

// safe is a text in which nothing is hidden; who writes it into a page escapes it.
func safe[S ~string](parts ...S) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(visible(string(p), false))
	}
	return b.String()
}

// lines is text of several lines.
func lines(s string) g.Node {
	return g.Text(visible(s, true)) //nolint:forbidigo // This is where text goes through.
}

// words is text of ours that has names between backticks.
func words(s string) g.Node { return text(strings.ReplaceAll(s, "`", "")) }

// local is how a URL gets into a page, as the attribute of an element: it leads to a page of this console and nowhere else.
// Anything else is left out. Browsers take "//host" and "/\host" for another host, and drop tabs and line breaks before they look.
func local(attribute, to string) g.Node {
	if !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "#") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n") {
		return nil
	}
	return g.Attr(attribute, to)
}

func link(to string, children ...g.Node) g.Node { return h.A(local("href", to), g.Group(children)) }

// named leads to an object by its name.
func named(r *catalog.Row) g.Node { return link(objectURL(r), bdi(r.Namespace, "/", r.Name)) }

// bdi is text that may be written from right to left, and turns nothing around it.
func bdi[S ~string](parts ...S) g.Node { return g.El("bdi", text(parts...)) }

func code[S ~string](s S) g.Node { return h.Code(text(s)) }

// label names what has no text of its own.
func label(parts ...string) g.Node { return h.Aria("label", safe(parts...)) }

// space stands between what is in a line.
func space() g.Node { return text(" ") }

// badge is a word with a colour and a form.
func badge[S ~string](class, word S) g.Node {
	return h.Span(h.Class("health "+string(class)), text(word))
}

func health(of catalog.Health) g.Node { return badge(string(of), healthWords()[of]) }

func reason(s string) g.Node { return h.Span(h.Class("reason"), text(s)) }

func message(children ...g.Node) g.Node { return h.Span(h.Class("message"), g.Group(children)) }

func empty(children ...g.Node) g.Node { return h.P(h.Class("empty"), g.Group(children)) }

func hint(children ...g.Node) g.Node { return h.P(h.Class("hint"), g.Group(children)) }

// end says when a key ends.
func end(k keyRow, now time.Time) g.Node {
	return h.Span(h.Class("end "+k.Class), text(ago(now, k.NotAfter)))
}

// section is a part of a page under a heading, which names it.
func section(id string, heading g.Node, children ...g.Node) g.Node {
	return h.Section(h.Aria("labelledby", id), h.H2(h.ID(id), heading), g.Group(children))
}

// entry is a name with a value in a list of them.
func entry(name string, value ...g.Node) g.Node { return h.Div(h.Dt(text(name)), h.Dd(value...)) }

// figure is an entry that counts; the class says how bad it is that there are any.
func figure(name, class string, n int) g.Node {
	return entry(name, g.If(n > 0 && class != "", h.Class(class)), text(count(n)))
}

// columns is the head of a table.
func columns(cells ...g.Node) g.Node { return h.THead(h.Tr(cells...)) }

// column is the head of a column. One of the class wide is not shown where there is no room for it.
func column(name, class string) g.Node {
	return h.Th(h.Scope("col"), g.If(class != "", h.Class(class)), text(name))
}

// rowHead is the cell that names a row.
func rowHead(children ...g.Node) g.Node { return h.Th(h.Scope("row"), g.Group(children)) }

// cell is any other, of a column of the same class.
func cell(class string, children ...g.Node) g.Node {
	return h.Td(g.If(class != "", h.Class(class)), g.Group(children))
}

// narrow is what a row says where a wide column is not shown.
func narrow(children ...g.Node) g.Node { return h.Span(h.Class("narrow"), g.Group(children)) }

// drawing is a picture of what is said beside it, for eyes alone.
func drawing(class, viewBox string, children ...g.Node) g.Node {
	return h.SVG(
		g.If(class != "", h.Class(class)), g.Attr("viewBox", viewBox), g.Group(children), h.Aria("hidden", "true"), g.Attr("focusable", "false"),
	)
}

// stretched lets a drawing be as wide as there is room.
func stretched() g.Node { return g.Attr("preserveAspectRatio", "none") }

func rect(class string, sizes ...g.Node) g.Node {
	return g.El("rect", h.Class(class), g.Group(sizes))
}

// size is a length or a place in a drawing.
func size(name string, v float64) g.Node {
	return g.Attr(name, strconv.FormatFloat(v, 'f', -1, 64))
}

// key shows the colour of a class.
func key(class, colour string) g.Node {
	return drawing(class, "0 0 10 10", rect(colour, size("width", 10), size("height", 10)))
}

// filter is the form that selects objects.
func filter(action, name string, children ...g.Node) g.Node {
	return h.Form(h.Class("filter"), local("action", action), h.Method("get"), h.Role("search"), label(name), g.Group(children))
}

// search is what is looked for anywhere.
func search(label, placeholder, value string) g.Node {
	return h.Div(h.Class("grow"), h.Label(h.For("q"), text(label)), h.Input(
		h.ID("q"), h.Name("q"), h.Type("search"), h.Value(value), h.MaxLength(strconv.Itoa(maxQuery)), h.Placeholder(placeholder), h.AutoComplete("off"), g.Attr("spellcheck", "false"),
	))
}

func namespace(value string) g.Node {
	return h.Div(h.Label(h.For("namespace"), text("Namespace")), h.Input(
		h.ID("namespace"), h.Name("namespace"), h.Value(value), h.MaxLength("63"), h.Placeholder("any"), h.AutoComplete("off"), g.Attr("spellcheck", "false"),
	))
}

// submit sends the form, or leads to everything where something is selected.
func submit(filtered bool, all string) g.Node {
	return h.Div(h.Button(h.Type("submit"), text("Search")), g.If(filtered, g.Group{space(), h.A(h.Class("reset"), local("href", all), text("Clear"))}))
}

// pages leads to the other pages of a list, where there are any.
func (p *pager) pages(number, of int) g.Node {
	if of <= 1 {
		return nil
	}
	to := func(url, name, rel string) g.Node {
		if url == "" {
			return h.Span(h.Aria("disabled", "true"), text(name))
		}
		return link(url, g.If(rel != "", h.Rel(rel)), text(name))
	}
	return g.Group{
		hint(text("Page " + count(number) + " of " + count(of))),
		h.Nav(
			h.Class("pager"), label("Pages"), to(p.First, "First", ""), space(), to(p.Previous, "Previous", "prev"), space(),
			to(p.Next, "Next", "next"), space(), to(p.Last, "Last", ""),
		),
	}
}

// noneYet is what a page shows of a kind without objects.
func noneYet(what string) g.Node {
	return empty(text("There are "+what+" yet. "), code("kubectl apply"), text(" one, and it appears here."))
}
