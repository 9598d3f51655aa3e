package v1alpha1

// Profile is a kind of issuer with presets for the policy of its assertions.
//
// +kubebuilder:validation:Enum=Generic;Kubernetes;SPIFFE;GitHubActions;IDJAG
type Profile string

// The profiles.
const (
	// ProfileGeneric is any issuer.
	ProfileGeneric Profile = "Generic"
	// ProfileKubernetes is an API server that signs projected ServiceAccount tokens.
	ProfileKubernetes Profile = "Kubernetes"
	// ProfileSPIFFE is a trust domain that signs JWT-SVIDs.
	ProfileSPIFFE Profile = "SPIFFE"
	// ProfileGitHubActions is the issuer of the tokens of workflow runs.
	ProfileGitHubActions Profile = "GitHubActions"
	// ProfileIDJAG is an issuer of identity assertion authorization grants, whose scope and resource claims bound what is
	// granted. Their aud is the issuer of this server, which audienceAliases must hold; there are no refresh tokens for them.
	ProfileIDJAG Profile = "IDJAG"
)

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

// ClaimValidationRule is one rule about the claims of an assertion: claim with requiredValue, or expression.
//
// +kubebuilder:validation:XValidation:rule="has(self.claim) != has(self.expression)",message="set either claim with requiredValue, or expression"
// +kubebuilder:validation:XValidation:rule="!has(self.claim) && !has(self.expression) || has(self.claim) == has(self.requiredValue)",message="claim and requiredValue need each other"
// +kubebuilder:validation:XValidation:rule="!has(self.message) || has(self.expression)",fieldPath=".message",message="goes with expression only"
type ClaimValidationRule struct {
	// claim is the name of a top-level claim that must be present as a string equal to requiredValue.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Claim string `json:"claim,omitempty"`

	// requiredValue is what the claim must be, byte for byte.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	RequiredValue string `json:"requiredValue,omitempty"`

	// expression is a CEL expression over the variable claims that must be true, for example
	// claims.repository_owner == "example". Whole numbers are int, others double. An error at run time, such as that of a
	// missing claim, refuses the assertion.
	//
	// One that does not compile sets Accepted to False with reason InvalidExpression, and the message says where.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Expression string `json:"expression,omitempty"`

	// message says in the audit log what was wrong when the expression is false.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// ClaimMapping copies a value into the access token.
type ClaimMapping struct {
	// claim is its name in the access token. The claims that the token server sets itself cannot be mapped.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\x21\\\\x23-\\\\x5b\\\\x5d-\\\\x7e]+$')",message="must be visible ASCII without spaces, double quotes and backslashes"
	Claim string `json:"claim,omitempty"`

	// expression is a CEL expression over the variable claims. Its value keeps its JSON type; null leaves the claim out. An
	// error at run time refuses the assertion: guard a claim that may be missing, as in has(claims.x) ? claims.x : null.
	//
	// One that does not compile sets Accepted to False with reason InvalidExpression, and the message says where.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Expression string `json:"expression,omitempty"`
}

// SubjectMapping says how the sub of access tokens is made.
//
// +kubebuilder:validation:XValidation:rule="has(self.expression) || has(self.prefix)",message="set expression, prefix or both"
type SubjectMapping struct {
	// expression is a CEL expression over the variable claims whose value, a string, is the subject. Default: the sub
	// claim.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Expression string `json:"expression,omitempty"`

	// prefix is put before the subject. Default "<namespace>/<name>:". With another prefix, subjects of this provider may
	// be those of other providers as well, and it is up to you that they mean the same: "" keeps the subject as it is. The
	// form "<namespace>/<name>:…" is kept for the default: with another prefix, an assertion whose subject would have it is
	// refused.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\x21-\\\\x7e]*$') && !self.matches('^[^:/]*/[^:/]*:')",message="must be visible ASCII without spaces, and not have the form <namespace>/<name>: of the default"
	Prefix *string `json:"prefix,omitempty"`
}

// AllowedClientNamespaces says which namespaces' OAuthClients may refer to an IdentityProvider.
//
// +kubebuilder:validation:XValidation:rule="(self.from == 'Listed') == has(self.namespaces)",fieldPath=".namespaces",message="goes with from: Listed, and is needed there"
type AllowedClientNamespaces struct {
	// from is Same (the provider's own namespace, the default), All, or Listed (its own and those in namespaces).
	//
	// +optional
	// +default="Same"
	From NamespacesFrom `json:"from,omitempty"`

	// namespaces are the names of the other namespaces that are allowed.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower case letters, digits and '-'"
	Namespaces []string `json:"namespaces,omitempty"`
}

// NamespacesFrom selects namespaces.
//
// +kubebuilder:validation:Enum=Same;All;Listed
type NamespacesFrom string

// The ways to select namespaces.
const (
	// NamespacesFromSame is the object's own namespace.
	NamespacesFromSame NamespacesFrom = "Same"
	// NamespacesFromAll is every namespace.
	NamespacesFromAll NamespacesFrom = "All"
	// NamespacesFromListed is the object's own namespace and a list of others.
	NamespacesFromListed NamespacesFrom = "Listed"
)
