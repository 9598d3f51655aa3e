package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
)

// Algorithm is a JWS signature algorithm by its registered name (RFC 7518 §3.1, RFC 8037 §3.1).
type Algorithm string

// The algorithms that exist here. There is no none and no HMAC: a key that verifies must not be able to sign.
const (
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
)

// Algorithms are all of them.
func Algorithms() []Algorithm {
	return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA}
}

// hash returns the hash function of an algorithm, and false for EdDSA and for what is no algorithm of ours.
func (a Algorithm) hash() (crypto.Hash, bool) {
	switch a {
	case RS256, PS256, ES256:
		return crypto.SHA256, true
	case RS384, PS384, ES384:
		return crypto.SHA384, true
	case RS512, PS512, ES512:
		return crypto.SHA512, true
	case EdDSA:
		return 0, false
	default:
		return 0, false
	}
}

// Verify reports whether signature is the key's signature of input by the algorithm. The algorithm must be one of the
// key's own: a header can never choose another family (RFC 8725 §3.1).
func (k *PublicKey) Verify(alg Algorithm, input, signature []byte) bool {
	if !k.Accepts(alg) {
		return false
	}
	if pub, ok := k.public.(ed25519.PublicKey); ok {
		return ed25519.Verify(pub, input, signature)
	}
	hash, ok := alg.hash()
	if !ok {
		return false
	}
	h := hash.New()
	h.Write(input)
	digest := h.Sum(nil)
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		return verifyRSA(pub, alg, hash, digest, signature)
	case *ecdsa.PublicKey:
		return verifyECDSA(pub, digest, signature)
	default:
		return false
	}
}

// verifyRSA calls the primitive and not jwx: jwx accepts any PSS salt length, RFC 7518 §3.5 wants that of the hash.
func verifyRSA(pub *rsa.PublicKey, alg Algorithm, hash crypto.Hash, digest, signature []byte) bool {
	switch alg {
	case RS256, RS384, RS512:
		return rsa.VerifyPKCS1v15(pub, hash, digest, signature) == nil
	case PS256, PS384, PS512:
		return rsa.VerifyPSS(pub, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case ES256, ES384, ES512, EdDSA:
		return false
	default:
		return false
	}
}

// verifyECDSA takes R || S, each as long as the curve's order, and nothing else (RFC 7518 §3.4): no ASN.1.
func verifyECDSA(pub *ecdsa.PublicKey, digest, signature []byte) bool {
	size := (pub.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(pub, digest, r, s)
}
