package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestSign(t *testing.T) {
	signer, err := GenerateSigner()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // r and s are sometimes short
		text, err := signer.Sign(TypeAccessToken, []byte(`{"sub":"alice"}`))
		if err != nil {
			t.Fatal(err)
		}
		checkSigned(t, signer, text)
	}
	if text, err := signer.Sign("JWT", []byte(`{}`)); err == nil {
		t.Errorf("signed a type that is not its own: %s", text)
	}
	if signer.Algorithm() != ES256 || jwa.SignatureAlgorithm(signer.Algorithm()) != jwa.ES256 {
		t.Errorf("algorithm = %s", signer.Algorithm())
	}
}

// checkSigned: the access token reads as it was meant, and verifies here, in crypto/ecdsa and in jwx.
func checkSigned(t *testing.T, signer *Signer, text string) {
	t.Helper()
	public := signer.PublicKey()
	c, err := ParseCompact(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Header{Algorithm: "ES256", Type: "at+jwt", KeyID: public.Thumbprint()}, c.UntrustedHeader); diff != "" {
		t.Fatalf("header (-want +got):\n%s", diff)
	}
	if string(c.UntrustedPayload) != `{"sub":"alice"}` {
		t.Fatalf("payload = %s", c.UntrustedPayload)
	}
	if !public.Verify(ES256, c.SigningInput, c.Signature) {
		t.Fatal("the signer's own key does not verify")
	}
	digest := sha256.Sum256(c.SigningInput)
	r, s := new(big.Int).SetBytes(c.Signature[:32]), new(big.Int).SetBytes(c.Signature[32:])
	if !ecdsa.Verify(&signer.private.PublicKey, digest[:], r, s) {
		t.Fatal("crypto/ecdsa does not verify")
	}
	set, err := jwk.ParseString(`{"keys":[` + public.PublishedJWK() + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify([]byte(text), jws.WithKeySet(set)); err != nil {
		t.Fatalf("jwx does not verify: %v", err)
	}
}

func TestParseSigner(t *testing.T) {
	signer, err := ParseSigner(pkcs8(t, jwttest.EC("a", elliptic.P256())))
	if err != nil {
		t.Fatal(err)
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
}

func TestParseSignerRefuses(t *testing.T) {
	good := pkcs8(t, jwttest.EC("a", elliptic.P256()))
	block, _ := pem.Decode(good)
	sec1, err := x509.MarshalECPrivateKey(jwttest.EC("a", elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, text := range map[string][]byte{
		"nothing":               nil,
		"no PEM":                []byte("secret"),
		"two blocks":            append(bytes.Clone(good), good...),
		"text after":            append(bytes.Clone(good), 'x'),
		"another label":         encode("EC PRIVATE KEY", block.Bytes),
		"SEC 1":                 encode("EC PRIVATE KEY", sec1),
		"SEC 1 under the label": encode("PRIVATE KEY", sec1),
		"garbage in the block":  encode("PRIVATE KEY", []byte("garbage")),
		"cut":                   encode("PRIVATE KEY", block.Bytes[:len(block.Bytes)-1]),
		"P-384":                 pkcs8(t, jwttest.EC("a", elliptic.P384())),
		"RSA":                   pkcs8(t, jwttest.RSA("a", 2048)),
		"Ed25519":               pkcs8(t, jwttest.Ed25519("a")),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSigner(text)
			if err == nil {
				t.Fatalf("signer = %v, want an error", s)
			}
			if strings.Contains(err.Error(), "garbage") || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds what was read: %v", err)
			}
		})
	}
}

// TestSignerJSON: the private key is in no encoding of a signer but the one that is meant for it.
func TestSignerJSON(t *testing.T) {
	key := jwttest.EC("a", elliptic.P256())
	signer, err := ParseSigner(pkcs8(t, key))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"signer": signer, "key": signer.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), base64.RawURLEncoding.EncodeToString(scalar)) || strings.Contains(signer.PublicKey().PublishedJWK(), `"d"`) {
		t.Errorf("JSON holds the private key: %s", b)
	}
}
