package jose

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// TestROCA: D-23: a modulus with the fingerprint of CVE-2017-15361 is weak, others are not.
func TestROCA(t *testing.T) {
	fingerprinted := new(big.Int).Exp(big.NewInt(65537), big.NewInt(128), nil)
	_, err := NewPublicKey(&rsa.PublicKey{N: fingerprinted, E: 65537})
	if keyErr, ok := errors.AsType[*KeyError](err); !ok || keyErr.Problem != ProblemWeak {
		t.Errorf("got %v", err)
	}
	for _, prime := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		// Zero modulo one of the primes is no power of anything there.
		if hasROCA(new(big.Int).Mul(fingerprinted, big.NewInt(prime))) {
			t.Errorf("a modulus without the fingerprint modulo %d has it", prime)
		}
	}
	if _, err := NewPublicKey(jwttest.RSA("sound", 2048).Public()); err != nil {
		t.Errorf("a sound key: %v", err)
	}
}
