package v1alpha1

// Condition types. All are positive: True is good. Ready sums up the others and carries the reason and message of the
// first that is not True.
const (
	// ConditionAccepted (both kinds): the spec is coherent and what it claims is not another object's.
	// Reasons when True: Accepted. When False: DuplicateIssuer, DuplicateClientID, IdentityRuleMissing, InvalidExpression.
	ConditionAccepted = "Accepted"

	// ConditionResolvedRefs (both kinds): every object that the spec refers to exists and may be used.
	// Reasons when True: ResolvedRefs. When False: SecretNotFound, SecretKeyNotFound, SecretTypeNotAllowed,
	// ConfigMapNotFound, ConfigMapKeyNotFound, IdentityProviderNotFound, ReferenceNotPermitted.
	ConditionResolvedRefs = "ResolvedRefs"

	// ConditionKeysReady (IdentityProvider): at least one key verifies assertions now.
	// Reasons when True: KeysReady, SomeKeysSkipped, CertificateExpiresSoon, FetchFailing. When False: RefsNotResolved,
	// InvalidKeyMaterial, PrivateKey, WeakKey, UnsupportedKey, CertificateExpired, CertificateNotYetValid,
	// AlgorithmMismatch, TooManyKeys, InvalidCABundle, URLNotAllowed, FetchFailed, KeysStale, IssuerMismatch, Pending,
	// StatusRefused.
	ConditionKeysReady = "KeysReady"

	// ConditionCredentialsReady (OAuthClient): at least one credential authenticates the client.
	// Reasons when True: CredentialsReady, SomeKeysSkipped, CertificateExpiresSoon, FetchFailing. When False:
	// RefsNotResolved, InvalidClientSecret, IdentityProviderNotReady, StatusRefused, and those of KeysReady for a client with
	// keys.
	ConditionCredentialsReady = "CredentialsReady"

	// ConditionProgrammed (both kinds): every live token server has loaded this version of the object.
	// Reasons when True: Programmed. When False: Pending, NoTokenServers.
	ConditionProgrammed = "Programmed"

	// ConditionReady (both kinds): this object can take part in an exchange, now and on every token server.
	// Reasons when True: Ready. When False: GrantDisabled, or the reason of the first condition that is not True.
	ConditionReady = "Ready"
)

