package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// poolSize is how many RSA keys there are: making one takes too long for every provider to have its own.
const poolSize = 8

// keyPool makes the public keys of identity providers.
type keyPool []*rsa.PrivateKey

func newKeyPool() (keyPool, error) {
	pool := make(keyPool, poolSize)
	for i := range pool {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("generate RSA key: %w", err)
		}
		pool[i] = key
	}
	return pool, nil
}

// set is what the JWK Set of a provider usually holds: two keys, for rotation with overlap.
func (p keyPool) set(i int) (*v1alpha1.JSONWebKeySet, error) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate EC key: %w", err)
	}
	point, err := ec.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode EC key: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return &v1alpha1.JSONWebKeySet{Keys: []v1alpha1.JSONWebKey{
		{
			KeyType: "RSA", KeyID: fmt.Sprintf("rsa-%d", i), Use: "sig", Algorithm: "RS256",
			N: encode(p[i%len(p)].N.Bytes()), E: "AQAB",
		},
		{
			KeyType: "EC", KeyID: fmt.Sprintf("ec-%d", i), Use: "sig", Algorithm: "ES256",
			Curve: "P-256", X: encode(point[1:33]), Y: encode(point[33:]),
		},
	}}, nil
}

// certificate is a self-signed certificate that expires late enough not to be warned of.
func (p keyPool) certificate(i int) ([]byte, error) {
	key := p[i%len(p)]
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(i) + 1),
		Subject:      pkix.Name{CommonName: providerName(i) + ".example.com"},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
