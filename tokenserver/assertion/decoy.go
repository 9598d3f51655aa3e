package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// decoy holds keys of nobody, one for each family of algorithms.
type decoy struct {
	rsa, ec, ed *jose.PublicKey
}

// newDecoy makes keys that nobody has the private half of.
func newDecoy() decoy {
	d := decoy{rsa: rsaDecoy()}
	if key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
		d.ec = decoyKey(key.Public())
	}
	if key, _, err := ed25519.GenerateKey(rand.Reader); err == nil {
		d.ed = decoyKey(key)
	}
	return d
}

// rsaDecoy has a modulus that is no product of two primes, which costs the same. One in six looks sound enough.
func rsaDecoy() (key *jose.PublicKey) {
	for modulus := make([]byte, jose.MinRSABits/8); key == nil; {
		_, _ = rand.Read(modulus) // never fails: crypto/rand ends the process instead
		modulus[0] |= 0x80
		modulus[len(modulus)-1] |= 1
		key = decoyKey(&rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: jose.MinRSAExponent})
	}
	return key
}

// decoyKey returns nil for a key that is refused, which happens to no other than an RSA key.
func decoyKey(public crypto.PublicKey) *jose.PublicKey {
	key, err := jose.NewPublicKey(public)
	if err != nil {
		return nil
	}
	return key
}

// Decoy does the work of verifying the signature, with a key of nobody: for a client assertion that is refused before a
// key was tried. What an unknown client costs is then near what a client costs that signs with another key. It is no more
// than near: the decoys are RSA with 2048 bits, P-256 and Ed25519, so that a caller cannot choose how much work an unknown
// client is, while a client may have larger keys, or several.
func (vr *Verifier) Decoy(u Unverified) {
	if u.jws == nil {
		return
	}
	key, alg, signature := vr.decoy.rsa, jose.Algorithm(u.jws.UntrustedHeader.Algorithm), u.jws.Signature
	switch alg {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
	case jose.ES256, jose.ES384, jose.ES512:
		if len(signature) != ecSignatureBytes(alg) {
			return // as with a real key
		}
		key, alg, signature = vr.decoy.ec, jose.ES256, signature[:ecSignatureBytes(jose.ES256)]
	case jose.EdDSA:
		key = vr.decoy.ed
	default:
		return // a real key does not accept it either
	}
	if key != nil {
		key.Verify(alg, u.jws.SigningInput, signature)
	}
}

// ecSignatureBytes is the length of an ECDSA signature (RFC 7518 §3.4).
func ecSignatureBytes(alg jose.Algorithm) int {
	switch alg {
	case jose.ES384:
		return 96
	case jose.ES512:
		return 132
	default:
		return 64
	}
}
