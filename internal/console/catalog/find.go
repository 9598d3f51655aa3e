package catalog

import (
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

// Named returns the client with a namespace/name, or with a client id, or nil. Of several that claim an id it is the one that
// has it.
func (c *Catalog) Named(text string) (found *Row) {
	c.kinds[Clients].each(func(r *Row) {
		switch {
		case r.Namespace+"/"+r.Name == text:
			found = r
		case r.Identifier == text && (found == nil || found.Reason == v1alpha1.ReasonDuplicateClientID):
			found = r
		}
	})
	return found
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
		return nil, fmt.Errorf("list clients of %s: %w", namespace, err)
	}
	all := make([]*v1alpha1.OAuthClient, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return all, nil
}
