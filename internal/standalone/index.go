package standalone

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/operator"
	"github.com/grantor-dev/grantor/internal/manifests"
)

// index finds what an object is judged beside, as the operator's cache does: many objects must not cost many times as much
// each.
type index struct {
	set       *manifests.Set
	issuers   map[types.NamespacedName][]*v1alpha1.IdentityProvider // by namespace and issuer
	clientIDs map[string][]*v1alpha1.OAuthClient
	providers map[types.NamespacedName]*v1alpha1.IdentityProvider
}

func newIndex(set *manifests.Set) index {
	i := index{
		set: set, issuers: map[types.NamespacedName][]*v1alpha1.IdentityProvider{}, clientIDs: map[string][]*v1alpha1.OAuthClient{},
		providers: map[types.NamespacedName]*v1alpha1.IdentityProvider{},
	}
	for _, p := range set.Providers {
		at := types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.Issuer}
		i.issuers[at] = append(i.issuers[at], p)
		i.providers[types.NamespacedName{Namespace: p.Namespace, Name: p.Name}] = p
	}
	for _, c := range set.Clients {
		id := operator.ClientID(c)
		i.clientIDs[id] = append(i.clientIDs[id], c)
	}
	return i
}

func (i index) sameIssuer(p *v1alpha1.IdentityProvider) []*v1alpha1.IdentityProvider {
	return i.issuers[types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.Issuer}]
}

func (i index) sameClientID(c *v1alpha1.OAuthClient) []*v1alpha1.OAuthClient {
	return i.clientIDs[operator.ClientID(c)]
}

// providersOf are those that the client names and that exist.
func (i index) providersOf(c *v1alpha1.OAuthClient) (found []*v1alpha1.IdentityProvider) {
	for _, name := range operator.ProviderRefs(c) {
		if p := i.providers[name]; p != nil {
			found = append(found, p)
		}
	}
	return found
}

func (i index) secret(namespace, name string) *corev1.Secret {
	return i.set.Secrets[types.NamespacedName{Namespace: namespace, Name: name}]
}
