package refresh

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// The text form: prefix, id of the key, and in base64url a salt, a nonce, the ciphertext and its tag. All of it are
// characters that need no escape in a form, a header or a JSON string (RFC 6749 §A.17).
const (
	prefix = "grt1_"
	// purpose is part of the key, so that nothing else that is sealed under the digest keys opens as a refresh token.
	purpose   = "grantor refresh token v1"
	keyChars  = 12
	saltBytes = 16
	// MaxBytes bounds a refresh token.
	MaxBytes = 4096
	// growth is how much longer the number of a token may make it: who got the first one gets all.
	growth = 32
)

// ErrTooLarge means that what is granted does not fit into a refresh token.
var ErrTooLarge = errors.New("what is granted does not fit into a refresh token")

// Seal returns the text form of a token. issuer is that of the server: no other opens it. The error of the first token of
// a family is ErrTooLarge; what has fitted once fits again.
//
// Each token has a key of its own, by a salt: AES-GCM with random nonces bears 2^32 messages under one key (NIST SP
// 800-38D §8.3), which is less than a server seals in the life of a digest key.
func Seal(keys *keyring.DigestKeys, issuer string, t Token) (string, error) {
	plain, err := t.marshal()
	if err != nil {
		return "", err
	}
	key := keys.Active()
	sealed := make([]byte, saltBytes, MaxBytes)
	_, _ = rand.Read(sealed) // never fails: crypto/rand ends the process instead
	aead, err := aeadFor(key, purpose, sealed)
	if err != nil {
		return "", err
	}
	sealed = aead.Seal(sealed, nil, plain, additional(issuer)) // #nosec G407 -- it makes the nonce by itself
	text := prefix + key.ID() + base64.RawURLEncoding.EncodeToString(sealed)
	limit := MaxBytes
	if t.number == 0 {
		limit -= growth
	}
	if len(text) > limit {
		return "", ErrTooLarge
	}
	return text, nil
}

// Open reads the text form of a token, under whatever key of the set it was sealed. Errors are refusals.
func Open(keys *keyring.DigestKeys, issuer, text string) (Token, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) > MaxBytes || len(rest) < keyChars {
		return Token{}, oauth.Refuse(oauth.ReasonRefreshTokenMalformed, nil)
	}
	// Strict, so that there is one text for one token.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(rest[keyChars:])
	if err != nil || strings.ContainsAny(rest, "\r\n") || len(sealed) < saltBytes {
		return Token{}, oauth.Refuse(oauth.ReasonRefreshTokenMalformed, nil)
	}
	key, ok := keys.Find(rest[:keyChars])
	if !ok {
		return Token{}, oauth.Refuse(oauth.ReasonRefreshTokenUnknownKey, nil)
	}
	aead, err := aeadFor(key, purpose, sealed[:saltBytes])
	if err != nil {
		return Token{}, oauth.Refuse(oauth.ReasonInternal, err)
	}
	plain, err := aead.Open(nil, nil, sealed[saltBytes:], additional(issuer))
	if err != nil {
		return Token{}, oauth.Refuse(oauth.ReasonRefreshTokenForged, nil)
	}
	t, err := unmarshal(plain)
	if err != nil { // The server has sealed it, but another version of it.
		return Token{}, oauth.Refuse(oauth.ReasonRefreshTokenMalformed, nil)
	}
	return t, nil
}

// aeadFor returns AES-256-GCM under a key for one purpose and one salt.
func aeadFor(key keyring.DigestKey, purpose string, salt []byte) (cipher.AEAD, error) {
	derived, err := key.Derive(purpose, salt)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// additional is authenticated with every token: it opens for the issuer that it was sealed for, and as nothing else.
func additional(issuer string) []byte { return []byte(purpose + "\x00" + issuer) }
