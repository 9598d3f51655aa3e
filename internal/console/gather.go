package console

import (
	"context"
	"errors"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/console/catalog"
	"github.com/grantor-dev/grantor/internal/explain"
	"github.com/grantor-dev/grantor/tokenserver"
)

// Bounds of what is read for one assertion.
const (
	maxProviders = 40
	maxClients   = 100
)

// anyIssuer stands in for the issuer of a token server that is not known: reading an assertion does not depend on it.
const anyIssuer = "https://token-server.invalid"

// gather reads the objects that the answer depends on: the client, the providers that it names, and those that make the
// issuer of the assertion trusted, or nearly do.
func (c *Console) gather(ctx context.Context, assertion string, client *catalog.Row) (*explain.World, error) {
	var clients []*v1alpha1.OAuthClient
	wanted := []*catalog.Row{}
	namespace := ""
	if client != nil {
		o, err := c.options.Catalog.Client(ctx, client.Namespace, client.Name)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil, errNoClient
		}
		if err != nil {
			return nil, err
		}
		clients, namespace = append(clients, o), o.Namespace
		for _, ref := range o.Spec.IdentityProviders {
			row := &catalog.Row{Namespace: ref.Namespace, Name: ref.Name}
			if row.Namespace == "" {
				row.Namespace = o.Namespace
			}
			wanted = append(wanted, row)
		}
	}
	// What cannot be read has no issuer, and the report says so.
	if u, err := tokenserver.NewVerifier(anyIssuer).Read(ctx, assertion); err == nil {
		wanted = append(wanted, c.options.Catalog.Issuers(u.UntrustedIssuer(), namespace, maxProviders)...)
	}
	providers, err := c.readProviders(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if client == nil && len(providers) == 1 {
		if clients, err = c.options.Catalog.ClientsOf(ctx, providers[0].Namespace, maxClients); err != nil {
			return nil, err
		}
	}
	return explain.NewWorld(providers, clients)
}

// readProviders reads each provider once. One that is gone meanwhile is not missed.
func (c *Console) readProviders(ctx context.Context, rows []*catalog.Row) (providers []*v1alpha1.IdentityProvider, err error) {
	seen := map[[2]string]bool{}
	for _, r := range rows {
		key := [2]string{r.Namespace, r.Name}
		if seen[key] {
			continue
		}
		seen[key] = true
		p, err := c.options.Catalog.Provider(ctx, r.Namespace, r.Name)
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		providers = append(providers, p)
	}
	return providers, nil
}
