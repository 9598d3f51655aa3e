package v1alpha1

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
// +kubebuilder:validation:XValidation:rule="has(self.d) || !(has(self.p) || has(self.q) || has(self.dp) || has(self.dq) || has(self.qi) || has(self.oth))",message="p, q, dp, dq, qi and oth are parts of the private half of the key: publish the public half only, and replace the key, for it has been exposed"
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

	// key_ops must hold verify where it is present; an empty list does not.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=32
	KeyOperations []string `json:"key_ops,omitzero"` //nolint:kubeapilinter // omitempty would drop an empty list, and the key would be judged without it.

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

	// p is private key material (RFC 7518 §6.3.2) and is always refused, as d is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateP *string `json:"p,omitempty"`

	// q is private key material (RFC 7518 §6.3.2) and is always refused, as d is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateQ *string `json:"q,omitempty"`

	// dp is private key material (RFC 7518 §6.3.2) and is always refused, as d is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateDP *string `json:"dp,omitempty"`

	// dq is private key material (RFC 7518 §6.3.2) and is always refused, as d is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateDQ *string `json:"dq,omitempty"`

	// qi is private key material (RFC 7518 §6.3.2) and is always refused, as d is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	PrivateQI *string `json:"qi,omitempty"`

	// oth is private key material (RFC 7518 §6.3.2.7) and is always refused, as d is.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	//nolint:kubeapilinter // It is refused, whatever it holds.
	PrivateOther []PrivatePrime `json:"oth,omitempty"`

	// k is symmetric key material and is always refused; it stands here so that the API server can say so.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	SymmetricK *string `json:"k,omitempty"`
}

// PrivatePrime is another prime factor of an RSA key (RFC 7518 §6.3.2.7). It stands here to be refused.
//
// +kubebuilder:pruning:PreserveUnknownFields
type PrivatePrime struct{}
