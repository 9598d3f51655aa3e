package v1alpha1

// Condition types. All are positive: True is good. Ready sums up the others and carries the reason and message of the
// first that is not True.
const (
	// ConditionAccepted (both kinds): the spec is coherent and what it claims is not another object's.
	// Reasons when True: Accepted. When False: DuplicateIssuer, DuplicateClientID.
	ConditionAccepted = "Accepted"

	// ConditionResolvedRefs (both kinds): every object that the spec refers to exists and may be used.
	// Reasons when True: ResolvedRefs. When False: SecretNotFound, SecretKeyNotFound, SecretTypeNotAllowed,
	// IdentityProviderNotFound.
	ConditionResolvedRefs = "ResolvedRefs"

	// ConditionKeysReady (IdentityProvider): at least one key verifies assertions now.
	// Reasons when True: KeysReady, SomeKeysSkipped. When False: RefsNotResolved, InvalidKeyMaterial, PrivateKey,
	// WeakKey, UnsupportedKey, CertificateExpired, CertificateNotYetValid, AlgorithmMismatch, TooManyKeys.
	ConditionKeysReady = "KeysReady"

	// ConditionCredentialsReady (OAuthClient): at least one credential authenticates the client.
	// Reasons when True: CredentialsReady. When False: RefsNotResolved, InvalidClientSecret.
	ConditionCredentialsReady = "CredentialsReady"

	// ConditionReady (both kinds): the operator has resolved this object and it can take part in an exchange.
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

	// ReasonResolvedRefs: ResolvedRefs is True.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonSecretNotFound: ResolvedRefs is False; the Secret does not exist in this namespace.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyNotFound: ResolvedRefs is False; the Secret has no such key, or its value is empty.
	ReasonSecretKeyNotFound = "SecretKeyNotFound"
	// ReasonSecretTypeNotAllowed: ResolvedRefs is False; a Secret of this type is somebody else's credential.
	ReasonSecretTypeNotAllowed = "SecretTypeNotAllowed"
	// ReasonIdentityProviderNotFound: ResolvedRefs is False; a named IdentityProvider does not exist.
	ReasonIdentityProviderNotFound = "IdentityProviderNotFound"

	// ReasonKeysReady: KeysReady is True, every key of the source is used.
	ReasonKeysReady = "KeysReady"
	// ReasonSomeKeysSkipped: KeysReady is True, but some entries of the source cannot be used; see status.trust.skippedKeys.
	ReasonSomeKeysSkipped = "SomeKeysSkipped"
	// ReasonRefsNotResolved: KeysReady or CredentialsReady is False because ResolvedRefs is.
	ReasonRefsNotResolved = "RefsNotResolved"
	// ReasonInvalidKeyMaterial: KeysReady is False; the bytes are no certificate, public key or JWK.
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

	// ReasonCredentialsReady: CredentialsReady is True.
	ReasonCredentialsReady = "CredentialsReady"
	// ReasonInvalidClientSecret: CredentialsReady is False; the client secret is too short, too long, or holds control characters.
	ReasonInvalidClientSecret = "InvalidClientSecret"

	// ReasonReady: Ready is True.
	ReasonReady = "Ready"
	// ReasonGrantDisabled: Ready is False because spec.grantEnabled is false.
	ReasonGrantDisabled = "GrantDisabled"
)
