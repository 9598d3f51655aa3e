package console

import (
	"errors"
	"net/http"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

// problem is the page about what went wrong. What the API server said goes to the log alone: it may name what the reader
// of the page must not know.
func (c *Console) problem(r *http.Request, err error) view {
	v, why := view{Title: "Not found", Status: http.StatusNotFound}, "There is no such page, or no such object in the namespaces that this console shows."
	if !errors.Is(err, catalog.ErrNotFound) {
		c.options.Log.WarnContext(r.Context(), "object not read", "error", err)
		v.Title, v.Status = "The API server does not answer", http.StatusBadGateway
		why = "The object could not be read. The lists show what was known last; the log of the console says why the API server refused."
	}
	v.Content = problemPage(v.Title, why)
	return v
}

func problemPage(title, why string) g.Node {
	return g.Group{h.H1(text(title)), h.P(text(why)), h.P(link("/", text("To the overview")))}
}
