package console

import (
	"cmp"
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
		wanted = append(wanted, providersOf(o)...)
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
		for _, o := range clients {
			wanted = append(wanted, workloadOf(o)...)
		}
		wanted = wanted[:min(len(wanted), maxProviders)] // Of a client whose provider is not read, the list says that it is not whole.
		if providers, err = c.readProviders(ctx, wanted); err != nil {
			return nil, err
		}
	}
	world, err := explain.NewWorld(providers, clients)
	if err != nil {
		return nil, err
	}
	return world.Only(extentOf(len(clients))), nil
}

// extentOf is what was read where so many clients of a namespace were.
func extentOf(clients int) explain.Extent {
	if clients >= maxClients {
		return explain.SomeClients
	}
	return explain.ClientsOfNamespace
}

// providersOf are the providers that a client names: those of its assertions, and that of its workload.
func providersOf(o *v1alpha1.OAuthClient) []*catalog.Row {
	rows := workloadOf(o)
	for _, ref := range o.Spec.IdentityProviders {
		rows = append(rows, referred(o, ref))
	}
	return rows
}

// workloadOf is the provider that vouches for the workload that a client is, if it is one.
func workloadOf(o *v1alpha1.OAuthClient) []*catalog.Row {
	if f := o.Spec.Authentication.Federated; f != nil {
		return []*catalog.Row{referred(o, f.IdentityProviderRef)}
	}
	return nil
}

func referred(o *v1alpha1.OAuthClient, ref v1alpha1.IdentityProviderReference) *catalog.Row {
	return &catalog.Row{Namespace: cmp.Or(ref.Namespace, o.Namespace), Name: ref.Name}
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
