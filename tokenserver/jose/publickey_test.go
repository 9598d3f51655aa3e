package jose

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // a key type that must be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

func newKey(t testing.TB, public crypto.PublicKey) *PublicKey {
	t.Helper()
	k, err := NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// point returns a key with the coordinates (c, c), which are on none of the curves.
func point(curve elliptic.Curve, c int64) *ecdsa.PublicKey {
	return &ecdsa.PublicKey{Curve: curve, X: big.NewInt(c), Y: big.NewInt(c)} //nolint:staticcheck // no other way makes a bad key
}

// modulus is a number of so many bits without a small factor, and with none near its root.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1))
	for hasSmallFactor(n) {
		n.Add(n, big.NewInt(2))
	}
	return n
}

// plus is a number and a power of two.
func plus(n *big.Int, power uint) *big.Int {
	return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), power))
}

func times(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }

// after is the first prime after a number.
func after(n *big.Int) *big.Int {
	p := new(big.Int).SetBit(n, 0, 1)
	for p.Add(p, big.NewInt(2)); !p.ProbablyPrime(20); p.Add(p, big.NewInt(2)) {
	}
	return p
}

func TestNewPublicKeyRefuses(t *testing.T) {
	p := jwttest.RSA("a", 2048).Primes[0]
	for name, tc := range map[string]struct {
		public crypto.PublicKey
		want   Problem
	}{
		"nothing":                {nil, ProblemUnsupported},
		"private RSA key":        {jwttest.RSA("a", 2048), ProblemUnsupported},
		"private Ed25519 key":    {jwttest.Ed25519("a"), ProblemUnsupported},
		"bytes":                  {[]byte("secret"), ProblemUnsupported},
		"DSA":                    {&dsa.PublicKey{}, ProblemUnsupported},
		"P-224":                  {jwttest.EC("a", elliptic.P224()).Public(), ProblemUnsupported},
		"X25519":                 {&struct{ X25519 []byte }{}, ProblemUnsupported},
		"P-256, off the curve":   {point(elliptic.P256(), 1), ProblemMalformed},
		"P-384, off the curve":   {point(elliptic.P384(), 1), ProblemMalformed},
		"P-521, off the curve":   {point(elliptic.P521(), 1), ProblemMalformed},
		"P-256, infinity":        {point(elliptic.P256(), 0), ProblemMalformed},
		"Ed25519, 31 bytes":      {ed25519.PublicKey(make([]byte, 31)), ProblemMalformed},
		"Ed25519, 33 bytes":      {ed25519.PublicKey(make([]byte, 33)), ProblemMalformed},
		"RSA-1024":               {jwttest.RSA("weak", 1024).Public(), ProblemWeak},
		"RSA-2047":               {&rsa.PublicKey{N: modulus(2047), E: 65537}, ProblemWeak},
		"RSA-8193":               {&rsa.PublicKey{N: modulus(8193), E: 65537}, ProblemUnsupported},
		"RSA, even modulus":      {&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, ProblemWeak},
		"RSA, divisible by 3":    {&rsa.PublicKey{N: times(modulus(2048), big.NewInt(3)), E: 65537}, ProblemWeak},
		"RSA, divisible by 751":  {&rsa.PublicKey{N: times(modulus(2048), big.NewInt(751)), E: 65537}, ProblemWeak},
		"RSA, a square":          {&rsa.PublicKey{N: times(p, p), E: 65537}, ProblemWeak},
		"RSA, a prime nearby":    {&rsa.PublicKey{N: times(p, after(plus(p, 515))), E: 65537}, ProblemWeak},
		"RSA, the next prime":    {&rsa.PublicKey{N: times(p, after(p)), E: 65537}, ProblemWeak},
		"RSA, exponent 3":        {&rsa.PublicKey{N: modulus(2048), E: 3}, ProblemWeak},
		"RSA, exponent even":     {&rsa.PublicKey{N: modulus(2048), E: 1 << 20}, ProblemWeak},
		"RSA, exponent negative": {&rsa.PublicKey{N: modulus(2048), E: -65537}, ProblemWeak},
		"RSA, exponent 2^31+1":   {&rsa.PublicKey{N: modulus(2048), E: 1<<31 + 1}, ProblemUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := NewPublicKey(tc.public)
			var keyErr *KeyError
			if !errors.As(err, &keyErr) || keyErr.Problem != tc.want || k != nil {
				t.Fatalf("key %v, error %v, want no key and problem %s", k, err, tc.want)
			}
			if keyErr.Message == "" || keyErr.Error() != keyErr.Message {
				t.Errorf("message = %q", keyErr.Message)
			}
		})
	}
}

