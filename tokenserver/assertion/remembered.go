package assertion

import (
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// signatures remembers signatures that have been verified, so that an assertion that is presented again, where that is allowed,
// costs no second verification.
//
// That a key has made a signature of a text stays true whatever happens to trust: so nothing else is remembered, nothing has
// to be forgotten, and every other step runs each time. Which keys count is for the snapshot of each request to say. It is
// safe for concurrent use; nil remembers nothing.
type signatures struct {
	known *lru.Cache[[sha256.Size]byte, struct{}]
	seen  func(known bool)
}

// RememberSignatures makes the verifier remember so many signatures, of assertions that may be presented again. seen is told
// of each such assertion whether its signature was known. It must be called before the verifier is used.
func (vr *Verifier) RememberSignatures(most int, seen func(known bool)) error {
	known, err := lru.New[[sha256.Size]byte, struct{}](most)
	if err != nil {
		return fmt.Errorf("remember signatures: %w", err)
	}
	vr.remembered = &signatures{known: known, seen: seen}
	return nil
}

// verify is the verification by the key, or what is known of it.
func (s *signatures) verify(p *trust.Provider, k *jose.PublicKey, alg jose.Algorithm, jws *jose.Compact) bool {
	// What may be used once does not come again.
	if s == nil || p.Replay != trust.ReplayReuse || !k.Accepts(alg) {
		return k.Verify(alg, jws.SigningInput, jws.Signature)
	}
	id := signatureID(k, alg, jws)
	_, known := s.known.Get(id)
	s.seen(known)
	if known {
		return true
	}
	if !k.Verify(alg, jws.SigningInput, jws.Signature) {
		return false // Nothing is kept of it: anybody can send what is not signed.
	}
	s.known.Add(id, struct{}{})
	return true
}

// signatureID names one signature of one text by one key. No part holds a zero byte but the signature, which is the last.
func signatureID(k *jose.PublicKey, alg jose.Algorithm, jws *jose.Compact) [sha256.Size]byte {
	text := append(append(make([]byte, 0, 2048), alg...), 0)
	text = append(append(text, k.Thumbprint()...), 0)
	text = append(append(text, jws.SigningInput...), 0)
	return sha256.Sum256(append(text, jws.Signature...))
}
