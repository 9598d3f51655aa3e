package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
)

// Data keys of the Secret that holds the digest key.
const (
	// DigestDataKey holds the digest key, 32 random bytes.
	DigestDataKey = "digest.key"

	digestKeyBytes = 32
)

// DigestKey is the key of the digests under which client secrets are kept in status. Whoever has a digest but not
// this key can neither test guesses nor authenticate. It prints as its id.
type DigestKey struct {
	id string
	// key is a function because no printer looks into one: fmt calls no methods on unexported fields, and so would write
	// the bytes of a key that is a field of somebody else's struct.
	key func() [digestKeyBytes]byte
	// mac returns a new state of HMAC-SHA-256 with the key.
	mac func() hash.Hash
}

// GenerateDigestKey returns a new random digest key.
func GenerateDigestKey() DigestKey {
	var key [digestKeyBytes]byte
	_, _ = rand.Read(key[:]) // never fails: crypto/rand ends the process instead
	return newDigestKey(key)
}

// ParseDigestKey reads the stored form.
func ParseDigestKey(b []byte) (DigestKey, error) {
	if len(b) != digestKeyBytes {
		return DigestKey{}, fmt.Errorf("parse digest key: %d bytes instead of %d", len(b), digestKeyBytes)
	}
	if [digestKeyBytes]byte(b) == [digestKeyBytes]byte{} {
		return DigestKey{}, errors.New("parse digest key: all bytes are zero")
	}
	return newDigestKey([digestKeyBytes]byte(b)), nil
}

func newDigestKey(key [digestKeyBytes]byte) DigestKey {
	sum := sha256.Sum256(append([]byte("grantor digest key id\x00"), key[:]...))
	return DigestKey{
		id:  base64.RawURLEncoding.EncodeToString(sum[:9]),
		key: func() [digestKeyBytes]byte { return key },
		mac: macOf(key),
	}
}

// macOf returns what makes HMAC-SHA-256 states with a key.
func macOf(key [digestKeyBytes]byte) func() hash.Hash {
	return copies(func() hash.Hash { return hmac.New(sha256.New, key[:]) })
}

// copies returns what makes the same states as create. The state after the key is made once, and copied: to make it takes longer
// than to use it. What cannot be copied, as in an old FIPS 140 module, is made each time.
func copies(create func() hash.Hash) func() hash.Hash {
	fresh := create()
	fresh.Reset() // has it prepare for being used often
	return func() hash.Hash {
		if cloner, ok := fresh.(hash.Cloner); ok {
			if clone, err := cloner.Clone(); err == nil {
				return clone
			}
		}
		return create()
	}
}

// ID names the key without telling anything of it.
func (k DigestKey) ID() string { return k.id }

// Marshal returns the stored form.
func (k DigestKey) Marshal() []byte {
	key := k.key()
	return key[:]
}

// Digest returns HMAC-SHA-256 of a client secret, bound to the UID of the OAuthClient: the digest of one object is
// worth nothing in another.
func (k DigestKey) Digest(uid, secret string) [sha256.Size]byte {
	mac := k.mac()
	mac.Write([]byte("grantor client secret v1\x00" + uid + "\x00" + secret))
	return [sha256.Size]byte(mac.Sum(nil))
}

// Seal returns a keyed digest over a list of texts, base64url: whoever has the key can tell later that none has changed.
func (k DigestKey) Seal(texts ...string) string {
	mac := k.mac()
	mac.Write([]byte("grantor seal v1\x00"))
	for _, t := range texts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(t), t) // A hash never fails.
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Derive returns a key for another purpose (HKDF-SHA-256, RFC 5869): it tells nothing of this one, nor of those for other
// purposes and salts.
func (k DigestKey) Derive(purpose string, salt []byte) (derived [sha256.Size]byte, err error) {
	b, err := hkdf.Key(sha256.New, k.Marshal(), salt, purpose, len(derived))
	if err != nil {
		return derived, fmt.Errorf("derive key: %w", err)
	}
	return [sha256.Size]byte(b), nil
}

// String returns the id.
func (k DigestKey) String() string { return "digest key " + k.id }

// GoString returns the id, so that no format verb prints the key.
func (k DigestKey) GoString() string { return k.String() }