func TestNewPublicKeyAcceptsBounds(t *testing.T) {
	p := jwttest.RSA("a", 2048).Primes[0]
	for name, public := range map[string]*rsa.PublicKey{
		"2048 bits":      {N: modulus(2048), E: 65537},
		"8192 bits":      {N: modulus(8192), E: 65537},
		"not so near":    {N: times(p, after(plus(p, 520))), E: 65537},
		"divided by 757": {N: times(modulus(2048), big.NewInt(757)), E: 65537},
		"exponent 2^31":  {N: jwttest.RSA("a", 2048).N, E: 1<<31 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			if k := newKey(t, public); k.Kind() != fmt.Sprintf("RSA-%d", public.N.BitLen()) {
				t.Errorf("kind = %s", k.Kind())
			}
		})
	}
}

// TestThumbprintRFC7638: the example of RFC 7638 §3.1.
func TestThumbprintRFC7638(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj" +
		"hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ" +
		"vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	k, err := ParseJWK([]byte(`{"kty":"RSA","n":"` + n + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; k.Thumbprint() != want {
		t.Errorf("thumbprint = %s, want %s", k.Thumbprint(), want)
	}
	if want := `{"e":"AQAB","kty":"RSA","n":"` + n + `"}`; k.JWK() != want {
		t.Errorf("JWK = %s, want %s", k.JWK(), want)
	}
}

// TestThumbprintOfPaddedCoordinates: RFC 7518 §6.2.1.2: coordinates have full length, also when they begin with zeros.
func TestThumbprintOfPaddedCoordinates(t *testing.T) {
	for i := range 5000 {
		key := jwttest.EC(fmt.Sprint("padded ", i), elliptic.P256())
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] != 0 && point[33] != 0 {
			continue
		}
		required := `{"crv":"P-256","kty":"EC","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"}`
		sum := sha256.Sum256([]byte(required))
		k := newKey(t, key.Public())
		if diff := cmp.Diff([]string{required, b64(sum[:])}, []string{k.JWK(), k.Thumbprint()}); diff != "" {
			t.Fatalf("JWK and thumbprint (-want +got):\n%s", diff)
		}
		return
	}
	t.Fatal("no key with a coordinate that begins with zero")
}

func TestPublishedJWK(t *testing.T) {
	k, err := ParseJWK([]byte(okpMembers().Add("kid", `"a \"quoted\" <kid>"`).Add("key_ops", `["verify"]`).String()))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(k.PublishedJWK()), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"kid": `a "quoted" <kid>`, "use": "sig", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": b64(jwttest.Ed25519("a")[32:]),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JWK (-want +got):\n%s", diff)
	}
	if again, err := ParseJWK([]byte(k.PublishedJWK())); err != nil || again.Thumbprint() != k.Thumbprint() {
		t.Errorf("the published JWK reads as %v, error %v", again, err)
	}
}

// TestPublicKeyIsImmutable: what is derived from a key, and what a caller does with its answers, leaves it as it was.
func TestPublicKeyIsImmutable(t *testing.T) {
	k := newKey(t, jwttest.RSA("a", 2048).Public())
	restricted := k.Restricted([]Algorithm{PS256, ES256, RS256})
	certified := restricted.WithCertificate(Certificate{NotAfter: time.Unix(1, 0)})
	k.Algorithms()[0] = "none"
	if diff := cmp.Diff([]Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}, k.Algorithms()); diff != "" {
		t.Errorf("algorithms (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Algorithm{RS256, PS256}, restricted.Algorithms()); diff != "" {
		t.Errorf("restricted algorithms (-want +got):\n%s", diff)
	}
	if k.Certificate() != nil || restricted.Certificate() != nil || certified.Certificate() == nil {
		t.Error("a certificate reached another key")
	}
	if got := k.Restricted([]Algorithm{ES256, EdDSA, "none"}); got != nil {
		t.Errorf("restricted to nothing = %v, want nil", got)
	}
	if got := k.Restricted(nil); got != nil {
		t.Errorf("restricted to no list = %v, want nil", got)
	}
}

// TestIsSquare: all small numbers, and large ones beside squares.
func TestIsSquare(t *testing.T) {
	squares := map[int64]bool{}
	for x := range int64(300) {
		squares[x*x] = true
	}
	for n := range int64(300 * 300) {
		if isSquare(big.NewInt(n)) != squares[n] {
			t.Errorf("%d: %t", n, !squares[n])
		}
	}
	p := jwttest.RSA("a", 2048).Primes[0]
	for _, off := range []int64{-2, -1, 0, 1, 2} {
		if n := new(big.Int).Add(times(p, p), big.NewInt(off)); isSquare(n) != (off == 0) {
			t.Errorf("a square and %d: %t", off, off != 0)
		}
	}
}
