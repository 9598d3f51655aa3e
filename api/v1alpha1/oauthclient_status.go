package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// OAuthClientStatus is what the operator resolved from the spec and the objects it refers to.
type OAuthClientStatus struct {
	// observedGeneration is the metadata.generation that this status was computed from.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions are Accepted, ResolvedRefs, CredentialsReady, Programmed and Ready, all set from the first visit.
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

	// authentication is the method of the spec: ClientSecret, PrivateKeyJWT, Federated or Public.
	//
	// +optional
	// +kubebuilder:validation:Enum=ClientSecret;PrivateKeyJWT;Federated;Public
	Authentication string `json:"authentication,omitempty"`

	// credentialCount is how many client secrets, keys or workloads authenticate the client.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	CredentialCount *int32 `json:"credentialCount,omitempty"`

	// credentials are the client secrets that the client may prove itself with.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=4
	Credentials []ClientCredential `json:"credentials,omitempty"`

	// credentialsSeal is a keyed digest over credentials and the version of the Secret that they were made from. By it the
	// operator knows, without reading the Secret again, that neither has changed.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CredentialsSeal string `json:"credentialsSeal,omitempty"`

	// keySet holds the public keys that verify what a client with privateKeyJWT signs.
	//
	// +optional
	KeySet *KeySet `json:"keySet,omitempty"`

	// nextKeyExpiry is when the first certificate of keySet expires.
	//
	// +optional
	NextKeyExpiry *metav1.Time `json:"nextKeyExpiry,omitempty"`

	// lastFetchTime is when a remote key set was last fetched, at the latest, as in the status of an IdentityProvider.
	//
	// +optional
	LastFetchTime *metav1.Time `json:"lastFetchTime,omitempty"`
}

// ClientCredential is the keyed digest of one client secret. Without the digest key, which only operator and token
// servers hold, it can be neither used nor guessed at, and it is bound to this object's UID.
type ClientCredential struct {
	// id is current, previous or next.
	//
	// +required
	// +kubebuilder:validation:Enum=current;previous;next
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
