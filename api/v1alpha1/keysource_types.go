package v1alpha1

// RemoteKeySet is a JWK Set document (RFC 7517 §5) at a URL.
type RemoteKeySet struct {
	// url of the document, https. Only the operator fetches it, without credentials, proxies and redirects to other hosts,
	// and only from public addresses, unless its flags allow others: what it may not fetch sets KeysReady (of a client:
	// CredentialsReady) to False with reason URLNotAllowed.
	//
	// +required
	URL FetchURL `json:"url,omitempty"`

	RemoteFetch `json:",inline"`
}

// DiscoveredKeySet is the JWK Set document that a discovery document names.
type DiscoveredKeySet struct {
	// url of the discovery document. Default: the issuer with /.well-known/openid-configuration after it. What is said
	// about the url of jwksURI holds for both documents.
	//
	// +optional
	URL FetchURL `json:"url,omitempty"`

	RemoteFetch `json:",inline"`
}

// ClusterKeySet is the JWK Set document of the API server.
type ClusterKeySet struct {
	Refresh `json:",inline"`
}

// RemoteFetch says how a document is fetched.
//
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || !has(self.caConfigMapRef)",message="set at most one of caSecretRef and caConfigMapRef"
type RemoteFetch struct {
	// caSecretRef names a Secret with the PEM certificates of the only authorities that the server's certificate may come
	// from. Default: those of the operator's image.
	//
	// +optional
	CASecretRef *CAReference `json:"caSecretRef,omitempty"`

	// caConfigMapRef names a ConfigMap with them instead.
	//
	// A ConfigMap or key that does not exist sets ResolvedRefs to False with reason ConfigMapNotFound or
	// ConfigMapKeyNotFound.
	//
	// +optional
	CAConfigMapRef *CAReference `json:"caConfigMapRef,omitempty"`

	Refresh `json:",inline"`
}

// Refresh says how often keys are fetched, and how long they live without.
type Refresh struct {
	// refreshInterval is the time between two fetches. A max-age in the answer's Cache-Control changes it, to no less than
	// a tenth and no more than twice of it, and at a provider an assertion with an unknown key id leads to an early fetch. From 10s to
	// 24h, default 10m.
	//
	// +optional
	// +default="10m"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="must be a duration from 10s to 24h with the units h, m, s and ms, for example 10m"
	RefreshInterval Duration `json:"refreshInterval,omitempty"`

	// maxStale is how long after the last good fetch its keys are used while fetches fail. Then KeysReady (of a client:
	// CredentialsReady) is False with reason KeysStale, and nothing is trusted. From 0s to 720h, default 24h.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('0s') && duration(self) <= duration('720h')",message="must be a duration from 0s to 720h with the units h, m, s and ms, for example 24h"
	MaxStale Duration `json:"maxStale,omitempty"`
}

// FetchURL is the URL of a document that the operator fetches.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([A-Za-z0-9][A-Za-z0-9.-]*|\\\\[[0-9A-Fa-f:.]+\\\\])(:[1-9][0-9]{0,4})?([/?][\\\\x21\\\\x24-\\\\x7e]*)?$') && isURL(self)",message="must be an https URL of visible ASCII characters, without user and fragment, for example https://idp.example.com/jwks"
type FetchURL string

// CAReference names one key of a Secret or ConfigMap, in the namespace of the object that holds the reference.
type CAReference struct {
	// name of the Secret or ConfigMap, in this object's own namespace.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an object in this namespace: lower case letters, digits, '-' and '.'"
	Name string `json:"name,omitempty"`

	// key that holds the PEM certificates. Default ca.crt.
	//
	// +optional
	// +default="ca.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.'"
	Key string `json:"key,omitempty"`
}
