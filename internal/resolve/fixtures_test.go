package resolve

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// fixtures are made once: RSA keys take time.
var fixtures = sync.OnceValue(func() *fixture {
	f := &fixture{
		rsa:     must(rsa.GenerateKey(rand.Reader, 2048)),
		weak:    must(rsa.GenerateKey(rand.Reader, 1024)),
		ec:      must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		p384:    must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		p224:    must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)),
		ed25519: must2(ed25519.GenerateKey(rand.Reader)),
	}
	return f
})

type fixture struct {
	rsa, weak      *rsa.PrivateKey
	ec, p384, p224 *ecdsa.PrivateKey
	ed25519        ed25519.PrivateKey
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must2[S, T any](_ S, v T, err error) T { return must(v, err) }

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// certificate returns a self-signed certificate in DER.
func certificate(key crypto.Signer, subject pkix.Name) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      subject,
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	return must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
}

func named(name string) pkix.Name { return pkix.Name{CommonName: name} }

func certPEM(key crypto.Signer, name string) []byte {
	return block("CERTIFICATE", certificate(key, named(name)))
}

func pkixDER(key crypto.Signer) []byte { return must(x509.MarshalPKIXPublicKey(key.Public())) }

func pkcs8DER(key crypto.Signer) []byte { return must(x509.MarshalPKCS8PrivateKey(key)) }

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// repeat returns n certificates that differ.
func repeat(n int) []byte {
	var all []byte
	for i := range n {
		all = append(all, certPEM(fixtures().ec, string(rune('a'+i)))...)
	}
	return all
}
