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
// +kubebuilder:printcolumn:name="Credentials",type=string,JSONPath=`.status.credentials[*].id`
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
	// +optional
	// +default=["JWTBearer"]
	// +listType=set
	// +kubebuilder:validation:MaxItems=1
	//nolint:kubeapilinter // With omitempty a client written in Go could not say "none": the default would come back.
	GrantTypes []GrantType `json:"grantTypes,omitzero"`

	// authentication says how the client proves who it is at the token endpoint.
	//
	// +required
	Authentication ClientAuthentication `json:"authentication,omitzero"`

	// identityProviders are the providers whose assertions this client may present, by name, in its own namespace.
	// Default: every provider of its namespace.
	//
	// A name that does not exist sets ResolvedRefs to False with reason IdentityProviderNotFound; the others work.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
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

	// accessToken shapes the access tokens of this client.
	//
	// +optional
	// +default={}
	AccessToken *AccessTokenPolicy `json:"accessToken,omitempty"`
}

// GrantType is a grant of the token endpoint.
//
// +kubebuilder:validation:Enum=JWTBearer
type GrantType string

// GrantJWTBearer is urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 §2.1).
const GrantJWTBearer GrantType = "JWTBearer"

// ClientAuthentication says how a client proves who it is.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.clientSecret)",message="set clientSecret, the only method so far"
type ClientAuthentication struct {
	// clientSecret authenticates by a shared secret, sent as client_secret_basic or client_secret_post (RFC 6749
	// §2.3.1).
	//
	// +optional
	ClientSecret *ClientSecretAuthentication `json:"clientSecret,omitempty"`
}

// ClientSecretAuthentication names the Secret that holds a client's secret.
type ClientSecretAuthentication struct {
	// secretRef names a Secret in this namespace. Its key client_secret holds the secret, 16 to 512 bytes without
	// control characters; previous_client_secret, if present, works as well, for rotation with overlap.
	//
	// A missing Secret or key sets ResolvedRefs to False; an unusable value sets CredentialsReady to False. The token
	// server never sees the Secret, only a keyed digest in status.
	//
	// +required
	SecretRef ClientSecretReference `json:"secretRef,omitzero"`

	// generate set to true lets the operator create the Secret, with the keys client_id and client_secret, where it
	// does not exist; it is then owned by this object and deleted with it. An existing Secret is never changed.
	// Default false.
	//
	// +optional
	// +default=false
	Generate *bool `json:"generate,omitempty"`
}

// ClientSecretReference names a Secret in the namespace of the OAuthClient.
type ClientSecretReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret in this namespace: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// IdentityProviderReference names an IdentityProvider in the namespace of the OAuthClient.
type IdentityProviderReference struct {
	// name of the IdentityProvider.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an IdentityProvider in this namespace: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`
}

// AccessTokenPolicy shapes the access tokens of a client.
type AccessTokenPolicy struct {
	// lifetime of an access token, from 1m to 24h, default 1h.
	//
	// +optional
	// +default="1h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="must be a duration from 1m to 24h with the units h, m, s and ms, for example 15m"
	Lifetime Duration `json:"lifetime,omitempty"`

	// capToAssertion set to true ends an access token no later than the assertion it was exchanged for. Default false.
	//
	// +optional
	// +default=false
	CapToAssertion *bool `json:"capToAssertion,omitempty"`
}

// OAuthClientStatus is what the operator resolved from the spec and the objects it refers to.
type OAuthClientStatus struct {
	// observedGeneration is the metadata.generation that this status was computed from.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Accepted, ResolvedRefs, CredentialsReady and Ready, all set from the first visit.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// clientID is the client identifier to send. Absent: the id is contested and another object keeps it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	ClientID string `json:"clientID,omitempty"`

	// credentials are what the client may prove itself with. Empty: it cannot authenticate.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=4
	Credentials []ClientCredential `json:"credentials,omitempty"`
}

// ClientCredential is the keyed digest of one client secret. Without the digest key, which only operator and token
// servers hold, it can be neither used nor guessed at, and it is bound to this object's UID.
type ClientCredential struct {
	// id is current or previous.
	//
	// +required
	// +kubebuilder:validation:Enum=current;previous
	ID string `json:"id,omitempty"`

	// digestKeyID names the digest key.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	DigestKeyID string `json:"digestKeyID,omitempty"`

	// keyedDigest is HMAC-SHA-256 of the secret, base64url.
	//
	// +required
	// +kubebuilder:validation:MinLength=43
	// +kubebuilder:validation:MaxLength=43
	KeyedDigest string `json:"keyedDigest,omitempty"`
}