// Reasons of conditions.
const (
	// ReasonAccepted: Accepted is True.
	ReasonAccepted = "Accepted"
	// ReasonDuplicateIssuer: Accepted is False; an older IdentityProvider of the namespace has the same issuer.
	ReasonDuplicateIssuer = "DuplicateIssuer"
	// ReasonDuplicateClientID: Accepted is False; another OAuthClient keeps the same client id.
	ReasonDuplicateClientID = "DuplicateClientID"
	// ReasonIdentityRuleMissing: Accepted is False; strangers share the issuer, and no rule tells them apart.
	ReasonIdentityRuleMissing = "IdentityRuleMissing"
	// ReasonInvalidExpression: Accepted is False; a CEL expression does not compile.
	ReasonInvalidExpression = "InvalidExpression"

	// ReasonResolvedRefs: ResolvedRefs is True.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonSecretNotFound: ResolvedRefs is False; the Secret does not exist in this namespace.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyNotFound: ResolvedRefs is False; the Secret has no such key, or its value is empty.
	ReasonSecretKeyNotFound = "SecretKeyNotFound"
	// ReasonSecretTypeNotAllowed: ResolvedRefs is False; a Secret of this type is somebody else's credential.
	ReasonSecretTypeNotAllowed = "SecretTypeNotAllowed"
	// ReasonConfigMapNotFound: ResolvedRefs is False; the ConfigMap does not exist in this namespace.
	ReasonConfigMapNotFound = "ConfigMapNotFound"
	// ReasonConfigMapKeyNotFound: ResolvedRefs is False; the ConfigMap has no such key, or its value is empty.
	ReasonConfigMapKeyNotFound = "ConfigMapKeyNotFound"
	// ReasonIdentityProviderNotFound: ResolvedRefs is False; a named IdentityProvider does not exist.
	ReasonIdentityProviderNotFound = "IdentityProviderNotFound"
	// ReasonReferenceNotPermitted: ResolvedRefs is False; an IdentityProvider of another namespace does not exist or does
	// not allow this one.
	ReasonReferenceNotPermitted = "ReferenceNotPermitted"

	// ReasonKeysReady: KeysReady is True, every key of the source is used.
	ReasonKeysReady = "KeysReady"
	// ReasonSomeKeysSkipped: KeysReady is True, but some entries of the source cannot be used; see status.trust.skippedKeys.
	ReasonSomeKeysSkipped = "SomeKeysSkipped"
	// ReasonCertificateExpiresSoon: KeysReady is True, but a certificate expires within 30 days.
	ReasonCertificateExpiresSoon = "CertificateExpiresSoon"
	// ReasonFetchFailing: KeysReady is True with the last good keys, but they cannot be fetched anew.
	ReasonFetchFailing = "FetchFailing"
	// ReasonRefsNotResolved: KeysReady or CredentialsReady is False because ResolvedRefs is.
	ReasonRefsNotResolved = "RefsNotResolved"
	// ReasonInvalidKeyMaterial: KeysReady is False; the bytes are no certificate, public key, JWK or JWK Set.
	ReasonInvalidKeyMaterial = "InvalidKeyMaterial"
	// ReasonPrivateKey: KeysReady is False; the source holds a private key where a public one belongs.
	ReasonPrivateKey = "PrivateKey"
	// ReasonWeakKey: KeysReady is False; the key is too weak to trust.
	ReasonWeakKey = "WeakKey"
	// ReasonUnsupportedKey: KeysReady is False; the key's type, curve, size or use is not supported.
	ReasonUnsupportedKey = "UnsupportedKey"
	// ReasonCertificateExpired: KeysReady is False; the certificate's validity is over.
	ReasonCertificateExpired = "CertificateExpired"
	// ReasonCertificateNotYetValid: KeysReady is False; the certificate's validity has not begun.
	ReasonCertificateNotYetValid = "CertificateNotYetValid"
	// ReasonAlgorithmMismatch: KeysReady is False; spec.algorithms fits none of the keys.
	ReasonAlgorithmMismatch = "AlgorithmMismatch"
	// ReasonTooManyKeys: KeysReady is False; the source holds more keys than are accepted.
	ReasonTooManyKeys = "TooManyKeys"
	// ReasonInvalidCABundle: KeysReady is False; caSecretRef or caConfigMapRef holds no certificate in PEM.
	ReasonInvalidCABundle = "InvalidCABundle"
	// ReasonURLNotAllowed: KeysReady is False; the operator may not fetch the URL, or not from the address it leads to.
	ReasonURLNotAllowed = "URLNotAllowed"
	// ReasonFetchFailed: KeysReady is False; the keys were never fetched, and cannot be.
	ReasonFetchFailed = "FetchFailed"
	// ReasonKeysStale: KeysReady is False; the keys could not be fetched anew for longer than maxStale.
	ReasonKeysStale = "KeysStale"
	// ReasonIssuerMismatch: KeysReady is False; the discovery document, or the API server, is another issuer's.
	ReasonIssuerMismatch = "IssuerMismatch"

	// ReasonCredentialsReady: CredentialsReady is True.
	ReasonCredentialsReady = "CredentialsReady"
	// ReasonInvalidClientSecret: CredentialsReady is False; the client secret is too short, too long, or holds control characters.
	ReasonInvalidClientSecret = "InvalidClientSecret"

	// ReasonIdentityProviderNotReady: CredentialsReady is False; the provider that vouches for the workload has no keys, or is
	// switched off.
	ReasonIdentityProviderNotReady = "IdentityProviderNotReady"

	// ReasonStatusRefused: KeysReady or CredentialsReady is False; the API server refuses the status with what was found, so
	// nothing of the object is in force.
	ReasonStatusRefused = "StatusRefused"

	// ReasonProgrammed: Programmed is True.
	ReasonProgrammed = "Programmed"
	// ReasonPending: Programmed is False, for token servers have yet to load this version; or KeysReady is, for the first
	// fetch is under way.
	ReasonPending = "Pending"
	// ReasonNoTokenServers: Programmed is False; no token server is running.
	ReasonNoTokenServers = "NoTokenServers"

	// ReasonReady: Ready is True.
	ReasonReady = "Ready"
	// ReasonGrantDisabled: Ready is False because spec.grantEnabled is false.
	ReasonGrantDisabled = "GrantDisabled"
)
