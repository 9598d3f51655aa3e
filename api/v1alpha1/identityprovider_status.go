package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IdentityProviderStatus is what the operator resolved from the spec and the objects it refers to.
type IdentityProviderStatus struct {
	// observedGeneration is the metadata.generation that this status was computed from.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Accepted, ResolvedRefs, KeysReady and Ready, all set from the first visit.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// trust is the issuer and its keys, as one consistent set. Absent: no assertion of this provider is accepted.
	//
	// +optional
	Trust *Trust `json:"trust,omitempty"`

	// nextKeyExpiry is when the first of the trusted certificates expires.
	//
	// +optional
	NextKeyExpiry *metav1.Time `json:"nextKeyExpiry,omitempty"`
}

// Trust is an issuer with the keys that verify its assertions.
type Trust struct {
	// issuer is the iss value that the keys belong to.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Issuer string `json:"issuer,omitempty"`

	// source is where the keys came from: Secret or JWKS.
	//
	// +required
	// +kubebuilder:validation:Enum=Secret;JWKS
	Source string `json:"source,omitempty"`

	// keyCount is the number of keys.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	KeyCount *int32 `json:"keyCount,omitempty"`

	// keys are the trusted public keys.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Keys []TrustedKey `json:"keys,omitempty"`

	// skippedKeys are the entries of the source that cannot be used, with the reason.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	SkippedKeys []SkippedKey `json:"skippedKeys,omitempty"`
}

// TrustedKey is one public key that verifies assertions.
type TrustedKey struct {
	// keyID is the kid of a JWK. Empty for a key that came without one: an assertion may then name any kid or none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// type of the key with its size or curve: RSA-2048, P-256, Ed25519.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Type string `json:"type,omitempty"`

	// algorithms are the signature algorithms that this key accepts.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Algorithms []SignatureAlgorithm `json:"algorithms,omitempty"`

	// thumbprintSHA256 is the JWK thumbprint of the key (RFC 7638), base64url.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ThumbprintSHA256 string `json:"thumbprintSHA256,omitempty"`

	// certificate describes the certificate that the key came in.
	//
	// +optional
	Certificate *CertificateSummary `json:"certificate,omitempty"`

	// publicJWK is the key as a JWK with the members of RFC 7638 §3.2, as JSON text.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	PublicJWK string `json:"publicJWK,omitempty"`
}

// CertificateSummary is what one needs to know of a certificate.
type CertificateSummary struct {
	// subject is the distinguished name, RFC 2253 form, cut at 256 characters.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Subject string `json:"subject,omitempty"`

	// notBefore is the start of the validity.
	//
	// +required
	NotBefore metav1.Time `json:"notBefore,omitzero"`

	// notAfter is the end of the validity.
	//
	// +required
	NotAfter metav1.Time `json:"notAfter,omitzero"`

	// thumbprintSHA1 is what the x5t header names (RFC 7515 §4.1.7), base64url. It selects a key; it proves nothing.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ThumbprintSHA1 string `json:"thumbprintSHA1,omitempty"`

	// thumbprintSHA256 is what the x5t#S256 header names (RFC 7515 §4.1.8), base64url.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ThumbprintSHA256 string `json:"thumbprintSHA256,omitempty"`
}

// SkippedKey is an entry of a key source that cannot be used.
type SkippedKey struct {
	// entry says which one: its place in the source, and its kid or subject where it has one.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Entry string `json:"entry,omitempty"`

	// reason is one of the reasons of the KeysReady condition.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message says what is wrong and what to do.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}
