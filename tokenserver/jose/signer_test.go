package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
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

func generated(t testing.TB, alg Algorithm) *Signer {
	t.Helper()
	s, err := GenerateSigner(alg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSign(t *testing.T) {
	for _, alg := range SigningAlgorithms() {
		t.Run(string(alg), func(t *testing.T) {
			signer := generated(t, alg)
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
			if signer.Algorithm() != alg {
				t.Errorf("algorithm = %s", signer.Algorithm())
			}
		})
	}
}

// checkSigned: the access token reads as it was meant, and verifies here, in the standard library, in jwx and in go-oidc.
func checkSigned(t *testing.T, signer *Signer, text string) {
	t.Helper()
	public, alg := signer.PublicKey(), signer.Algorithm()
	c, err := ParseCompact(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Header{Algorithm: string(alg), Type: "at+jwt", KeyID: public.KeyID()}, c.UntrustedHeader); diff != "" {
		t.Fatalf("header (-want +got):\n%s", diff)
	}
	if string(c.UntrustedPayload) != `{"sub":"alice"}` {
		t.Fatalf("payload = %s", c.UntrustedPayload)
	}
	if !public.Verify(alg, c.SigningInput, c.Signature) {
		t.Fatal("the signer's own key does not verify")
	}
	if !stdVerify(signer.private().Public(), c.SigningInput, c.Signature) {
		t.Fatal("the standard library does not verify")
	}
	set, err := jwk.ParseString(`{"keys":[` + public.PublishedJWK() + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify([]byte(text), jws.WithKeySet(set)); err != nil {
		t.Fatalf("jwx does not verify: %v", err)
	}
	keys := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{signer.private().Public()}}
	if _, err := keys.VerifySignature(t.Context(), text); err != nil {
		t.Fatalf("go-oidc does not verify: %v", err)
	}
}

func stdVerify(public crypto.PublicKey, input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return len(signature) == 64 && ecdsa.Verify(key, digest[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, input, signature)
	default:
		return false
	}
}

// TestPublishedKey: what stands in the JWK Set names one algorithm, and the key takes no other, whatever its type could do.
func TestPublishedKey(t *testing.T) {
	for kind, alg := range map[string]Algorithm{"P-256": ES256, "RSA-2048": RS256, "Ed25519": EdDSA} {
		public := generated(t, alg).PublicKey()
		if public.Kind() != kind || !cmp.Equal(public.Algorithms(), []Algorithm{alg}) || public.KeyID() != public.Thumbprint() {
			t.Errorf("%s: a key of type %s with %v and kid %q", alg, public.Kind(), public.Algorithms(), public.KeyID())
		}
		var member struct{ Kid, Alg, Use string }
		if err := json.Unmarshal([]byte(public.PublishedJWK()), &member); err != nil || member.Alg != string(alg) || member.Use != "sig" {
			t.Errorf("%s: published as %+v, error %v", alg, member, err)
		}
	}
}

func TestGenerateSigner(t *testing.T) {
	for _, alg := range SigningAlgorithms() {
		if a, b := generated(t, alg), generated(t, alg); a.PublicKey().KeyID() == b.PublicKey().KeyID() {
			t.Errorf("%s: two generated keys are equal", alg)
		}
	}
	for _, alg := range []Algorithm{"", "none", "HS256", RS384, PS256, ES384, "es256"} {
		if s, err := GenerateSigner(alg); err == nil {
			t.Errorf("%q: made %v", alg, s)
		}
	}
}

func TestWithKeyID(t *testing.T) {
	signer := generated(t, ES256)
	for name, tc := range map[string]struct {
		keyID string
		ok    bool
	}{
		"short":           {"k", true},
		"with a quote":    {`a "quoted" \ kid`, true},
		"longest":         {strings.Repeat("k", MaxKeyIDBytes), true},
		"empty":           {"", false},
		"too long":        {strings.Repeat("k", MaxKeyIDBytes+1), false},
		"line break":      {"k\n", false},
		"not ASCII":       {"schlüssel", false},
		"delete":          {"k\x7f", false},
		"not even text":   {"k\xff", false},
		"with a NUL byte": {"k\x00", false},
	} {
		t.Run(name, func(t *testing.T) {
			named, err := signer.WithKeyID(tc.keyID)
			if (err == nil) != tc.ok {
				t.Fatalf("error = %v", err)
			}
			if signer.PublicKey().KeyID() != signer.PublicKey().Thumbprint() {
				t.Error("the signer itself changed")
			}
			if err != nil {
				return
			}
			text, err := named.Sign(TypeAccessToken, []byte(`{"sub":"alice"}`))
			if err != nil || named.PublicKey().KeyID() != tc.keyID {
				t.Fatalf("kid = %q, error %v", named.PublicKey().KeyID(), err)
			}
			checkSigned(t, named, text)
		})
	}
}

// TestSignerJSON: the private key is in no encoding of a signer but the one that is meant for it.
func TestSignerJSON(t *testing.T) {
	ec := jwttest.EC("a", elliptic.P256())
	scalar, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		key     crypto.Signer
		private []byte
	}{
		"EC": {ec, scalar}, "RSA": {jwttest.RSA("a", 2048), jwttest.RSA("a", 2048).D.Bytes()}, "Ed25519": {jwttest.Ed25519("a"), jwttest.Ed25519("a").Seed()},
	} {
		signer, err := ParseSigner(pkcs8(t, tc.key))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(map[string]any{"signer": signer, "key": signer.PublicKey()})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), base64.RawURLEncoding.EncodeToString(tc.private)) || strings.Contains(signer.PublicKey().PublishedJWK(), `"d"`) {
			t.Errorf("%s: JSON holds the private key: %s", name, b)
		}
	}
}

