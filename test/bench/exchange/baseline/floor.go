package baseline

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
)

// answerBytes is as long as the answer of the floor: about that of an exchange.
const answerBytes = 1024

// floor is what no exchange can do without.
type floor struct {
	verify func() bool
	sign   func() error
	answer []byte
}

// NewFloor returns a handler that reads the request, verifies one signature by the algorithm of assertions, makes one by that
// of access tokens, both with the bare primitive over the same digest each time, and answers the same.
func NewFloor(assertionAlg, tokenAlg string) (http.Handler, error) {
	f := &floor{answer: FloorAnswer()}
	var err error
	if f.verify, err = verifying(IdentityProviderKey(assertionAlg, 0)); err != nil {
		return nil, err
	}
	f.sign, err = signing(ServerKey(tokenAlg))
	return f, err
}

var errFloor = errors.New("the primitives do not work")

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, r.Body)
	if err == nil && !f.verify() {
		err = errFloor
	}
	if err == nil {
		err = f.sign()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(f.answer) // An error means that the caller has gone.
}

// message is what is signed, about as long as what is signed of an assertion.
func message() []byte { return bytes.Repeat([]byte("m"), 512) }

func digest() []byte {
	sum := sha256.Sum256(message())
	return sum[:]
}

// FloorAnswer is what the floor answers.
func FloorAnswer() []byte {
	const begin, end = `{"access_token":"`, `"}`
	return []byte(begin + strings.Repeat("x", answerBytes-len(begin+end)) + end)
}

// verifying returns what verifies a signature that the key has just made.
func verifying(key crypto.Signer) (func() bool, error) {
	input, sum := message(), digest()
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum)
		return func() bool { return rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum, signature) == nil }, err
	case *ecdsa.PrivateKey:
		signature, err := ecdsa.SignASN1(rand.Reader, k, sum)
		return func() bool { return ecdsa.VerifyASN1(&k.PublicKey, sum, signature) }, err
	case ed25519.PrivateKey:
		signature := ed25519.Sign(k, input)
		public, ok := k.Public().(ed25519.PublicKey)
		return func() bool { return ok && ed25519.Verify(public, input, signature) }, nil
	default:
		return nil, fmt.Errorf("no primitive for keys of type %T", key)
	}
}

// signing returns what makes a signature.
func signing(key crypto.Signer) (func() error, error) {
	input, sum := message(), digest()
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return func() error {
			_, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum)
			return err
		}, nil
	case *ecdsa.PrivateKey:
		return func() error {
			_, err := k.Sign(nil, sum, crypto.SHA256) // RFC 6979, as Grantor does
			return err
		}, nil
	case ed25519.PrivateKey:
		return func() error {
			if len(ed25519.Sign(k, input)) == 0 {
				return errFloor
			}
			return nil
		}, nil
	default:
		return nil, fmt.Errorf("no primitive for keys of type %T", key)
	}
}

// verifyDigest verifies RS256 and ES256.
func verifyDigest(public crypto.PublicKey, input, signature []byte) bool {
	sum := sha256.Sum256(input)
	switch k := public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518 §3.4: r and s, of the curve's length each.
		const size = 32
		if len(signature) != 2*size {
			return false
		}
		return ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	default:
		return false
	}
}
