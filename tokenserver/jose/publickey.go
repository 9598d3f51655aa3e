package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"filippo.io/edwards25519"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Strength that a key must have (RFC 7518 §3.3, NIST SP 800-57; the upper bounds keep one verification cheap).
const (
	MinRSABits     = 2048
	MaxRSABits     = 8192
	MinRSAExponent = 65537
	// MaxRSAExponent is the largest exponent that crypto/rsa verifies with.
	MaxRSAExponent = 1<<31 - 1
	// MaxKeyIDBytes bounds a kid.
	MaxKeyIDBytes = 256
)

// Problem says why a key cannot be used.
type Problem string

// The problems of keys.
const (
	ProblemMalformed   Problem = "malformed"
	ProblemPrivate     Problem = "private"
	ProblemWeak        Problem = "weak"
	ProblemUnsupported Problem = "unsupported"
)

// KeyError says what is wrong with a key and what to do about it. It never holds key material.
type KeyError struct {
	Problem Problem
	Message string
}

// Error returns the message.
func (e *KeyError) Error() string { return e.Message }

func keyError(p Problem, format string, args ...any) error {
	return &KeyError{Problem: p, Message: fmt.Sprintf(format, args...)}
}

// PublicKey is a public key that is strong enough to verify signatures. It is immutable.
type PublicKey struct {
	keyID       string
	kind        string
	algorithms  []Algorithm
	thumbprint  string
	jwk         string
	public      crypto.PublicKey
	certificate *Certificate
}

// Certificate is what a certificate adds to the key in it.
type Certificate struct {
	NotBefore, NotAfter time.Time
	// ThumbprintSHA1 and ThumbprintSHA256 are base64url digests of the DER form, as in the headers x5t and x5t#S256.
	ThumbprintSHA1, ThumbprintSHA256 string
}

// KeyID is the kid that the key came with, or empty.
func (k *PublicKey) KeyID() string { return k.keyID }

// Kind is the type with size or curve, such as RSA-2048, P-256 or Ed25519.
func (k *PublicKey) Kind() string { return k.kind }

// Algorithms are the signature algorithms that the key accepts.
func (k *PublicKey) Algorithms() []Algorithm { return slices.Clone(k.algorithms) }

// Accepts reports whether the key accepts the algorithm.
func (k *PublicKey) Accepts(a Algorithm) bool { return slices.Contains(k.algorithms, a) }

// Thumbprint is the JWK SHA-256 thumbprint (RFC 7638), base64url.
func (k *PublicKey) Thumbprint() string { return k.thumbprint }

// JWK is the key as JSON text with the members that RFC 7638 §3.2 requires.
func (k *PublicKey) JWK() string { return k.jwk }

// Certificate is the certificate that the key came in, or nil.
func (k *PublicKey) Certificate() *Certificate { return k.certificate }

// Restricted returns the key with only those of its algorithms that are in allowed; without any left it is nil.
func (k *PublicKey) Restricted(allowed []Algorithm) *PublicKey {
	c := *k
	c.algorithms = slices.DeleteFunc(slices.Clone(k.algorithms), func(a Algorithm) bool { return !slices.Contains(allowed, a) })
	if len(c.algorithms) == 0 {
		return nil
	}
	return &c
}

// WithCertificate returns the key with the certificate that it came in.
func (k *PublicKey) WithCertificate(cert Certificate) *PublicKey {
	c := *k
	c.certificate = &cert
	return &c
}

// WithKeyID returns the key with a kid; empty means that an assertion may name any.
func (k *PublicKey) WithKeyID(keyID string) *PublicKey {
	c := *k
	c.keyID = keyID
	return &c
}

// NewPublicKey returns a key without kid, or a *KeyError when it is of no supported type or too weak.
func NewPublicKey(public crypto.PublicKey) (*PublicKey, error) {
	k := &PublicKey{public: public}
	var err error
	switch pub := public.(type) {
	case *rsa.PublicKey:
		k.kind, k.algorithms = fmt.Sprintf("RSA-%d", pub.N.BitLen()), []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}
		err = checkRSA(pub)
	case *ecdsa.PublicKey:
		k.kind, k.algorithms, err = curveOf(pub)
	case ed25519.PublicKey:
		k.kind, k.algorithms = "Ed25519", []Algorithm{EdDSA}
		err = checkEd25519(pub)
	default:
		err = keyError(ProblemUnsupported, "keys of this type are not supported: use RSA, P-256, P-384, P-521 or Ed25519")
	}
	if err != nil {
		return nil, err
	}
	if err := k.describe(); err != nil {
		return nil, err
	}
	return k, nil
}