// TestSignECDSAIsDeterministic: RFC 8725 §3.2 wants RFC 6979; the vector is that of its §A.2.5.
func TestSignECDSAIsDeterministic(t *testing.T) {
	private, _ := hex.DecodeString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
	const want = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signECDSA(key)(nil, []byte("sample"))
	if err != nil {
		t.Fatal(err)
	}
	if signature, err := base64.RawURLEncoding.DecodeString(string(text)); err != nil || hex.EncodeToString(signature) != want {
		t.Errorf("signature %x, %v, want %s", signature, err, want)
	}
}

// TestFixedSignature: numbers of every length, with and without the zero that ASN.1 puts before a high bit.
func TestFixedSignature(t *testing.T) {
	short, high := "020101", "02210080"+strings.Repeat("00", 31)
	for name, tc := range map[string]struct {
		der, want string
	}{
		"short":               {"3006" + short + short, strings.Repeat("00", 31) + "01" + strings.Repeat("00", 31) + "01"},
		"high bit":            {"3026" + high + short, "80" + strings.Repeat("00", 62) + "01"},
		"too long":            {"3027" + "022201" + strings.Repeat("00", 33) + short, ""},
		"text behind":         {"3006" + short + short + "00", ""},
		"a third number":      {"3009" + short + short + short, ""},
		"one number":          {"3003" + short, ""},
		"no sequence":         {short + short, ""},
		"nothing":             {"", ""},
		"cut":                 {"3006" + short + "0201", ""},
		"a string in between": {"3006" + "040101" + short, ""},
	} {
		t.Run(name, func(t *testing.T) {
			der, err := hex.DecodeString(tc.der)
			if err != nil {
				t.Fatal(err)
			}
			var got [64]byte
			if ok := fixedSignature(der, got[:]); ok != (tc.want != "") || ok && hex.EncodeToString(got[:]) != tc.want {
				t.Errorf("%t, %x", ok, got)
			}
		})
	}
}

// TestSignIsLight: a signature costs hardly more allocations than the primitive: the text and the bytes it is made of.
func TestSignIsLight(t *testing.T) {
	claims, digest := []byte(`{"sub":"alice"}`), sha256.Sum256(nil)
	for _, alg := range SigningAlgorithms() {
		signer := generated(t, alg)
		primitive := least(func() {
			switch key := signer.private().(type) {
			case *ecdsa.PrivateKey:
				_, _ = key.Sign(nil, digest[:], crypto.SHA256)
			case *rsa.PrivateKey:
				_, _ = rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
			case ed25519.PrivateKey:
				_ = ed25519.Sign(key, claims)
			default:
				t.Errorf("a key of type %T", key)
			}
		})
		got := least(func() { _, _ = signer.Sign(TypeAccessToken, claims) })
		if got > primitive+2 {
			t.Errorf("%s: %v allocations, the primitive has %v", alg, got, primitive)
		}
	}
}

// least is how many allocations a run needs: with the race detector, pools forget at random, and then it takes more.
func least(run func()) float64 {
	n := testing.AllocsPerRun(1, run)
	for range 50 {
		n = min(n, testing.AllocsPerRun(1, run))
	}
	return n
}

func BenchmarkSign(b *testing.B) {
	claims := bytes.Repeat([]byte("x"), 600)
	for _, alg := range SigningAlgorithms() {
		signer := generated(b, alg)
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = signer.Sign(TypeAccessToken, claims)
			}
		})
	}
}
