package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthClient is an application that may exchange assertions at the token endpoint (RFC 6749 §2).
//
// Identity (client id and credentials) takes effect when the operator has resolved it into status; policy (all other
// fields) takes effect from spec, on every token server, as soon as the API server has stored it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oac,categories={grantor},scope=Namespaced
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Authentication",type=string,JSONPath=`.status.authentication`
// +kubebuilder:printcolumn:name="Credentials",type=integer,JSONPath=`.status.credentialCount`
// +kubebuilder:printcolumn:name="Next Expiry",type=string,JSONPath=`.status.nextKeyExpiry`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type OAuthClient struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says who the client is and what it may get.
	//
	// +required
	Spec OAuthClientSpec `json:"spec,omitzero"`

	// status is what the operator resolved. Only the operator writes it.
	//
	// +optional
	// +structType=atomic
	Status OAuthClientStatus `json:"status,omitempty,omitzero"`
}

// OAuthClientList is a list of OAuthClients.
//
// +kubebuilder:object:root=true
type OAuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the OAuthClients.
	Items []OAuthClient `json:"items"`
}

// OAuthClientSpec says who the client is and what it may get.
//
// +kubebuilder:validation:XValidation:rule="has(self.clientID) == has(oldSelf.clientID) && (!has(self.clientID) || self.clientID == oldSelf.clientID)",message="clientID cannot be changed, added or removed: create a new OAuthClient",fieldPath=".clientID",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!has(self.grantTypes) || !('ClientCredentials' in self.grantTypes) || !has(self.authentication.public)",fieldPath=".grantTypes",message="ClientCredentials is not for public clients, which cannot prove who they are (RFC 6749 section 4.4)"
// +kubebuilder:validation:XValidation:rule="!has(self.grantTypes) || !('ClientCredentials' in self.grantTypes) || !has(self.clientID) || !self.clientID.matches('^[^:/]*/[^:/]*:')",fieldPath=".grantTypes",message="ClientCredentials is not for a clientID of the form <namespace>/<name>:, which belongs to the subjects of identity providers"
// +kubebuilder:validation:XValidation:rule="!has(self.resourceServer) || !has(self.authentication.public)",fieldPath=".resourceServer",message="goes with a client that authenticates: a public one may not ask about access tokens"
// +kubebuilder:validation:XValidation:rule="!has(self.refreshToken) || has(self.grantTypes) && 'RefreshToken' in self.grantTypes",message="needs RefreshToken in grantTypes",fieldPath=".refreshToken",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!has(self.refreshToken) || !has(self.accessToken) || duration(self.refreshToken.lifetime) >= duration(self.accessToken.lifetime)",message="must not be shorter than accessToken.lifetime",fieldPath=".refreshToken.lifetime"
// +kubebuilder:validation:XValidation:rule="!has(self.grantTypes) || !('RefreshToken' in self.grantTypes) || 'JWTBearer' in self.grantTypes || 'TokenExchange' in self.grantTypes",message="RefreshToken needs a grant that issues refresh tokens: add JWTBearer or TokenExchange",fieldPath=".grantTypes"
type OAuthClientSpec struct {
	// clientID is the client identifier (RFC 6749 §2.2), unique in the cluster and immutable. Default
	// "<namespace>.<name>".
	//
	// Where two objects claim one id, the one whose default it is keeps it, else the older; the other gets Accepted
	// False with reason DuplicateClientID.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\p{C}\\\\p{Z}]([^\\\\p{C}\\\\p{Zl}\\\\p{Zp}]*[^\\\\p{C}\\\\p{Z}])?$')",message="must not hold control characters, nor begin or end with a space"
	ClientID string `json:"clientID,omitempty"`

	// grantEnabled set to false makes the token server answer this client as if it did not exist, at once, on every
	// token server, and sets Ready to False with reason GrantDisabled. Default true.
	//
	// +optional
	// +default=true
	GrantEnabled *bool `json:"grantEnabled,omitempty"`

	// grantTypes are the grants that the client may use; any other answers unauthorized_client. An empty list allows
	// none. Default [JWTBearer].
	//
	// With ClientCredentials the client gets tokens in its own name, whose sub is the client id: it needs a way to
	// authenticate that is not public, and a clientID that does not have the form of a subject, "<namespace>/<name>:…".
	//
	// With RefreshToken the client gets refresh tokens beside the access tokens of JWTBearer and TokenExchange, of which it needs
	// one for that.
	//
	// +optional
	// +default=["JWTBearer"]
	// +listType=set
	// +kubebuilder:validation:MaxItems=4
	//nolint:kubeapilinter // With omitempty a client written in Go could not say "none": the default would come back.
	GrantTypes []GrantType `json:"grantTypes,omitzero"`

	// authentication says how the client proves who it is at the token endpoint.
	//
	// +required
	Authentication ClientAuthentication `json:"authentication,omitzero"`

	// identityProviders are the providers whose assertions this client may present. Default: every provider of its own
	// namespace. One of another namespace must allow this one in its spec.allowedClientNamespaces. Where two of them have
	// the same issuer, the first one counts.
	//
	// A provider that does not exist sets ResolvedRefs to False with reason IdentityProviderNotFound, and one that does not
	// allow it with reason ReferenceNotPermitted, which is also said of what does not exist in another namespace; the
	// others work.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	IdentityProviders []IdentityProviderReference `json:"identityProviders,omitempty"`

	// scopes are what the client may ask for. A request without scope gets all of them; a request for others gets the
	// part that is allowed, or invalid_scope when that is empty. Default: none.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Scopes []Scope `json:"scopes,omitempty"`

	// resources are the values that the client may ask for with the resource parameter (RFC 8707), which become the
	// aud claim of its access tokens; a request without the parameter gets the first. Absolute URIs without fragment.
	// Default: the authorization server's issuer alone.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9+.-]*:[\\\\x21\\\\x24-\\\\x7e]+$')",message="must be an absolute URI without fragment (RFC 8707 section 2), for example https://api.example.com"
	Resources []string `json:"resources,omitempty"`

	// resourceServer says that this client is an API, which may ask the introspection endpoint (RFC 7662) about the access
	// tokens that are for it, whichever client they were issued to. A client that is nothing else sets grantTypes to [].
	// A public client may not ask. Default: the client may ask about its own access tokens alone.
	//
	// +optional
	ResourceServer *ResourceServer `json:"resourceServer,omitempty"`

	// accessToken shapes the access tokens of this client.
	//
	// +optional
	// +default={}
	AccessToken *AccessTokenPolicy `json:"accessToken,omitempty"`

	// refreshToken shapes the refresh tokens of this client. It needs RefreshToken in grantTypes.
	//
	// +optional
	RefreshToken *RefreshTokenPolicy `json:"refreshToken,omitempty"`
}

