package baseline

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// rsaPool is how many RSA keys there are: making one takes too long for every identity provider to have its own.
const rsaPool = 8

const rsaBits = 2048

// IdentityProviderKey is the key with which an identity provider signs by an algorithm; every process makes the same.
func IdentityProviderKey(alg string, provider int) crypto.Signer {
	if alg == "RS256" {
		provider %= rsaPool
	}
	return key(alg, fmt.Sprintf("idp-%d", provider))
}

// ServerKey is the key with which the server signs by an algorithm.
func ServerKey(alg string) crypto.Signer { return key(alg, "server") }

func key(alg, name string) crypto.Signer {
	switch alg {
	case "RS256":
		return jwttest.RSA(name, rsaBits)
	case "ES256":
		return jwttest.EC(name, elliptic.P256())
	case "EdDSA":
		return jwttest.Ed25519(name)
	default:
		panic("no key for " + alg)
	}
}

// Verify verifies a JWS signature with the standard library alone.
func Verify(alg string, public crypto.PublicKey, input, signature []byte) bool {
	if alg == "EdDSA" {
		k, ok := public.(ed25519.PublicKey)
		return ok && ed25519.Verify(k, input, signature)
	}
	return verifyDigest(public, input, signature)
}
