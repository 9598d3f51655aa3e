package catalog

import (
	"slices"
	"strings"
)

// Query selects rows.
type Query struct {
	// Text must occur in namespace/name, identifier, reason or method, whatever its case.
	Text string
	// Namespace, Health and Reason must be equal where they are set.
	Namespace string
	Health    Health
	Reason    string
}

func (q Query) matches(r *Row) bool {
	return (q.Namespace == "" || r.Namespace == q.Namespace) && (q.Health == "" || r.Health == q.Health) &&
		(q.Reason == "" || r.Reason == q.Reason) && (q.Text == "" || strings.Contains(r.search, q.Text))
}

// Page is a part of what a query selects.
type Page struct {
	Rows []*Row
	// Total counts all rows of the kind, Matching those that the query selects.
	Total, Matching int
	// Number is this page, from 1, of Pages.
	Number, Pages int
}

// Find returns the page with a number of what a query selects, or the nearest page that there is.
func (c *Catalog) Find(kind Kind, q Query, number, size int) Page {
	q.Text = strings.ToLower(q.Text)
	var found []*Row
	var p Page
	c.kinds[kind].each(func(r *Row) {
		p.Total++
		if q.matches(r) {
			found = append(found, r)
		}
	})
	p.Matching = len(found)
	p.Pages = max(1, (p.Matching+size-1)/size)
	p.Number = min(max(1, number), p.Pages)
	p.Rows = found[(p.Number-1)*size : min(p.Number*size, len(found))]
	return p
}

// Tally counts the rows of a kind.
type Tally struct {
	Total    int
	ByHealth map[Health]int
	// ByReason counts those that are not ready, unseen or a warning.
	ByReason map[string]int
	// Namespaces counts namespaces that have any.
	Namespaces int
}

// Count counts the rows of a kind.
func (c *Catalog) Count(kind Kind) Tally {
	t := Tally{ByHealth: make(map[Health]int), ByReason: map[string]int{}}
	var last string
	c.kinds[kind].each(func(r *Row) {
		if t.Total == 0 || r.Namespace != last {
			t.Namespaces++
		}
		last = r.Namespace
		t.Total++
		t.ByHealth[r.Health]++
		if r.Health != Ready {
			t.ByReason[r.Reason]++
		}
	})
	return t
}

// Dated is a key with its object.
type Dated struct {
	Key

	Row *Row
}

// Dated returns the keys that have an end, the earliest first, of all objects that a query selects.
func (c *Catalog) Dated(q Query) []Dated {
	q.Text = strings.ToLower(q.Text)
	var all []Dated
	for _, kind := range []Kind{Providers, Clients} {
		c.kinds[kind].each(func(r *Row) {
			if len(r.Keys) == 0 || !q.matches(r) {
				return
			}
			for _, k := range r.Keys {
				all = append(all, Dated{k, r})
			}
		})
	}
	slices.SortStableFunc(all, func(a, b Dated) int { return a.NotAfter.Compare(b.NotAfter) })
	return all
}
