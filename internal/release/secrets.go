package release

// The Secrets of the release namespace. The operator makes them, and rotates the keys in them.
const (
	// SigningKeysSecretName is the Secret that holds the key ring with which the token servers sign access tokens,
	// under the data key keyring.RingDataKey.
	SigningKeysSecretName = "grantor-signing-keys"
	// SigningKeysSecretType is the type of that Secret.
	SigningKeysSecretType = SecretTypePrefix + "signing-keys"

	// DigestKeySecretName is the Secret that holds the key of the client secrets' digests, under the data key
	// keyring.DigestDataKey.
	DigestKeySecretName = "grantor-digest-key"
	// DigestKeySecretType is the type of that Secret.
	DigestKeySecretType = SecretTypePrefix + "digest-key"

	// SecretTypePrefix begins the type of every Secret that is Grantor's own. An object of a tenant cannot refer to one.
	SecretTypePrefix = "grantor.dev/"
)
