package operator

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// ClientID is the client identifier that an OAuthClient claims: spec.clientID, or "<namespace>.<name>".
func ClientID(c *v1alpha1.OAuthClient) string {
	return cmp.Or(c.Spec.ClientID, defaultClientID(c))
}

// defaultClientID is unique in a cluster: the name of a namespace holds no dot.
func defaultClientID(c *v1alpha1.OAuthClient) string { return c.Namespace + "." + c.Name }

// ClientIDHolder returns which of the clients, at least one and all claiming one client id, keeps it: the one whose
// default id it is, else the oldest, then by namespace and name.
func ClientIDHolder(clients []*v1alpha1.OAuthClient) *v1alpha1.OAuthClient {
	return slices.MinFunc(clients, func(a, b *v1alpha1.OAuthClient) int {
		if aOwns, bOwns := ClientID(a) == defaultClientID(a), ClientID(b) == defaultClientID(b); aOwns != bOwns {
			return map[bool]int{true: -1, false: 1}[aOwns]
		}
		return compareAge(a, b)
	})
}

// IssuerHolder returns which of the providers, at least one, of one namespace and with one issuer, keeps the issuer: the
// oldest, then by name.
func IssuerHolder(providers []*v1alpha1.IdentityProvider) *v1alpha1.IdentityProvider {
	return slices.MinFunc(providers, func(a, b *v1alpha1.IdentityProvider) int { return compareAge(a, b) })
}

func compareAge(a, b metav1.Object) int {
	return cmp.Or(
		a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
		cmp.Compare(a.GetNamespace(), b.GetNamespace()),
		cmp.Compare(a.GetName(), b.GetName()),
	)
}

// sameObject compares by name, which also works for objects that no API server has seen.
func sameObject(a, b metav1.Object) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

// issuerHolder returns who keeps the provider's issuer.
func issuerHolder(p *v1alpha1.IdentityProvider, rivals []*v1alpha1.IdentityProvider) *v1alpha1.IdentityProvider {
	claimants := []*v1alpha1.IdentityProvider{p}
	for _, r := range rivals {
		if r.Namespace == p.Namespace && r.Spec.Issuer == p.Spec.Issuer && !sameObject(r, p) {
			claimants = append(claimants, r)
		}
	}
	return IssuerHolder(claimants)
}

// clientIDHolder returns who keeps the client's id.
func clientIDHolder(c *v1alpha1.OAuthClient, rivals []*v1alpha1.OAuthClient) *v1alpha1.OAuthClient {
	claimants := []*v1alpha1.OAuthClient{c}
	for _, r := range rivals {
		if ClientID(r) == ClientID(c) && !sameObject(r, c) {
			claimants = append(claimants, r)
		}
	}
	return ClientIDHolder(claimants)
}
