package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IdentityProvider makes one issuer of assertions trusted for the OAuthClients of its namespace (RFC 7523 §3).
//
// Identity (issuer and keys) takes effect when the operator has resolved it into status.trust; policy (all other
// fields) takes effect from spec, on every token server, as soon as the API server has stored it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=idp,categories={grantor},scope=Namespaced
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuer`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.status.trust.source`
// +kubebuilder:printcolumn:name="Keys",type=integer,JSONPath=`.status.trust.keyCount`
// +kubebuilder:printcolumn:name="Next Expiry",type=string,JSONPath=`.status.nextKeyExpiry`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IdentityProvider struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata. The name is free: it is never compared with the iss claim.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says whom to trust, and for what.
	//
	// +required
	Spec IdentityProviderSpec `json:"spec,omitzero"`

	// status is what the operator resolved. Only the operator writes it.
	//
	// +optional
	Status IdentityProviderStatus `json:"status,omitempty,omitzero"`
}

// IdentityProviderList is a list of IdentityProviders.
//
// +kubebuilder:object:root=true
type IdentityProviderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the IdentityProviders.
	Items []IdentityProvider `json:"items"`
}

// IdentityProviderSpec says which assertions are accepted.
//
// +kubebuilder:validation:XValidation:rule="(has(self.certificateSecretRef) ? 1 : 0) + (has(self.jwks) ? 1 : 0) == 1",message="set exactly one key source: certificateSecretRef or jwks"
type IdentityProviderSpec struct {
	// issuer is compared byte for byte with the iss claim: no case folding, no trailing slash, no default port
	// (RFC 7523 §3(1)).
	//
	// Two providers of one namespace cannot share an issuer: the older one keeps it, the other gets Accepted False with
	// reason DuplicateIssuer.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\x21-\\\\x7e]+$')",message="must be the exact iss value of the assertions, visible ASCII characters without spaces"
	Issuer string `json:"issuer,omitempty"`

	// grantEnabled set to false refuses every assertion of this provider at once, on every token server, and sets
	// Ready to False with reason GrantDisabled. Default true.
	//
	// +optional
	// +default=true
	GrantEnabled *bool `json:"grantEnabled,omitempty"`

	// certificateSecretRef names a Secret that holds this issuer's public keys: PEM (any number of CERTIFICATE and
	// PUBLIC KEY blocks, at most 10, for rotation with overlap) or one DER certificate or public key. RSA of 2048 to 8192 bits,
	// P-256, P-384, P-521 and Ed25519 are accepted.
	//
	// Every key in it is trusted by itself: no chains are built, so leave intermediate and CA certificates out.
	//
	// What cannot be used is skipped and named in status.trust.skippedKeys; with no usable key left, KeysReady is
	// False with the reason of the first skipped one. A Secret that is deleted or emptied ends trust at once.
	//
	// +optional
	CertificateSecretRef *SecretKeyReference `json:"certificateSecretRef,omitempty"`

	// jwks holds this issuer's public keys inline, as in its JWK Set document (RFC 7517 §5).
	//
	// +optional
	JWKS *JSONWebKeySet `json:"jwks,omitempty"`

	// audienceAliases are the aud values that name this authorization server, usually its token endpoint URL or its
	// issuer (RFC 7523 §3(3)); compared byte for byte. Make them unique for each deployment: an assertion for another
	// deployment's alias must not work here.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[\\\\x21-\\\\x7e]+$')",message="must be an exact aud value, visible ASCII characters without spaces"
	AudienceAliases []string `json:"audienceAliases,omitempty"`

	// audiencePolicy says how the aud claim is compared. Any (the default): one element equals an alias. Sole: every
	// element does, so an assertion that was also meant for somebody else is refused.
	//
	// +optional
	// +default="Any"
	AudiencePolicy AudiencePolicy `json:"audiencePolicy,omitempty"`

	// certificateExpiry says whether the validity period of a certificate bounds the use of its key. Enforce (the
	// default): a key outside its certificate's validity, clockSkew allowed, verifies nothing; this is checked at every
	// request. Ignore: the certificate only carries the key.
	//
	// +optional
	// +default="Enforce"
	CertificateExpiry CertificateExpiry `json:"certificateExpiry,omitempty"`

	// algorithms are the accepted signature algorithms (RFC 7518 §3.1). Default: all that fit the keys. HMAC and none
	// do not exist here.
	//
	// A list that fits none of the keys sets KeysReady to False with reason AlgorithmMismatch.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Algorithms []SignatureAlgorithm `json:"algorithms,omitempty"`

	// clockSkew is how far this issuer's clock may differ from ours. It loosens both ends: exp, nbf, iat and the
	// validity of certificates. From 0s to 5m, default 30s.
	//
	// +optional
	// +default="30s"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('5m')",message="must be a duration from 0s to 5m with the units h, m, s and ms, for example 30s"
	ClockSkew Duration `json:"clockSkew,omitempty"`

	// maxAge is the longest time since iat. An assertion without iat is then refused. From 1s to 8760h, default no limit
	// beyond exp and maxLifetime.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="must be a duration from 1s to 8760h with the units h, m, s and ms, for example 10m"
	MaxAge Duration `json:"maxAge,omitempty"`

	// maxLifetime is the longest time from iat to exp, or from now to exp when there is no iat (RFC 7523 §3(4): "not
	// unreasonably far in the future"). From 1s to 8760h, default 24h.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="must be a duration from 1s to 8760h with the units h, m, s and ms, for example 1h"
	MaxLifetime Duration `json:"maxLifetime,omitempty"`

	// replay says whether one assertion may be exchanged more than once (RFC 7523 §3(7)). OneTime: jti is required and
	// works once. OneTimeIfPresent (the default): an assertion with jti works once, one without may be used until it
	// expires. Reuse: any assertion may be used until it expires.
	//
	// +optional
	// +default="OneTimeIfPresent"
	Replay ReplayPolicy `json:"replay,omitempty"`

	// scopes are the most that any access token from this provider's assertions may hold (RFC 6749 §3.3). Default: no
	// limit beyond the client's scopes.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Scopes []Scope `json:"scopes,omitempty"`
}

