package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

func TestParseSigner(t *testing.T) {
	for name, key := range map[string]any{
		"P-256": jwttest.EC("a", elliptic.P256()), "RSA-2048": jwttest.RSA("a", 2048), "RSA-4096": jwttest.RSA("a", 4096),
		"Ed25519": jwttest.Ed25519("a"),
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := ParseSigner(pkcs8(t, key))
			if err != nil {
				t.Fatal(err)
			}
			if signer.PublicKey().Kind() != name {
				t.Errorf("a key of type %s", signer.PublicKey().Kind())
			}
			text, err := signer.MarshalPEM()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseSigner(text)
			if err != nil {
				t.Fatal(err)
			}
			if again.PublicKey().KeyID() != signer.PublicKey().KeyID() || signer.PublicKey().KeyID() == "" {
				t.Errorf("kid = %q, then %q", signer.PublicKey().KeyID(), again.PublicKey().KeyID())
			}
		})
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func sec1(t testing.TB, curve elliptic.Curve) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(jwttest.EC("a", curve))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestParsePrivateKeyPEM: whatever form another server kept its key in, it is the same key.
func TestParsePrivateKeyPEM(t *testing.T) {
	ec, rsaKey := jwttest.EC("a", elliptic.P256()), jwttest.RSA("a", 2048)
	for name, tc := range map[string]struct {
		text []byte
		key  crypto.Signer
	}{
		"PKCS #8 of EC":         {pkcs8(t, ec), ec},
		"PKCS #8 of RSA":        {pkcs8(t, rsaKey), rsaKey},
		"PKCS #8 of Ed25519":    {pkcs8(t, jwttest.Ed25519("a")), jwttest.Ed25519("a")},
		"SEC 1":                 {encode("EC PRIVATE KEY", sec1(t, elliptic.P256())), ec},
		"SEC 1 with parameters": {join(encode("EC PARAMETERS", []byte{6, 8}), encode("EC PRIVATE KEY", sec1(t, elliptic.P256()))), ec},
		"PKCS #1":               {encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), rsaKey},
		"text around it":        {join([]byte("Bag Attributes\n"), pkcs8(t, ec), []byte("\n \n")), ec},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := ParsePrivateKeyPEM(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			want, err := NewPublicKey(tc.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if signer.PublicKey().KeyID() != want.Thumbprint() {
				t.Errorf("kid = %s, want %s", signer.PublicKey().KeyID(), want.Thumbprint())
			}
			text, err := signer.Sign(TypeAccessToken, []byte(`{"sub":"alice"}`))
			if err != nil {
				t.Fatal(err)
			}
			checkSigned(t, signer, text)
		})
	}
}

// refusedKeys are texts that neither parser takes.
func refusedKeys(t *testing.T) map[string][]byte {
	t.Helper()
	good := pkcs8(t, jwttest.EC("a", elliptic.P256()))
	block, _ := pem.Decode(good)
	public, err := x509.MarshalPKIXPublicKey(jwttest.EC("a", elliptic.P256()).Public())
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lowExponent := *jwttest.RSA("a", 2048)
	lowExponent.E = 3
	return map[string][]byte{
		"nothing":                nil,
		"no PEM":                 []byte("secret"),
		"two blocks":             join(good, good),
		"two different":          join(good, pkcs8(t, jwttest.Ed25519("a"))),
		"text after":             append(bytes.Clone(good), 'x'),
		"another label":          encode("EC PRIVATE KEY", block.Bytes),
		"SEC 1 under the label":  encode("PRIVATE KEY", sec1(t, elliptic.P256())),
		"RSA label on SEC 1":     encode("RSA PRIVATE KEY", sec1(t, elliptic.P256())),
		"garbage in the block":   encode("PRIVATE KEY", []byte("garbage")),
		"garbage as SEC 1":       encode("EC PRIVATE KEY", []byte("garbage")),
		"garbage as PKCS #1":     encode("RSA PRIVATE KEY", []byte("garbage")),
		"parameters alone":       encode("EC PARAMETERS", []byte{6, 8}),
		"cut":                    encode("PRIVATE KEY", block.Bytes[:len(block.Bytes)-1]),
		"public key":             encode("PUBLIC KEY", public),
		"public key in guise":    encode("PRIVATE KEY", public),
		"certificate":            encode("CERTIFICATE", jwttest.Certificate(jwttest.EC("a", elliptic.P256()), time.Unix(0, 0), time.Unix(1, 0))),
		"encrypted":              encode("ENCRYPTED PRIVATE KEY", block.Bytes),
		"encrypted as it was":    pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES"}, Bytes: x509.MarshalPKCS1PrivateKey(jwttest.RSA("a", 2048))}),
		"P-384":                  pkcs8(t, jwttest.EC("a", elliptic.P384())),
		"P-521":                  pkcs8(t, jwttest.EC("a", elliptic.P521())),
		"P-384 as SEC 1":         encode("EC PRIVATE KEY", sec1(t, elliptic.P384())),
		"X25519":                 pkcs8(t, x25519),
		"RSA-1024":               pkcs8(t, jwttest.RSA("a", 1024)),
		"RSA-1024 as PKCS #1":    encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(jwttest.RSA("a", 1024))),
		"RSA larger than 4096":   pkcs8(t, jwttest.RSA("a", 4104)),
		"RSA with low exponent":  encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(&lowExponent)),
		"RSA with a broken part": brokenRSA(),
	}
}

// brokenRSA is a key whose public half is not that of the private half.
func brokenRSA() []byte {
	key := *jwttest.RSA("a", 2048)
	key.N = jwttest.RSA("b", 2048).N
	return encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(&key))
}

func TestParsersRefuse(t *testing.T) {
	both := map[string]func([]byte) (*Signer, error){"ParseSigner": ParseSigner, "ParsePrivateKeyPEM": ParsePrivateKeyPEM}
	refuse := func(t *testing.T, parse func([]byte) (*Signer, error), text []byte) {
		t.Helper()
		s, err := parse(text)
		if err == nil {
			t.Fatalf("signer = %v, want an error", s)
		}
		if strings.Contains(err.Error(), "garbage") || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds what was read: %v", err)
		}
	}
	for name, text := range refusedKeys(t) {
		for parser, parse := range both {
			t.Run(parser+" "+name, func(t *testing.T) { refuse(t, parse, text) })
		}
	}
	// The stored form is one form.
	for name, text := range map[string][]byte{
		"SEC 1":   encode("EC PRIVATE KEY", sec1(t, elliptic.P256())),
		"PKCS #1": encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(jwttest.RSA("a", 2048))),
	} {
		t.Run("ParseSigner "+name, func(t *testing.T) { refuse(t, ParseSigner, text) })
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	refused := refusedKeys(t)
	for name, advice := range map[string]string{
		"encrypted": "decrypt it", "encrypted as it was": "decrypt it", "two blocks": "leave one private key", "public key": "give one of type PRIVATE KEY",
		"RSA-1024": "use at least 2048 bits", "RSA larger than 4096": "at most 4096", "P-384": "use P-256, RSA or Ed25519",
	} {
		if _, err := ParsePrivateKeyPEM(refused[name]); err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("%s: error %v, want %q in it", name, err, advice)
		}
	}
}
