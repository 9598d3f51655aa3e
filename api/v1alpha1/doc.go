// Package v1alpha1 holds the kinds of the API group grantor.dev: IdentityProvider, which makes an issuer of
// assertions trusted, and OAuthClient, which may present them at the token endpoint (RFC 7523).
//
// The package owns the schema, its bounds, and the names of all conditions and reasons. It must never hold
// behaviour: what a field means at the token endpoint is decided in package tokenserver, and how a reference becomes
// keys is decided in package resolve.
//
// +kubebuilder:object:generate=true
// +groupName=grantor.dev
package v1alpha1
