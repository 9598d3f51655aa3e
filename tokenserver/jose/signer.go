package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/grantor-dev/grantor/tokenserver/scratch"
)

// What a JWT is for, in typ.
const (
	// TypeAccessToken is the typ of a JWT access token (RFC 9068 §2.1).
	TypeAccessToken = "at+jwt"
	// TypeClientAssertion is that of a client assertion (draft-ietf-oauth-rfc7523bis).
	TypeClientAssertion = "client-authentication+jwt"
)

// Sizes of RSA keys that sign. A generated key has the size that every verifier takes and that signs fastest; an imported
// one of 4096 bits signs six times slower, and nobody asks for more.
const (
	generatedRSABits  = 2048
	maxSigningRSABits = 4096
)

// Signer signs with one private key and one algorithm. It is immutable and safe for concurrent use; its String and
// Format forms name the public key only.
type Signer struct {
	// private and sign are functions because no printer looks into one: fmt calls no methods on unexported fields, and
	// so would write the bytes of a key that is a field of somebody else's struct.
	private func() crypto.Signer
	// sign appends the base64url form of the signature of input to dst. The two may share memory.
	sign func(dst, input []byte) ([]byte, error)
	// signatureBytes is the length of a signature.
	signatureBytes int
	algorithm      Algorithm
	public         *PublicKey
	headers        map[string]string
}

// SigningAlgorithms are the algorithms that a Signer can have.
func SigningAlgorithms() []Algorithm { return []Algorithm{ES256, RS256, EdDSA} }

// GenerateSigner makes a new key for one of the SigningAlgorithms: P-256 for ES256, RSA of 2048 bits for RS256, Ed25519
// for EdDSA.
func GenerateSigner(alg Algorithm) (*Signer, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, generatedRSABits)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("generate signing key: the algorithm %q does not sign here: use ES256, RS256 or EdDSA", alg)
	}
	if err != nil {
		return nil, fmt.Errorf("generate signing key for %s: %w", alg, err)
	}
	return newSigner(private)
}

// ParseSigner reads a PKCS #8 private key in PEM: P-256, which signs with ES256, RSA of 2048 to 4096 bits, which signs
// with RS256, or Ed25519, which signs with EdDSA. The kid is the thumbprint. Errors hold no key material.
func ParseSigner(text []byte) (*Signer, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemPKCS8 || len(rest) != 0 {
		return nil, errors.New("parse signing key: not one PEM block of type PRIVATE KEY")
	}
	return parseSigner(block)
}

// newSigner checks the key as the public keys of others are checked, and besides that signing with it is not too slow.
func newSigner(private crypto.Signer) (*Signer, error) {
	public, err := NewPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	s := &Signer{private: func() crypto.Signer { return private }}
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		s.algorithm, s.signatureBytes, s.sign = ES256, 64, signECDSA(key)
	case *rsa.PrivateKey:
		s.algorithm, s.signatureBytes, s.sign = RS256, key.Size(), signRSA(key)
		if key.N.BitLen() > maxSigningRSABits {
			return nil, keyError(ProblemUnsupported, "the RSA key has %d bits: use one of at most %d, larger ones sign too slowly", key.N.BitLen(), maxSigningRSABits)
		}
	case ed25519.PrivateKey:
		s.algorithm, s.signatureBytes, s.sign = EdDSA, ed25519.SignatureSize, signEd25519(key)
	default:
		return nil, keyError(ProblemUnsupported, "a key of type %s does not sign here: use P-256, RSA or Ed25519", public.kind)
	}
	if s.public = public.Restricted([]Algorithm{s.algorithm}); s.public == nil {
		return nil, keyError(ProblemUnsupported, "a key of type %s does not sign here: use P-256, RSA or Ed25519", public.kind)
	}
	s.name(s.public.thumbprint)
	return s, nil
}

// name gives the key its kid, and makes the headers that hold it.
func (s *Signer) name(keyID string) {
	s.public = s.public.WithKeyID(keyID)
	s.headers = map[string]string{}
	for _, typ := range []string{TypeAccessToken, TypeClientAssertion} {
		header := `{"alg":` + quote(string(s.algorithm)) + `,"typ":` + quote(typ) + `,"kid":` + quote(keyID) + `}`
		s.headers[typ] = base64.RawURLEncoding.EncodeToString([]byte(header))
	}
}

// WithKeyID returns the signer with a kid other than its thumbprint: the one by which verifiers know the key already.
func (s *Signer) WithKeyID(keyID string) (*Signer, error) {
	if keyID == "" || len(keyID) > MaxKeyIDBytes {
		return nil, fmt.Errorf("kid of signing key: has %d bytes: use 1 to %d", len(keyID), MaxKeyIDBytes)
	}
	for _, c := range []byte(keyID) {
		if c < ' ' || c > '~' {
			return nil, errors.New("kid of signing key: use printable ASCII characters only")
		}
	}
	c := *s
	c.name(keyID)
	return &c, nil
}

// PublicKey is the key that verifies what this signer signs, with its kid and no algorithm but the signer's.
func (s *Signer) PublicKey() *PublicKey { return s.public }

// Algorithm is the algorithm of all signatures.
func (s *Signer) Algorithm() Algorithm { return s.algorithm }

// MarshalPEM returns the private key as PKCS #8 in PEM, for ParseSigner. The kid is not in it.
func (s *Signer) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.private())
	if err != nil {
		return nil, fmt.Errorf("marshal signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPKCS8, Bytes: der}), nil
}

// Sign returns a compact JWS over claims with the given typ, one of the Type constants.
func (s *Signer) Sign(typ string, claims []byte) (string, error) {
	header, ok := s.headers[typ]
	if !ok {
		return "", fmt.Errorf("sign: unknown typ %q", typ)
	}
	enc := base64.RawURLEncoding
	b := scratch.Borrow()
	defer scratch.Return(b)
	b.Grow(len(header) + 2 + enc.EncodedLen(len(claims)) + enc.EncodedLen(s.signatureBytes))
	out := append(b.AvailableBuffer(), header...)
	out = append(out, '.')
	out = enc.AppendEncode(out, claims)
	out, err := s.sign(append(out, '.'), out)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return string(out), nil
}

// String names the public key.
func (s *Signer) String() string { return "signer " + s.public.keyID }

// GoString names the public key, so that no format verb prints the private one.
func (s *Signer) GoString() string { return s.String() }
