package jose

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// algorithms is every algorithm of RFC 7518 §3.1 and RFC 8037 §3.1, ours and others.
var algorithms = []Algorithm{
	RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, "HS256", "HS384", "HS512", "none", "", "ES256K",
	"rs256", "RS1",
}

func TestVerify(t *testing.T) {
	input := []byte("header.payload")
	for name, tc := range map[string]struct {
		key        crypto.Signer
		algorithms []Algorithm
	}{
		"RSA":     {jwttest.RSA("a", 2048), []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}},
		"P-256":   {jwttest.EC("a", elliptic.P256()), []Algorithm{ES256}},
		"P-384":   {jwttest.EC("a", elliptic.P384()), []Algorithm{ES384}},
		"P-521":   {jwttest.EC("a", elliptic.P521()), []Algorithm{ES512}},
		"Ed25519": {jwttest.Ed25519("a"), []Algorithm{EdDSA}},
	} {
		k := newKey(t, tc.key.Public())
		for _, alg := range tc.algorithms {
			t.Run(name+" "+string(alg), func(t *testing.T) {
				signature := jwttest.Sign(string(alg), tc.key, input)
				checkVerify(t, k, alg, input, signature)
				if others := k.Restricted(without(tc.algorithms, alg)); others != nil && others.Verify(alg, input, signature) {
					t.Error("verified by an algorithm that the key was denied")
				}
			})
		}
	}
}

// checkVerify: the signature is one of this algorithm over this input, and no other.
func checkVerify(t *testing.T, k *PublicKey, alg Algorithm, input, signature []byte) {
	t.Helper()
	for _, claimed := range algorithms {
		if got, want := k.Verify(claimed, input, signature), claimed == alg; got != want {
			t.Errorf("signed by %s, verified as %q = %v, want %v", alg, claimed, got, want)
		}
	}
	if k.Verify(alg, append([]byte("x"), input...), signature) {
		t.Error("verified over another input")
	}
	for _, wrong := range [][]byte{nil, {}, signature[1:], append([]byte{0}, signature...), make([]byte, len(signature))} {
		if k.Verify(alg, input, wrong) {
			t.Errorf("verified a signature of %d bytes that is none", len(wrong))
		}
	}
}

func without(all []Algorithm, one Algorithm) (rest []Algorithm) {
	for _, a := range all {
		if a != one {
			rest = append(rest, a)
		}
	}
	return rest
}

// TestVerifySaltLength: RFC 7518 §3.5: "The size of the salt value is the same size as the hash function output."
func TestVerifySaltLength(t *testing.T) {
	key := jwttest.RSA("a", 2048)
	digest := sha256.Sum256([]byte("input"))
	for salt, want := range map[int]bool{1: false, 20: false, 31: false, 32: true, 33: false, rsa.PSSSaltLengthAuto: false} {
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if got := newKey(t, key.Public()).Verify(PS256, []byte("input"), signature); got != want {
			t.Errorf("salt length %d: verified = %v, want %v", salt, got, want)
		}
	}
}

// TestForeignHashes: a signature over another hash, or with the other padding, is none.
func TestForeignHashes(t *testing.T) {
	key := jwttest.RSA("a", 2048)
	k := newKey(t, key.Public())
	digest := sha256.Sum256([]byte("input"))
	unprefixed, err := rsa.SignPKCS1v15(nil, key, 0, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if k.Verify(RS256, []byte("input"), unprefixed) {
		t.Error("verified a signature without the name of its hash")
	}
	sig := jwttest.Sign("ES256", jwttest.EC("a", elliptic.P384()), []byte("input"))
	if newKey(t, jwttest.EC("a", elliptic.P384()).Public()).Verify(ES384, []byte("input"), sig) {
		t.Error("ES384 verified a signature over SHA-256")
	}
}