// AudiencePolicy says how the aud claim is compared with the audience aliases.
//
// +kubebuilder:validation:Enum=Any;Sole
type AudiencePolicy string

// The audience policies.
const (
	// AudienceAny accepts an assertion when one element of aud equals an alias.
	AudienceAny AudiencePolicy = "Any"
	// AudienceSole accepts an assertion when every element of aud equals an alias.
	AudienceSole AudiencePolicy = "Sole"
)

// CertificateExpiry says whether a certificate's validity bounds the use of its key.
//
// +kubebuilder:validation:Enum=Enforce;Ignore
type CertificateExpiry string

// The certificate expiry policies.
const (
	// CertificateExpiryEnforce uses a key only within its certificate's validity.
	CertificateExpiryEnforce CertificateExpiry = "Enforce"
	// CertificateExpiryIgnore uses a key whatever its certificate's validity.
	CertificateExpiryIgnore CertificateExpiry = "Ignore"
)

// ReplayPolicy says whether one assertion may be exchanged more than once.
//
// +kubebuilder:validation:Enum=OneTime;OneTimeIfPresent;Reuse
type ReplayPolicy string

// The replay policies.
const (
	// ReplayOneTime requires jti and accepts each assertion once.
	ReplayOneTime ReplayPolicy = "OneTime"
	// ReplayOneTimeIfPresent accepts each assertion that has a jti once.
	ReplayOneTimeIfPresent ReplayPolicy = "OneTimeIfPresent"
	// ReplayReuse accepts an assertion until it expires.
	ReplayReuse ReplayPolicy = "Reuse"
)

// SignatureAlgorithm is a JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
//
// +kubebuilder:validation:Enum=RS256;RS384;RS512;PS256;PS384;PS512;ES256;ES384;ES512;EdDSA
type SignatureAlgorithm string

// Scope is one scope-token (RFC 6749 §3.3).
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\x21\\\\x23-\\\\x5b\\\\x5d-\\\\x7e]+$')",message="must be one scope-token (RFC 6749 section 3.3): visible ASCII without spaces, double quotes and backslashes; write several scopes as several list items"
type Scope string

// JSONWebKeySet is a set of public keys (RFC 7517 §5).
type JSONWebKeySet struct {
	// keys are the public keys. A key that cannot be used is skipped and named in status.trust.skippedKeys; with none
	// left, KeysReady is False with the reason of the first skipped one.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	Keys []JSONWebKey `json:"keys,omitempty"`
}

// JSONWebKey is one public key (RFC 7517 §4). Members that are not listed here are kept and ignored, as the RFC asks.
//
// Quote "n" and "y" in YAML: kubectl reads the bare words as false and true, and the key would come without them.
//
// +kubebuilder:pruning:PreserveUnknownFields
// +kubebuilder:validation:XValidation:rule="!has(self.d)",fieldPath=".d",message="is the private half of the key: publish the public half only, and replace the key, for it has been exposed"
// +kubebuilder:validation:XValidation:rule="!has(self.k)",fieldPath=".k",message="is a symmetric key: only public keys verify assertions here; replace the key, for it has been exposed"
// +kubebuilder:validation:XValidation:rule="self.kty != 'RSA' || has(self.n) && has(self.e)",message="an RSA key needs the members n and e; in YAML, write \"n\" in quotes, for without them it means false"
// +kubebuilder:validation:XValidation:rule="self.kty != 'EC' || has(self.crv) && has(self.x) && has(self.y)",message="an EC key needs the members crv, x and y; in YAML, write \"y\" in quotes, for without them it means true"
// +kubebuilder:validation:XValidation:rule="self.kty != 'OKP' || has(self.crv) && has(self.x)",message="an OKP key needs the members crv and x"
type JSONWebKey struct {
	// kty is the key type: RSA, EC or OKP.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	KeyType string `json:"kty,omitempty"`

	// kid is the key id that the header of an assertion names.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"kid,omitempty"`

	// use must be sig where it is present.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Use string `json:"use,omitempty"`

	// key_ops must hold verify where it is present.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=32
	KeyOperations []string `json:"key_ops,omitempty"`

	// alg binds the key to one signature algorithm where it is present.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Algorithm string `json:"alg,omitempty"`

	// n is the RSA modulus, base64url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	N string `json:"n,omitempty"`

	// e is the RSA exponent, base64url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	E string `json:"e,omitempty"`

	// crv is the curve of an EC or OKP key: P-256, P-384, P-521 or Ed25519.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Curve string `json:"crv,omitempty"`

	// x is the x coordinate of an EC key, or the public key of an OKP key, base64url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	X string `json:"x,omitempty"`

	// y is the y coordinate of an EC key, base64url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Y string `json:"y,omitempty"`

	// d is private key material and is always refused; it stands here so that the API server can say so.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateD *string `json:"d,omitempty"`

	// k is symmetric key material and is always refused; it stands here so that the API server can say so.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	SymmetricK *string `json:"k,omitempty"`
}
