package catalog

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Issuers returns the providers whose issuer is the given one, or resembles it: it differs in case, in a slash at the end or
// in the scheme. Those of a namespace come first, then those whose issuer is the given one.
func (c *Catalog) Issuers(issuer, namespace string, limit int) []*Row {
	var ranked [3][]*Row
	plain := plainIssuer(issuer)
	c.kinds[Providers].each(func(r *Row) {
		switch {
		case plainIssuer(r.Identifier) != plain:
		case r.Identifier == issuer && r.Namespace == namespace:
			ranked[0] = append(ranked[0], r)
		case r.Identifier == issuer:
			ranked[1] = append(ranked[1], r)
		default:
			ranked[2] = append(ranked[2], r)
		}
	})
	found := append(append(ranked[0], ranked[1]...), ranked[2]...)
	return found[:min(len(found), limit)]
}

func plainIssuer(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	return strings.ToLower(strings.TrimSuffix(s, "/"))
}

// Named returns the client with a namespace/name, or else with a client id, or nil. Of several that claim an id it is the one
// that has it: the oldest.
func (c *Catalog) Named(text string) *Row {
	var named, has *Row
	c.kinds[Clients].each(func(r *Row) {
		if r.Namespace+"/"+r.Name == text {
			named = r
		}
		if r.Identifier == text && (has == nil || r.precedes(has)) {
			has = r
		}
	})
	if named != nil {
		return named
	}
	return has
}

// precedes reports whether a client has an id that another one claims too. What the operator says of it counts; where it has not
// looked yet, it will find for the oldest, so that nobody takes an id by claiming it later.
func (r *Row) precedes(other *Row) bool {
	if lost, otherLost := r.Reason == v1alpha1.ReasonDuplicateClientID, other.Reason == v1alpha1.ReasonDuplicateClientID; lost != otherLost {
		return otherLost
	}
	return cmp.Or(r.Created.Compare(other.Created), compare(r, other.Namespace, other.Name)) < 0
}

// ClientsOf reads whole clients of a namespace, as many as a limit.
func (c *Catalog) ClientsOf(ctx context.Context, namespace string, limit int64) ([]*v1alpha1.OAuthClient, error) {
	if !c.namespaces.Has(namespace) {
		return nil, ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list := &v1alpha1.OAuthClientList{}
	if err := c.client.Get().MaxRetries(0).Namespace(namespace).Resource(string(Clients)).Param("limit", fmt.Sprint(limit)).Do(ctx).Into(list); err != nil {
		return nil, fmt.Errorf("list clients of a namespace: %w", unnamed(err))
	}
	all := make([]*v1alpha1.OAuthClient, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return all, nil
}
