package v1alpha1

// ClientAuthentication says how a client proves who it is.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="(has(self.clientSecret) ? 1 : 0) + (has(self.privateKeyJWT) ? 1 : 0) + (has(self.federated) ? 1 : 0) + (has(self.public) ? 1 : 0) == 1",message="set exactly one method: clientSecret, privateKeyJWT, federated or public"
type ClientAuthentication struct {
	// clientSecret authenticates by a shared secret, sent as client_secret_basic or client_secret_post (RFC 6749
	// §2.3.1).
	//
	// +optional
	ClientSecret *ClientSecretAuthentication `json:"clientSecret,omitempty"`

	// privateKeyJWT authenticates by a JWT that the client signs itself (RFC 7523 §2.2), as private_key_jwt.
	//
	// Its iss and sub are the client id, its aud is the issuer of this server alone, it has a jti, and it lives for at
	// most an hour (draft-ietf-oauth-rfc7523bis).
	//
	// +optional
	PrivateKeyJWT *PrivateKeyJWTAuthentication `json:"privateKeyJWT,omitempty"`

	// federated authenticates by a JWT that an identity provider signs for the workload, such as a projected
	// ServiceAccount token or a JWT-SVID, sent as a client assertion (RFC 7523 §2.2). There is no secret anywhere.
	//
	// Its aud is the issuer of this server alone; the policy of the provider holds for all else.
	//
	// +optional
	Federated *FederatedAuthentication `json:"federated,omitempty"`

	// public lets the client send nothing but its client_id. Whoever holds an assertion can then exchange it: choose it
	// only where the assertion says all that is needed.
	//
	// +optional
	Public *PublicAuthentication `json:"public,omitempty"`
}

// ClientSecretAuthentication names the Secret that holds a client's secret.
//
// +kubebuilder:validation:XValidation:rule="!has(self.rotationInterval) || has(self.generate) && self.generate",fieldPath=".rotationInterval",message="goes with generate: true, for the operator never changes a Secret that it did not make"
type ClientSecretAuthentication struct {
	// secretRef names a Secret in this namespace. Its key client_secret holds the secret, 16 to 512 bytes without
	// control characters; previous_client_secret and next_client_secret, if present, work as well, for rotation with
	// overlap.
	//
	// A missing Secret or key sets ResolvedRefs to False; an unusable value sets CredentialsReady to False. The token
	// server never sees the Secret, only a keyed digest in status.
	//
	// +required
	SecretRef ClientSecretReference `json:"secretRef,omitzero"`

	// generate set to true lets the operator create the Secret, with the keys client_id and client_secret, where it
	// does not exist; it is then owned by this object and deleted with it. A Secret of somebody else is never changed.
	// Default false.
	//
	// +optional
	// +default=false
	Generate *bool `json:"generate,omitempty"`

	// rotationInterval is how long a generated secret is the current one. Its successor works on every token server
	// before it becomes client_secret, and the one before stays as previous_client_secret until the next rotation. From 1m
	// to 8760h, default never.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="must be a duration from 1m to 8760h with the units h, m, s and ms, for example 720h"
	RotationInterval Duration `json:"rotationInterval,omitempty"`
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

// PrivateKeyJWTAuthentication says where the public keys of a client are.
//
// +kubebuilder:validation:XValidation:rule="(has(self.jwks) ? 1 : 0) + (has(self.certificateSecretRef) ? 1 : 0) + (has(self.jwksURI) ? 1 : 0) == 1",message="set exactly one key source: jwks, certificateSecretRef or jwksURI"
// +kubebuilder:validation:MinProperties=1
type PrivateKeyJWTAuthentication struct {
	// jwks holds the public keys inline, as in a JWK Set document (RFC 7517 §5).
	//
	// +optional
	JWKS *JSONWebKeySet `json:"jwks,omitempty"`

	// certificateSecretRef names a Secret that holds the public keys, as that of an IdentityProvider. A certificate
	// counts only while it is valid.
	//
	// +optional
	CertificateSecretRef *SecretKeyReference `json:"certificateSecretRef,omitempty"`

	// jwksURI names the URL of the client's JWK Set document, which the operator fetches.
	//
	// +optional
	JWKSURI *RemoteKeySet `json:"jwksURI,omitempty"`
}

// FederatedAuthentication says which workload the client is.
type FederatedAuthentication struct {
	// identityProviderRef names the provider that vouches for the workload.
	//
	// +required
	IdentityProviderRef IdentityProviderReference `json:"identityProviderRef,omitzero"`

	// subject is the sub claim that the workload's tokens have, byte for byte, for example
	// system:serviceaccount:team-a:worker.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Subject string `json:"subject,omitempty"`
}

// PublicAuthentication has no settings.
type PublicAuthentication struct{}

// IdentityProviderReference names an IdentityProvider.
type IdentityProviderReference struct {
	// name of the IdentityProvider.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an IdentityProvider: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// namespace of the IdentityProvider. Default: that of the OAuthClient.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower case letters, digits and '-'"
	Namespace string `json:"namespace,omitempty"`
}