func checkRSA(pub *rsa.PublicKey) error {
	switch bits := pub.N.BitLen(); {
	case bits < MinRSABits:
		return keyError(ProblemWeak, "an RSA key of %d bits is too weak: use at least %d bits", bits, MinRSABits)
	case bits > MaxRSABits:
		return keyError(ProblemUnsupported, "an RSA key of %d bits is too large: use at most %d bits", bits, MaxRSABits)
	case pub.N.Bit(0) == 0:
		return keyError(ProblemWeak, "the RSA modulus is even, so this is no RSA key: ask its owner for another one")
	case pub.E < MinRSAExponent || pub.E%2 == 0:
		return keyError(ProblemWeak, "the RSA exponent %d is too weak: use %d", pub.E, MinRSAExponent)
	case hasROCA(pub.N):
		return keyError(ProblemWeak, "the RSA key was made by a chip whose keys can be factored (CVE-2017-15361): make a new one elsewhere")
	case hasSmallFactor(pub.N):
		return keyError(ProblemWeak, "the RSA modulus has a small factor, so this is no RSA key: ask its owner for another one")
	case hasCloseFactors(pub.N):
		return keyError(ProblemWeak, "the primes of the RSA key are so close that it can be factored (CVE-2022-26320): make a new one elsewhere")
	case pub.E > MaxRSAExponent:
		return keyError(ProblemUnsupported, "the RSA exponent %d is too large: use %d", pub.E, MinRSAExponent)
	}
	return nil
}

// checkEd25519: RFC 8032 §5.1.3 has one form of a point. A key of small order has no secret: whoever wants to signs with it.
func checkEd25519(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize {
		return keyError(ProblemMalformed, "the Ed25519 key has %d bytes instead of %d", len(pub), ed25519.PublicKeySize)
	}
	point, err := new(edwards25519.Point).SetBytes(pub)
	switch {
	case err != nil:
		return keyError(ProblemMalformed, "the point of the Ed25519 key is not on its curve: ask its owner for another one")
	case new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1:
		return keyError(ProblemWeak, "the Ed25519 key is of small order, so that anybody can sign for its owner: make a new one")
	case !bytes.Equal(point.Bytes(), pub):
		return keyError(ProblemMalformed, "the point of the Ed25519 key is written in another form than its only one: ask its owner for another one")
	}
	return nil
}

func curveOf(pub *ecdsa.PublicKey) (string, []Algorithm, error) {
	if _, err := pub.ECDH(); err != nil && supportedCurve(pub.Curve) {
		return "", nil, keyError(ProblemMalformed, "the point of the EC key is not on its curve: ask its owner for another one")
	}
	switch pub.Curve {
	case elliptic.P256():
		return "P-256", []Algorithm{ES256}, nil
	case elliptic.P384():
		return "P-384", []Algorithm{ES384}, nil
	case elliptic.P521():
		return "P-521", []Algorithm{ES512}, nil
	default:
		return "", nil, keyError(ProblemUnsupported, "the EC key is on an unsupported curve: use P-256, P-384 or P-521")
	}
}

func supportedCurve(c elliptic.Curve) bool {
	return c == elliptic.P256() || c == elliptic.P384() || c == elliptic.P521()
}

// describe fills in what is derived from the public key.
func (k *PublicKey) describe() error {
	key, err := jwk.FromRaw(k.public)
	if err != nil {
		return keyError(ProblemMalformed, "the key has no JWK form")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return keyError(ProblemMalformed, "the key has no thumbprint")
	}
	text, err := json.Marshal(key)
	if err != nil {
		return keyError(ProblemMalformed, "the key has no JWK form")
	}
	k.thumbprint, k.jwk = base64.RawURLEncoding.EncodeToString(sum), string(text)
	return nil
}

// PublishedJWK is the key as it stands in a JWK Set: with kid, use and its only or first algorithm (RFC 7517 §4).
func (k *PublicKey) PublishedJWK() string {
	return `{"kid":` + quote(k.keyID) + `,"use":"sig","alg":` + quote(string(k.algorithms[0])) + `,` + k.jwk[1:]
}

// quote returns a JSON string.
func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s) // The error is about invalid UTF-8, which AppendQuote replaces.
	return string(b)
}