// GrantType is a grant of the token endpoint.
//
// +kubebuilder:validation:Enum=JWTBearer;ClientCredentials;TokenExchange;RefreshToken
type GrantType string

const (
	// GrantJWTBearer is urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 §2.1): exchange an assertion.
	GrantJWTBearer GrantType = "JWTBearer"
	// GrantClientCredentials is client_credentials (RFC 6749 §4.4): get a token in the client's own name.
	GrantClientCredentials GrantType = "ClientCredentials"
	// GrantTokenExchange is urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693): exchange a token, for somebody who
	// acts for its subject where there is an actor token.
	GrantTokenExchange GrantType = "TokenExchange"
	// GrantRefreshToken is refresh_token (RFC 6749 §6): get another token without another assertion.
	GrantRefreshToken GrantType = "RefreshToken"
)

// ResourceServer is a protected resource (RFC 6749 §1.1) that accepts access tokens.
type ResourceServer struct {
	// resources are the values of the aud claim by which access tokens are for this API. It learns about a token that has
	// one of them, and about other tokens only that they are not active for it. Absolute URIs without fragment, as in
	// spec.resources of the clients that ask for such tokens.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9+.-]*:[\\\\x21\\\\x24-\\\\x7e]+$')",message="must be an absolute URI without fragment (RFC 8707 section 2), for example https://api.example.com"
	Resources []string `json:"resources,omitempty"`
}

// AccessTokenPolicy shapes the access tokens of a client.
type AccessTokenPolicy struct {
	// lifetime of an access token, from 1m to 24h, default 1h.
	//
	// +optional
	// +default="1h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="must be a duration from 1m to 24h with the units h, m, s and ms, for example 15m"
	Lifetime Duration `json:"lifetime,omitempty"`

	// capToAssertion set to true ends an access token, and the refresh tokens that come with it, no later than the assertion
	// it was exchanged for. Default false.
	//
	// +optional
	// +default=false
	CapToAssertion *bool `json:"capToAssertion,omitempty"`
}

// RefreshTokenPolicy shapes the refresh tokens of a client. Every use of one replaces it by the next, and using one again
// ends them all.
type RefreshTokenPolicy struct {
	// lifetime is how long refresh tokens follow one another after one assertion, whatever their number, from 1m to 8760h
	// and not shorter than that of access tokens. Default 720h.
	//
	// +optional
	// +default="720h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="must be a duration from 1m to 8760h with the units h, m, s and ms, for example 720h"
	Lifetime Duration `json:"lifetime,omitempty"`
}
