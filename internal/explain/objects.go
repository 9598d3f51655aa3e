package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/manifests"
	"github.com/grantor-dev/grantor/internal/standalone"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// FromManifests reads a folder or a file as standalone mode does, and resolves what it declares.
func FromManifests(ctx context.Context, path string, now time.Time) (*World, error) {
	reader, err := manifests.NewReader()
	if err != nil {
		return nil, err
	}
	set, err := reader.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	evaluator, err := standalone.NewEvaluator(keyring.GenerateDigestKey())
	if err != nil {
		return nil, err
	}
	evaluator.Evaluate(set, now)
	return NewWorld(set.Providers, set.Clients)
}

// pageSize is how many objects are read at a time.
const pageSize = 500

// FromCluster reads the objects that an explanation for the client needs, or, without a client, those of a namespace, empty
// for all. Nothing but our two kinds is read: keys are in their status.
func FromCluster(ctx context.Context, reader client.Reader, named types.NamespacedName, namespace string) (*World, error) {
	var clients []*v1alpha1.OAuthClient
	namespaces, extent := []string{namespace}, AllClients
	if namespace != "" {
		extent = ClientsOfNamespace
	}
	if named == (types.NamespacedName{}) {
		found, err := clientsIn(ctx, reader, namespace)
		switch {
		case apierrors.IsForbidden(err): // They are only listed as a hint.
			extent = SomeClients
		case err != nil:
			return nil, err
		}
		clients = found
	} else {
		c := &v1alpha1.OAuthClient{}
		switch err := reader.Get(ctx, named, c); {
		case apierrors.IsNotFound(err):
			return nil, fmt.Errorf("%w: %s", ErrNoSuchClient, named)
		case err != nil:
			return nil, fmt.Errorf("read OAuthClient %s: %w", named, err)
		}
		clients, namespaces = []*v1alpha1.OAuthClient{c}, namespacesOf(c)
	}
	var providers []*v1alpha1.IdentityProvider
	for _, ns := range namespaces {
		found, err := providersIn(ctx, reader, ns)
		if err != nil {
			return nil, err
		}
		providers = append(providers, found...)
	}
	w, err := NewWorld(providers, clients)
	if err != nil {
		return nil, err
	}
	return w.Only(extent), nil
}

// namespacesOf are those whose providers a client may refer to.
func namespacesOf(c *v1alpha1.OAuthClient) []string {
	namespaces := []string{c.Namespace}
	refs := c.Spec.IdentityProviders
	if f := c.Spec.Authentication.Federated; f != nil {
		refs = append(slices.Clip(refs), f.IdentityProviderRef)
	}
	for _, ref := range refs {
		if ref.Namespace != "" && !slices.Contains(namespaces, ref.Namespace) {
			namespaces = append(namespaces, ref.Namespace)
		}
	}
	return namespaces
}

func providersIn(ctx context.Context, reader client.Reader, namespace string) ([]*v1alpha1.IdentityProvider, error) {
	var found []*v1alpha1.IdentityProvider
	err := eachPage(func(options ...client.ListOption) (string, error) {
		list := &v1alpha1.IdentityProviderList{}
		if err := reader.List(ctx, list, append(options, client.InNamespace(namespace))...); err != nil {
			return "", fmt.Errorf("list IdentityProviders: %w", err)
		}
		for i := range list.Items {
			found = append(found, &list.Items[i])
		}
		return list.Continue, nil
	})
	return found, err
}

func clientsIn(ctx context.Context, reader client.Reader, namespace string) ([]*v1alpha1.OAuthClient, error) {
	var found []*v1alpha1.OAuthClient
	err := eachPage(func(options ...client.ListOption) (string, error) {
		list := &v1alpha1.OAuthClientList{}
		if err := reader.List(ctx, list, append(options, client.InNamespace(namespace))...); err != nil {
			return "", fmt.Errorf("list OAuthClients: %w", err)
		}
		for i := range list.Items {
			found = append(found, &list.Items[i])
		}
		return list.Continue, nil
	})
	return found, err
}

// errEndless is an API server that always has another page.
var errEndless = errors.New("the API server has no last page")

func eachPage(read func(...client.ListOption) (string, error)) error {
	next := ""
	for range 10_000 {
		more, err := read(client.Limit(pageSize), client.Continue(next))
		if err != nil || more == "" {
			return err
		}
		next = more
	}
	return errEndless
}
