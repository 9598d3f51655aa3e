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
	// +structType=atomic
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
// +kubebuilder:validation:XValidation:rule="(has(self.certificateSecretRef) ? 1 : 0) + (has(self.jwks) ? 1 : 0) + (has(self.jwksURI) ? 1 : 0) + (has(self.discovery) ? 1 : 0) + (has(self.clusterIssuer) ? 1 : 0) == 1",message="set exactly one key source: certificateSecretRef, jwks, jwksURI, discovery or clusterIssuer"
// +kubebuilder:validation:XValidation:rule="!has(self.discovery) || has(self.discovery.url) || self.issuer.matches('^https?://([A-Za-z0-9][A-Za-z0-9.-]*|\\\\[[0-9A-Fa-f:.]+\\\\])(:[1-9][0-9]{0,4})?(/[\\\\x21\\\\x24-\\\\x3e\\\\x40-\\\\x7e]*)?$') && isURL(self.issuer)",fieldPath=".discovery.url",message="is needed here, for the issuer is no URL under which a discovery document could be found"
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

	// profile presets the policy below for a well-known kind of issuer; a field that is set here counts more than the
	// preset. What applies in the end stands in status.effective.
	//
	// Generic (the default): any issuer. Kubernetes: projected ServiceAccount tokens. SPIFFE: JWT-SVIDs. GitHubActions:
	// the tokens of workflow runs. IDJAG: identity assertion authorization grants, which an enterprise's identity provider
	// signs for one client of this server (draft-ietf-oauth-identity-assertion-authz-grant).
	//
	// Strangers share the issuer with Kubernetes and GitHubActions, and with clusterIssuer under any profile, and the audience
	// is theirs to choose. There, one of claimValidationRules must restrict a claim that tells them apart; without one,
	// Accepted is False with reason IdentityRuleMissing.
	//
	// +optional
	// +default="Generic"
	Profile Profile `json:"profile,omitempty"`

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

	// jwksURI names the URL of this issuer's JWK Set document, which the operator fetches.
	//
	// +optional
	JWKSURI *RemoteKeySet `json:"jwksURI,omitempty"`

	// discovery finds the JWK Set document through the issuer's OpenID Connect discovery document, whose issuer must
	// equal spec.issuer byte for byte (OpenID Connect Discovery 1.0 §4.3).
	//
	// +optional
	Discovery *DiscoveredKeySet `json:"discovery,omitempty"`

	// clusterIssuer takes the keys that sign the ServiceAccount tokens of this cluster, from the API server itself.
	// spec.issuer must be the API server's own issuer, else KeysReady is False with reason IssuerMismatch, and the message
	// holds the right one. Every workload of the cluster gets such tokens: one of claimValidationRules must say whose are
	// accepted, see profile.
	//
	// +optional
	ClusterIssuer *ClusterKeySet `json:"clusterIssuer,omitempty"`

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

	// audiencePolicy says how the aud claim is compared. Any: one element equals an alias. Sole: every element does, so an
	// assertion that was also meant for somebody else is refused. Default Any with profile Generic, else Sole.
	//
	// +optional
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
	// unreasonably far in the future"). From 1s to 8760h, default 24h with the profiles Generic and SPIFFE, 8760h with
	// Kubernetes (whose API server extends tokens to a year), 1h with GitHubActions, and 15m with IDJAG.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="must be a duration from 1s to 8760h with the units h, m, s and ms, for example 1h"
	MaxLifetime Duration `json:"maxLifetime,omitempty"`

	// replay says whether one assertion may be exchanged more than once (RFC 7523 §3(7)). OneTime: jti is required and
	// works once. OneTimeIfPresent: an assertion with jti works once, one without may be used until it expires. Reuse: any
	// assertion may be used until it expires. Default OneTimeIfPresent with profile Generic, Reuse with Kubernetes and
	// SPIFFE, whose workloads present one token again and again, and OneTime with GitHubActions and IDJAG.
	//
	// +optional
	Replay ReplayPolicy `json:"replay,omitempty"`

	// scopes are the most that any access token from this provider's assertions may hold (RFC 6749 §3.3). Default: no
	// limit beyond the client's scopes.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Scopes []Scope `json:"scopes,omitempty"`

	// claimValidationRules must all hold, or the assertion is refused. They work as in Kubernetes' structured
	// authentication configuration.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	//nolint:kubeapilinter // Each entry has one of two required shapes, which its rules demand.
	ClaimValidationRules []ClaimValidationRule `json:"claimValidationRules,omitempty"`

	// claimMappings copy what they compute from the assertion's claims into the access token. Nothing is copied without.
	//
	// +optional
	// +listType=map
	// +listMapKey=claim
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	ClaimMappings []ClaimMapping `json:"claimMappings,omitempty"`

	// subject says how the sub of access tokens is made. Default: the sub of the assertion after the prefix
	// "<namespace>/<name>:" of this object, so that no two providers ever speak of the same subject.
	//
	// +optional
	Subject *SubjectMapping `json:"subject,omitempty"`

	// allowedClientNamespaces says which namespaces' OAuthClients may name this provider in spec.identityProviders or
	// spec.authentication.federated. Default: those of its own namespace.
	//
	// +optional
	// +default={"from":"Same"}
	AllowedClientNamespaces *AllowedClientNamespaces `json:"allowedClientNamespaces,omitempty"`
}
