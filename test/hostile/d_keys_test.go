package hostile

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// keyRows: keys that must not verify, and whose keys count for whom.
func keyRows() []row {
	use := "https://idp-use.test"
	return []row{
		{id: "D-23", name: "weak-rsa", want: invalidGrant, send: append(presented(map[string]changes{
			"1024 bits": {claim("iss", `"https://idp-weak.test"`), signed("RS256", jwttest.RSA("idp-weak", 1024))},
			"even":      {claim("iss", `"https://idp-even.test"`)},
		}), edited(map[string]func(string) string{
			// With e = 1 the padded digest is its own signature; with e = 3 and this modulus nobody has a key.
			"exponent 1": func(string) string { return selfSigned("https://idp-e1.test") },
			"exponent 3": func(string) string { return selfSigned("https://idp-e3.test") },
			"all zeros":  func(string) string { return signedByNobody("https://idp-nobody.test") },
		})...)},
		{id: "D-24", name: "jwk-use-enc", want: invalidGrant, send: presented(map[string]changes{
			"use enc":     {from(use, "enc", ecKey("enc"))},
			"key_ops":     {from(use, "ops", ecKey("ops"))},
			"without kid": {from(use, "", ecKey("enc"))},
			"as another":  {from(use, "sig", ecKey("enc"))},
		})},
		{id: "D-25", name: "p224-or-brainpool", want: invalidGrant, send: presented(map[string]changes{
			"ES224": {from("https://idp-p224.test", "", nil), header("alg", `"ES224"`), signed("ES256", jwttest.EC("idp-p224", elliptic.P224()))},
			"ES256": {from("https://idp-p224.test", "", jwttest.EC("idp-p224", elliptic.P224()))},
		})},
		{id: "D-26", name: "trust-any-fallthrough", want: invalidGrant, send: presented(map[string]changes{
			"unknown issuer": {claim("iss", `"https://unknown.test"`)},
			"B by A's key":   {claim("iss", jwttest.Quote(issuerB))},
			"A by B's key":   {signed("RS256", jwttest.RSA("idp-b", 2048))},
			"no issuer":      {without("iss")},
			"C by A's key":   {claim("iss", `"https://idp-c.test"`)},
		})},
	}
}

// signatureOwnRows are more cases of section D.
func signatureOwnRows() []row {
	use := "https://idp-use.test"
	return []row{
		{id: "D-x01", name: "ecdsa-lengths", want: invalidGrant, send: edited(map[string]func(string) string{
			"63 bytes": func(string) string {
				return withSignature(assertion(fromB()), func(_ string, s []byte) []byte { return s[1:] })
			},
			"65 bytes": func(string) string {
				return withSignature(assertion(fromB()), func(_ string, s []byte) []byte { return append(s, 0) })
			},
			"0 in front": func(string) string {
				return withSignature(assertion(fromB()), func(_ string, s []byte) []byte { return append([]byte{0}, s...) })
			},
			"swapped": func(string) string {
				return withSignature(assertion(fromB()), func(_ string, s []byte) []byte { return append(s[32:], s[:32]...) })
			},
			"P1363 of 48": func(string) string {
				return withSignature(assertion(fromB()), func(_ string, s []byte) []byte {
					wide := make([]byte, 96)
					copy(wide[16:], s[:32])
					copy(wide[64:], s[32:])
					return wide
				})
			},
		})},
		{id: "D-x02", name: "every-key-type-works", want: granted, send: presented(map[string]changes{
			"b1 RS256": {from(issuerB, "b1", nil), by("RS256", jwttest.RSA("idp-b", 2048))}, "b2 ES256": {fromB()}, "b2 without kid": {from(issuerB, "", ecKey("b2"))},
			"EdDSA": {from(use, "ed", nil), by("EdDSA", jwttest.Ed25519("ed"))}, "PS256": {from(use, "ps", nil), by("PS256", jwttest.RSA("idp-b", 2048))},
			"ES384": {from(use, "p384", nil), by("ES384", jwttest.EC("p384", elliptic.P384()))}, "ES512": {from(use, "p521", nil), by("ES512", jwttest.EC("p521", elliptic.P521()))},
			"use sig": {from(use, "sig", ecKey("sig"))}, "twin 1": {from(use, "twin", ecKey("twin-1"))}, "twin 2": {from(use, "twin", ecKey("twin-2"))},
		})},
		{id: "D-x03", name: "pss-with-other-salt", want: invalidGrant, send: saltLengths(0, 20, 64)},
		{id: "D-x04", name: "kid-of-one-key-of-another", want: invalidGrant, send: presented(map[string]changes{
			"b1 by b2": {from(issuerB, "b1", ecKey("b2"))}, "b2 by b1": {from(issuerB, "b2", nil), by("RS256", jwttest.RSA("idp-b", 2048))},
			"thumbprint as kid": {fromB(), header("kid", text(thumbprint(certificateOfA())))},
		})},
		{id: "D-x05", name: "x5t-only-chooses", want: granted, send: presented(map[string]changes{
			"right":          {header("x5t", text(thumbprint(certificateOfA())))},
			"right SHA-256":  {header("x5t#S256", text(thumbprint256(certificateOfA())))},
			"something else": {header("x5t", `"AAAA"`)},
			"x5c ignored":    {header("x5c", `"garbage"`)},
			"jwk ignored":    {header("jwk", text(jwk("a", attacker().Public(), nil)))},
		})},
		{id: "D-x06", name: "signature-of-another-assertion", want: invalidGrant, send: edited(map[string]func(string) string{
			"of A": func(va string) string {
				return va[:strings.LastIndexByte(va, '.')] + assertion()[strings.LastIndexByte(assertion(), '.'):]
			},
			"of B": func(va string) string {
				b := assertion(fromB())
				return va[:strings.LastIndexByte(va, '.')] + b[strings.LastIndexByte(b, '.'):]
			},
		})},
		{id: "D-x07", name: "certificate-outside-its-validity", want: invalidGrant, send: presented(map[string]changes{
			"expired": {fromNamed("idp-d")}, "future": {fromNamed("idp-future")}, "expired one of two": {from("https://idp-overlap.test", "", ecKey("idp-overlap-old"))},
		})},
		{id: "D-x08", name: "kid-when-certificates-have-none", want: granted, send: presented(map[string]changes{"any": {header("kid", `"whatever"`)}, "of 256": {header("kid", jwttest.Quote(strings.Repeat("k", 256)))}})},
		{id: "W-12", name: "certificate-validity-can-be-ignored", want: granted, send: one(fromNamed("idp-d-ignore"))},
		{id: "W-50a", name: "jwks-without-kid", want: granted, send: one(from(issuerB, "", ecKey("b2")))},
		{id: "W-50c", name: "one-expired-certificate-of-two", want: granted, send: one(fromNamed("idp-overlap"))},
		{id: "W-50d", name: "certificate-of-other-types", want: granted, send: one(fromNamed("idp-overlap"))},
		{id: "W-50h", name: "sample-without-kid-and-weak-key", want: invalidGrant, send: one(withoutType(), claim("iss", `"https://idp-weak.test"`), signed("RS256", jwttest.RSA("idp-weak", 1024)))},
	}
}

