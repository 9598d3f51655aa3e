package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
)

// Signer signs with one private key and one algorithm. It is immutable and safe for concurrent use; its String and
// Format forms name the public key only.
type Signer struct {
	private   *ecdsa.PrivateKey
	algorithm Algorithm
	public    *PublicKey
	headers   map[string]string
}

// GenerateSigner makes a new P-256 key that signs with ES256.
func GenerateSigner() (*Signer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate P-256 key: %w", err)
	}
	return newSigner(private)
}

// ParseSigner reads a PKCS #8 private key in PEM. Only P-256 is accepted, which signs with ES256.
func ParseSigner(text []byte) (*Signer, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) != 0 {
		return nil, errors.New("parse signing key: not one PEM block of type PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("parse signing key: not a PKCS #8 private key")
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("parse signing key: not a P-256 key")
	}
	return newSigner(private)
}

func newSigner(private *ecdsa.PrivateKey) (*Signer, error) {
	public, err := NewPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	public.keyID = public.thumbprint
	s := &Signer{private: private, algorithm: ES256, public: public}
	s.headers = map[string]string{}
	for _, typ := range []string{TypeAccessToken} {
		header := `{"alg":"` + string(s.algorithm) + `","typ":` + strconv.Quote(typ) + `,"kid":"` + public.keyID + `"}`
		s.headers[typ] = base64.RawURLEncoding.EncodeToString([]byte(header))
	}
	return s, nil
}

// TypeAccessToken is the typ of a JWT access token (RFC 9068 §2.1).
const TypeAccessToken = "at+jwt"

// PublicKey is the key that verifies what this signer signs; its kid is its thumbprint.
func (s *Signer) PublicKey() *PublicKey { return s.public }

// Algorithm is the algorithm of all signatures.
func (s *Signer) Algorithm() Algorithm { return s.algorithm }

// MarshalPEM returns the private key as PKCS #8 in PEM, for ParseSigner.
func (s *Signer) MarshalPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(s.private)
	if err != nil {
		return nil, fmt.Errorf("marshal signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Sign returns a compact JWS over claims with the given typ, one of the Type constants.
func (s *Signer) Sign(typ string, claims []byte) (string, error) {
	header, ok := s.headers[typ]
	if !ok {
		return "", fmt.Errorf("sign: unknown typ %q", typ)
	}
	const sigSize = 64
	enc := base64.RawURLEncoding
	out := make([]byte, 0, len(header)+2+enc.EncodedLen(len(claims))+enc.EncodedLen(sigSize))
	out = append(out, header...)
	out = append(out, '.')
	out = enc.AppendEncode(out, claims)
	h := crypto.SHA256.New()
	h.Write(out)
	r, ss, err := ecdsa.Sign(rand.Reader, s.private, h.Sum(nil))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var sig [sigSize]byte
	r.FillBytes(sig[:sigSize/2])
	ss.FillBytes(sig[sigSize/2:])
	out = append(out, '.')
	return string(enc.AppendEncode(out, sig[:])), nil
}

// String names the public key.
func (s *Signer) String() string { return "signer " + s.public.keyID }

// GoString names the public key, so that no format verb prints the private one.
func (s *Signer) GoString() string { return s.String() }
