package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/internal/console/catalog"
)

const (
	pageSize = 50
	// maxQuery bounds what is looked for.
	maxQuery = 512
)

// healthWords are what people read.
func healthWords() map[catalog.Health]string {
	return map[catalog.Health]string{
		catalog.Ready: "Ready", catalog.Warning: "Warning", catalog.Off: "Off", catalog.Unseen: "Not looked at", catalog.NotReady: "Not ready",
	}
}

// path is the section of a kind.
func path(kind catalog.Kind) string {
	if kind == catalog.Clients {
		return "/clients"
	}
	return "/providers"
}

func objectURL(r *catalog.Row) string {
	return path(r.Kind) + "/" + url.PathEscape(r.Namespace) + "/" + url.PathEscape(r.Name)
}

// listData is the page of a kind.
type listData struct {
	Path, Noun, Identifier, Method, Counted, Hint string
	Query                                         catalog.Query
	Filtered                                      bool
	Healths                                       []catalog.Health
	Reasons                                       []reasonCount
	Page                                          catalog.Page
	First, Last                                   int
	Pager                                         pager
}

// reasonCount is a reason with how many objects have it, and where they are listed.
type reasonCount struct {
	Reason string
	Count  int
	URL    string
}

// byCount sorts a tally of reasons, the most frequent first.
func byCount(kind catalog.Kind, counts map[string]int) (sorted []reasonCount) {
	for reason, n := range counts {
		sorted = append(sorted, reasonCount{reason, n, path(kind) + "?" + url.Values{"reason": {reason}}.Encode()})
	}
	slices.SortFunc(sorted, func(a, b reasonCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return sorted
}

// pager leads to other pages of the same query; empty where there are none.
type pager struct{ First, Previous, Next, Last string }

func newPager(path string, values url.Values, number, pages int) (p pager) {
	to := func(n int) string {
		values.Set("page", strconv.Itoa(n))
		return path + "?" + values.Encode()
	}
	if number > 1 {
		p.First, p.Previous = to(1), to(number-1)
	}
	if number < pages {
		p.Next, p.Last = to(number+1), to(pages)
	}
	return p
}

// queryOf reads the query of a request, and what of it belongs into the links of the page.
func queryOf(r *http.Request) (q catalog.Query, number int, values url.Values) {
	given := r.URL.Query()
	get := func(name string) string {
		v := strings.TrimSpace(given.Get(name))
		return v[:min(len(v), maxQuery)]
	}
	q = catalog.Query{Text: get("q"), Namespace: get("namespace"), Health: catalog.Health(get("health")), Reason: get("reason")}
	values = url.Values{}
	for name, value := range map[string]string{"q": q.Text, "namespace": q.Namespace, "health": string(q.Health), "reason": q.Reason} {
		if value != "" {
			values.Set(name, value)
		}
	}
	number, err := strconv.Atoi(get("page"))
	if err != nil {
		number = 1
	}
	return q, number, values
}

func (c *Console) list(kind catalog.Kind) func(*http.Request) (view, error) {
	d := listData{Path: "/providers", Noun: "identity providers", Identifier: "Issuer", Method: "Key source", Counted: "Keys", Hint: "name, issuer, reason"}
	v := view{Title: "Identity providers", Section: "providers"}
	if kind == catalog.Clients {
		d = listData{Path: "/clients", Noun: "clients", Identifier: "Client id", Method: "Authentication", Counted: "Credentials", Hint: "name, client id, reason"}
		v = view{Title: "OAuth clients", Section: "clients"}
	}
	d.Healths = catalog.Healths()
	return func(r *http.Request) (view, error) {
		v, d := v, d
		q, number, values := queryOf(r)
		d.Query, d.Filtered = q, len(values) > 0
		d.Page = c.options.Catalog.Find(kind, q, number, pageSize)
		d.Reasons = byCount(kind, c.options.Catalog.Count(kind).ByReason)
		d.First, d.Last = (d.Page.Number-1)*pageSize+1, (d.Page.Number-1)*pageSize+len(d.Page.Rows)
		d.Pager = newPager(d.Path, values, d.Page.Number, d.Page.Pages)
		v.Content = listPage(v.Title, &d)
		return v, nil
	}
}
