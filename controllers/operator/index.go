package operator

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Field indexes of the cache.
const (
	// IndexProviderSecret finds IdentityProviders by the name of their Secret.
	IndexProviderSecret = "grantor.provider.secret"
	// IndexProviderConfigMap finds IdentityProviders by the name of their ConfigMap.
	IndexProviderConfigMap = "grantor.provider.configmap"
	// IndexProviderIssuer finds IdentityProviders by issuer.
	IndexProviderIssuer = "grantor.provider.issuer"
	// IndexClientSecret finds OAuthClients by the name of their Secret.
	IndexClientSecret = "grantor.client.secret"
	// IndexClientConfigMap finds OAuthClients by the name of their ConfigMap.
	IndexClientConfigMap = "grantor.client.configmap"
	// IndexClientID finds OAuthClients by the client id that they claim.
	IndexClientID = "grantor.client.id"
	// IndexClientProvider finds OAuthClients by the providers that they name, as namespace/name.
	IndexClientProvider = "grantor.client.provider"
)

// index is one field index.
type index struct {
	object client.Object
	name   string
	values client.IndexerFunc
}

func indexes() []index {
	return []index{
		{&v1alpha1.IdentityProvider{}, IndexProviderSecret, ofProvider(func(p *v1alpha1.IdentityProvider) []string {
			secret, _ := ReferencedByProvider(p)
			return present(secret)
		})},
		{&v1alpha1.IdentityProvider{}, IndexProviderConfigMap, ofProvider(func(p *v1alpha1.IdentityProvider) []string {
			_, configMap := ReferencedByProvider(p)
			return present(configMap)
		})},
		{&v1alpha1.IdentityProvider{}, IndexProviderIssuer, ofProvider(func(p *v1alpha1.IdentityProvider) []string {
			return []string{p.Spec.Issuer}
		})},
		{&v1alpha1.OAuthClient{}, IndexClientSecret, ofClient(func(c *v1alpha1.OAuthClient) []string {
			secret, _ := ReferencedByClient(c)
			return present(secret)
		})},
		{&v1alpha1.OAuthClient{}, IndexClientConfigMap, ofClient(func(c *v1alpha1.OAuthClient) []string {
			_, configMap := ReferencedByClient(c)
			return present(configMap)
		})},
		{&v1alpha1.OAuthClient{}, IndexClientDigestKey, ofClient(digestKeyIDs)},
		{&v1alpha1.OAuthClient{}, IndexClientID, ofClient(func(c *v1alpha1.OAuthClient) []string {
			return []string{ClientID(c)}
		})},
		{&v1alpha1.OAuthClient{}, IndexClientProvider, ofClient(func(c *v1alpha1.OAuthClient) []string {
			names := []string{}
			for _, name := range ProviderRefs(c) {
				names = append(names, name.String())
			}
			return names
		})},
	}
}

// present is a list of the name, if there is one.
func present(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

func ofProvider(values func(*v1alpha1.IdentityProvider) []string) client.IndexerFunc {
	return func(obj client.Object) []string {
		p, ok := obj.(*v1alpha1.IdentityProvider)
		if !ok {
			return nil
		}
		return values(p)
	}
}

func ofClient(values func(*v1alpha1.OAuthClient) []string) client.IndexerFunc {
	return func(obj client.Object) []string {
		c, ok := obj.(*v1alpha1.OAuthClient)
		if !ok {
			return nil
		}
		return values(c)
	}
}

func registerIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, i := range indexes() {
		if err := indexer.IndexField(ctx, i.object, i.name, i.values); err != nil {
			return fmt.Errorf("add field index %s: %w", i.name, err)
		}
	}
	return nil
}

// listProviders returns the providers that the options select, as pointers.
func listProviders(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]*v1alpha1.IdentityProvider, error) {
	var list v1alpha1.IdentityProviderList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("list IdentityProviders: %w", err)
	}
	return pointers(list.Items), nil
}

// listClients returns the clients that the options select, as pointers.
func listClients(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]*v1alpha1.OAuthClient, error) {
	var list v1alpha1.OAuthClientList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("list OAuthClients: %w", err)
	}
	return pointers(list.Items), nil
}

func pointers[T any](items []T) []*T {
	list := make([]*T, len(items))
	for i := range items {
		list[i] = &items[i]
	}
	return list
}

// requests are the reconcile requests of objects.
func requests[T client.Object](objects []T) []reconcile.Request {
	list := make([]reconcile.Request, len(objects))
	for i, o := range objects {
		list[i].NamespacedName = types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
	}
	return list
}
