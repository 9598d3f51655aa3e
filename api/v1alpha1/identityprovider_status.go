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

	// conditions are Accepted, ResolvedRefs, KeysReady, Programmed and Ready, all set from the first visit.
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

	// lastFetchTime is when a remote key set was last fetched, at the latest: it is written when the keys change, and
	// otherwise only as often as maxStale needs it.
	//
	// +optional
	LastFetchTime *metav1.Time `json:"lastFetchTime,omitempty"`

	// effective is the policy that applies after the presets of the profile and the defaults.
	//
	// +optional
	Effective *EffectivePolicy `json:"effective,omitempty"`
}

// EffectivePolicy is what a profile and a spec make together.
type EffectivePolicy struct {
	// profile is where the presets came from.
	//
	// +required
	Profile Profile `json:"profile,omitempty"`

	// types are the accepted typ headers of assertions, in small letters. "none" stands for an absent one.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Types []string `json:"types,omitempty"`

	// subjectForm is what the sub of assertions must look like: Any, ServiceAccount
	// (system:serviceaccount:<namespace>:<name>) or SPIFFEID (spiffe://<trust domain>/<path>).
	//
	// +required
	SubjectForm SubjectForm `json:"subjectForm,omitempty"`

	// subjectPrefix is put before the subject in access tokens.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=512
	SubjectPrefix *string `json:"subjectPrefix,omitempty"`

	// clientIDClaim set to Required means that the client_id claim of an assertion must be the client that presents it.
	//
	// +required
	ClientIDClaim ClientIDClaim `json:"clientIDClaim,omitempty"`

	// audiencePolicy is as in spec.
	//
	// +required
	AudiencePolicy AudiencePolicy `json:"audiencePolicy,omitempty"`

	// certificateExpiry is as in spec.
	//
	// +required
	CertificateExpiry CertificateExpiry `json:"certificateExpiry,omitempty"`

	// clockSkew is as in spec.
	//
	// +required
	ClockSkew Duration `json:"clockSkew,omitempty"`

	// maxAge is as in spec. Absent: no limit.
	//
	// +optional
	MaxAge Duration `json:"maxAge,omitempty"`

	// maxLifetime is as in spec.
	//
	// +required
	MaxLifetime Duration `json:"maxLifetime,omitempty"`

	// replay is as in spec.
	//
	// +required
	Replay ReplayPolicy `json:"replay,omitempty"`
}

// SubjectForm is what subjects look like.
//
// +kubebuilder:validation:Enum=Any;ServiceAccount;SPIFFEID
type SubjectForm string

// The forms of subjects.
const (
	// SubjectFormAny is any string.
	SubjectFormAny SubjectForm = "Any"
	// SubjectFormServiceAccount is system:serviceaccount:<namespace>:<name>.
	SubjectFormServiceAccount SubjectForm = "ServiceAccount"
	// SubjectFormSPIFFEID is spiffe://<trust domain>/<path>.
	SubjectFormSPIFFEID SubjectForm = "SPIFFEID"
)

// ClientIDClaim says whether the client_id claim of an assertion counts.
//
// +kubebuilder:validation:Enum=Required;Ignored
type ClientIDClaim string

// The ways to treat the client_id claim.
const (
	// ClientIDClaimRequired wants it to be the client that presents the assertion.
	ClientIDClaimRequired ClientIDClaim = "Required"
	// ClientIDClaimIgnored does not look at it.
	ClientIDClaimIgnored ClientIDClaim = "Ignored"
)

// Trust is an issuer with the keys that verify its assertions.
type Trust struct {
	// issuer is the iss value that the keys belong to.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Issuer string `json:"issuer,omitempty"`

	KeySet `json:",inline"`
}

// KeySet is a set of public keys and where they came from.
type KeySet struct {
	// source is where the keys came from: Secret, JWKS, JWKSURI, Discovery or ClusterIssuer.
	//
	// +required
	// +kubebuilder:validation:Enum=Secret;JWKS;JWKSURI;Discovery;ClusterIssuer
	Source string `json:"source,omitempty"`

	// url is what the keys were fetched from, for a remote source.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// caSHA256 is the digest of the authorities that the server of url had to prove itself by, base64url, where they are the
	// object's own.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CASHA256 string `json:"caSHA256,omitempty"`

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
