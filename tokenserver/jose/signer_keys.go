package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Labels of private keys in PEM (RFC 7468 §10 and §11, RFC 5915 §4).
const (
	pemPKCS8        = "PRIVATE KEY"
	pemPKCS8Cipher  = "ENCRYPTED PRIVATE KEY"
	pemSEC1         = "EC PRIVATE KEY"
	pemPKCS1        = "RSA PRIVATE KEY"
	pemECParameters = "EC PARAMETERS"
)

// ParsePrivateKeyPEM reads the private key that another server signed with, of the types that ParseSigner takes, as
// PKCS #8, SEC 1 (EC PRIVATE KEY, also behind EC PARAMETERS, as openssl writes it) or PKCS #1 (RSA PRIVATE KEY). Its
// errors say what to do, and hold no key material.
func ParsePrivateKeyPEM(text []byte) (*Signer, error) {
	var found *pem.Block
	rest := text
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == pemPKCS8Cipher || block.Headers["DEK-Info"] != "":
			return nil, errors.New("parse private key: it is encrypted: decrypt it, for example with openssl pkey")
		case block.Type == pemECParameters:
			continue
		case found != nil:
			return nil, errors.New("parse private key: more than one PEM block: leave one private key")
		}
		found = block
	}
	if found == nil {
		return nil, errors.New("parse private key: no PEM block: give one of type PRIVATE KEY")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("parse private key: text after the PEM block: leave one private key")
	}
	return parseSigner(found)
}

func parseSigner(block *pem.Block) (*Signer, error) {
	private, err := parsePrivate(block)
	if err != nil {
		return nil, err
	}
	s, err := newSigner(private)
	if err != nil {
		return nil, fmt.Errorf("parse signing key: %w", err)
	}
	return s, nil
}

// parsePrivate leaves out the errors of crypto/x509: what they may say of a damaged key is not known.
func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	switch block.Type {
	case pemPKCS8:
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("parse signing key: not a PKCS #8 private key")
		}
		private, ok := parsed.(crypto.Signer)
		if !ok {
			return nil, errors.New("parse signing key: a key of a type that does not sign")
		}
		return private, nil
	case pemSEC1:
		private, err := x509.ParseECPrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("parse signing key: not an EC private key")
		}
		return private, nil
	case pemPKCS1:
		private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("parse signing key: not an RSA private key")
		}
		return private, nil
	default:
		return nil, errors.New("parse signing key: the PEM block holds no private key: give one of type PRIVATE KEY")
	}
}

// signECDSA signs with R || S, each as long as the curve's order (RFC 7518 §3.4). RFC 8725 §3.2: libraries "SHOULD implement ECDSA
// using the deterministic approach defined in [RFC6979]", which is what crypto/ecdsa does without a source of random numbers: one
// that fails cannot give the key away. No text is signed twice, since each holds a random jti.
func signECDSA(key *ecdsa.PrivateKey) func(dst, input []byte) ([]byte, error) {
	return func(dst, input []byte) ([]byte, error) {
		digest := sha256.Sum256(input)
		der, err := key.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		var signature [64]byte
		if !fixedSignature(der, signature[:]) {
			return nil, errors.New("the ECDSA signature has not the form of one")
		}
		return base64.RawURLEncoding.AppendEncode(dst, signature[:]), nil
	}
}

// fixedSignature writes R || S, each in a half of to, of an ECDSA signature in ASN.1 (RFC 3279 §2.2.3).
func fixedSignature(der []byte, to []byte) bool {
	text, half := cryptobyte.String(der), len(to)/2
	var inner, r, s cryptobyte.String
	if !text.ReadASN1(&inner, asn1.SEQUENCE) || !text.Empty() || !inner.ReadASN1(&r, asn1.INTEGER) || !inner.ReadASN1(&s, asn1.INTEGER) || !inner.Empty() {
		return false
	}
	return fill(to[:half], r) && fill(to[half:], s)
}

// fill writes a positive number, of which ASN.1 may have put a zero in front.
func fill(to, number []byte) bool {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) > len(to) {
		return false
	}
	copy(to[len(to)-len(number):], number)
	return true
}

// signRSA signs with PKCS #1 v1.5 (RFC 7518 §3.3).
func signRSA(key *rsa.PrivateKey) func(dst, input []byte) ([]byte, error) {
	return func(dst, input []byte) ([]byte, error) {
		digest := sha256.Sum256(input)
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			return nil, err
		}
		return base64.RawURLEncoding.AppendEncode(dst, signature), nil
	}
}

// signEd25519 signs the input itself (RFC 8037 §3.1).
func signEd25519(key ed25519.PrivateKey) func(dst, input []byte) ([]byte, error) {
	return func(dst, input []byte) ([]byte, error) {
		return base64.RawURLEncoding.AppendEncode(dst, ed25519.Sign(key, input)), nil
	}
}