// saltLengths are assertions under PS256 with salts that are not as long as the digest (RFC 7518 §3.5).
func saltLengths(lengths ...int) []variant {
	var all []variant
	for _, n := range lengths {
		all = append(all, variant{fmt.Sprint(n), func() *request {
			va := assertion(from("https://idp-use.test", "ps", nil), by("PS256", jwttest.RSA("idp-b", 2048)))
			return exchange(withSignature(va, func(input string, _ []byte) []byte { return signPSS(jwttest.RSA("idp-b", 2048), input, n) }))
		}})
	}
	return all
}

// selfSigned is an assertion whose signature is its own padded digest.
func selfSigned(issuer string) string {
	return withSignature(assertion(claim("iss", jwttest.Quote(issuer))), func(_ string, s []byte) []byte {
		key := jwttest.RSA("idp-a", 2048)
		return new(big.Int).Exp(new(big.Int).SetBytes(s), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, 256))
	})
}

// signedByNobody is an assertion that verifies under an Ed25519 key whose bytes are all zero, without a private key: it is a point
// of order 4, so that for one text in four the point 1 and the number 0 are its signature.
func signedByNobody(issuer string) string {
	key, signature := make(ed25519.PublicKey, ed25519.PublicKeySize), make([]byte, ed25519.SignatureSize)
	signature[0] = 1
	for {
		va := withSignature(assertion(claim("iss", jwttest.Quote(issuer)), header("alg", `"EdDSA"`)), func(string, []byte) []byte { return signature })
		if ed25519.Verify(key, []byte(va[:strings.LastIndexByte(va, '.')]), signature) {
			return va
		}
	}
}

// fetchesNothing: no URL of a header is ever fetched.
func fetchesNothing(t *testing.T, w *world) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var seen atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			seen.Add(1)
			_ = conn.Close()
		}
	}()
	for _, name := range []string{"jku", "x5u", "jwks_uri", "kid", "url"} {
		for _, scheme := range []string{"http://", "https://", "file:///etc/passwd#", "ftp://", "//"} {
			where := header(name, jwttest.Quote(scheme+listener.Addr().String()+"/keys.json"))
			w.send(t, exchange(assertion(where, signed("RS256", attacker())))).check(t, w, invalidGrant)
			w.send(t, exchange(assertion(fromB(), where, signed("ES256", ecKey("attacker"))))).check(t, w, invalidGrant)
		}
	}
	w.send(t, exchange(assertion(header("jku", jwttest.Quote("http://"+listener.Addr().String()))))).check(t, w, granted)
	if n := seen.Load(); n != 0 {
		t.Errorf("the server has connected %d times to the URL of a header", n)
	}
}
