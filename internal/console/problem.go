package console

import (
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

// problem is the page about what went wrong. What the API server said goes to the log alone: it may name what the reader
// of the page must not know.
func (c *Console) problem(r *http.Request, err error) view {
	v := view{Page: "problem", Title: "Not found", Status: http.StatusNotFound, Data: "There is no such page, or no such object in the namespaces that this console shows."}
	if !errors.Is(err, catalog.ErrNotFound) {
		c.options.Log.WarnContext(r.Context(), "object not read", "error", err)
		v.Title, v.Status = "The API server does not answer", http.StatusBadGateway
		v.Data = "The object could not be read. The lists show what was known last; the log of the console says why the API server refused."
	}
	return v
}
