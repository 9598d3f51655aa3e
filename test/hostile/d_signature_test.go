package hostile

import (
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// signatureRows: signatures that are none, and algorithms and keys that are mixed up (RFC 8725 §3.1, §3.2).
func signatureRows() []row {
	return []row{
		{id: "D-01", name: "broken-sig", want: invalidGrant, send: edited(map[string]func(string) string{
			"cut":    func(va string) string { return va[:len(va)-4] },
			"longer": func(va string) string { return va + "AAAA" },
			"flip":   func(va string) string { return va[:len(va)-30] + flip(va[len(va)-30:]) },
		})},
		{id: "D-02", name: "modified-payload", want: invalidGrant, send: edited(map[string]func(string) string{
			"sub": func(va string) string { return tamper(va, `"sub":"alice"`, `"sub":"admin"`) },
			"aud": func(va string) string { return tamper(va, `"aud":`, `"aud": `) },
			"exp": func(va string) string { return tamper(va, `"exp":`, `"x":1,"exp":`) },
		})},
		{id: "D-03", name: "null-sig", want: invalidGrant, send: edited(map[string]func(string) string{
			"empty": func(va string) string { return va[:strings.LastIndexByte(va, '.')+1] },
			"A":     func(va string) string { return va[:strings.LastIndexByte(va, '.')+1] + "AA" },
			"zeros": func(va string) string {
				return va[:strings.LastIndexByte(va, '.')+1] + jwttest.Part(strings.Repeat("\x00", 256))
			},
		})},
		{id: "D-04", name: "alg-none", want: invalidGrant, send: algorithmNone()},
		{id: "D-05", name: "hs256-pem", want: invalidGrant, send: hmacWithPublicKey()},
		{id: "D-06", name: "hs256-blank", want: invalidGrant, send: hmacWith(
			"", "\x00", "secret", "password", "changeme", "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "key", "jwt", "jwtsecret", "jwt_secret", "secret_key", "secretkey", "mysecret",
			"supersecret", "super-secret-key", "GZ8kXvSDIZ4EdzvPpgBuHlLzsAw4CGNq", "123456", "AUTH_SECRET_KEY", "private", "AC8d83&21Almnis710sds", "default", "hmac", "test", "null",
			strings.Repeat("\x00", 32), strings.Repeat("\xff", 32),
		)},
		{id: "D-07", name: "hs256-client-secret", want: invalidGrant, send: hmacWith(secretOf("c1"), secretOf("c1 previous"), "c1")},
		{id: "D-08", name: "embedded-jwk", want: invalidGrant, send: presented(map[string]changes{
			"RSA":         {header("jwk", text(jwk("a", attacker().Public(), nil))), header("kid", `"a"`), signed("RS256", attacker())},
			"EC for B":    {fromB(), header("jwk", text(jwk("b2", publicOf(ecKey("attacker")), nil))), signed("ES256", ecKey("attacker"))},
			"oct":         {header("jwk", `{"kty":"oct","k":"AAAA"}`), by("HS256", []byte{0, 0, 0})},
			"without kid": {header("jwk", text(jwk("", attacker().Public(), nil))), signed("RS256", attacker())},
		})},
		{id: "D-09", name: "x5c-attacker", want: invalidGrant, send: presented(map[string]changes{
			"leaf":       {header("x5c", text([]string{derOf(attackerCertificate())})), signed("RS256", attacker())},
			"url-safe":   {header("x5c", text([]string{strings.NewReplacer("+", "-", "/", "_").Replace(derOf(attackerCertificate()))})), signed("RS256", attacker())},
			"no list":    {header("x5c", text(derOf(attackerCertificate()))), signed("RS256", attacker())},
			"with x5t":   {header("x5c", text([]string{derOf(attackerCertificate())})), header("x5t", text(thumbprint(attackerCertificate()))), signed("RS256", attacker())},
			"x5t of A's": {header("x5t", text(thumbprint(certificateOfA()))), header("x5t#S256", text(thumbprint256(certificateOfA()))), signed("RS256", attacker())},
		})},
		{id: "D-10", name: "x5c-chain-tail", want: invalidGrant, send: one(header("x5c", text([]string{derOf(attackerCertificate()), derOf(certificateOfA())})), signed("RS256", attacker()))},
		{id: "D-11", name: "jku-x5u", run: fetchesNothing},
		{id: "D-12", name: "wrong-key-right-kid", want: invalidGrant, send: presented(map[string]changes{
			"A": {signed("RS256", attacker())}, "B": {fromB(), signed("ES256", ecKey("attacker"))}, "A with kid": {header("kid", `"a"`), signed("RS256", attacker())},
		})},
		{id: "D-13", name: "unknown-kid", want: invalidGrant, send: presented(map[string]changes{
			"B": {fromB(), header("kid", `"b3"`)}, "B, kid of the other": {fromB(), header("kid", `"b1"`)}, "B, case": {fromB(), header("kid", `"B2"`)},
		})},
		{id: "D-16", name: "alg-not-allowed", want: invalidGrant, send: presented(map[string]changes{
			"PS256": {by("PS256", jwttest.RSA("idp-a", 2048))}, "RS512": {by("RS512", jwttest.RSA("idp-a", 2048))}, "RS384": {by("RS384", jwttest.RSA("idp-a", 2048))}, "PS512": {by("PS512", jwttest.RSA("idp-a", 2048))},
			"alg of the JWK":   {from(issuerB, "b1", nil), by("PS256", jwttest.RSA("idp-b", 2048))},
			"PS256 as RS256":   {header("alg", `"RS256"`), signed("PS256", jwttest.RSA("idp-a", 2048))},
			"RS512 as RS256":   {header("alg", `"RS256"`), signed("RS512", jwttest.RSA("idp-a", 2048))},
			"RS256 for ps key": {from("https://idp-use.test", "ps", nil), by("RS256", jwttest.RSA("idp-b", 2048))},
		})},
		{id: "D-17", name: "alg-key-type-mismatch", want: invalidGrant, send: presented(map[string]changes{
			"ES256 for RSA":   {header("alg", `"ES256"`)},
			"ES256 by EC":     {by("ES256", ecKey("attacker"))},
			"EdDSA for RSA":   {by("EdDSA", jwttest.Ed25519("x"))},
			"EdDSA for EC":    {fromB(), by("EdDSA", jwttest.Ed25519("b2"))},
			"RS256 for EC":    {fromB(), by("RS256", jwttest.RSA("idp-b", 2048))},
			"ES384 on P-256":  {fromB(), by("ES384", ecKey("b2"))},
			"ES256K on P-256": {fromB(), header("alg", `"ES256K"`)},
			"ES256 on P-384":  {from("https://idp-use.test", "p384", jwttest.EC("p384", elliptic.P384()))},
			"ES512 on P-384":  {from("https://idp-use.test", "p384", nil), by("ES512", jwttest.EC("p384", elliptic.P384()))},
			"ES256 for Ed":    {from("https://idp-use.test", "ed", ecKey("b2"))},
			"Ed25519 for Ed":  {from("https://idp-use.test", "ed", nil), by("Ed25519", jwttest.Ed25519("ed")), header("alg", `"Ed448"`)},
		})},
		{id: "D-18", name: "es256-der", want: invalidGrant, send: edited(map[string]func(string) string{"": byBInASN1})},
		{id: "D-19", name: "es256-psychic", want: invalidGrant, send: psychic()},
		{id: "D-21", name: "rs256-bleichenbacher", want: invalidGrant, send: paddings()},
	}
}

func attacker() *rsa.PrivateKey { return jwttest.RSA("attacker", 2048) }

func attackerCertificate() string {
	return certificate(attacker(), []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)})
}

// text is JSON text of a value.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func derBytes(certificate string) []byte {
	block, _ := pem.Decode([]byte(certificate))
	return block.Bytes
}

// derOf is a certificate as in x5c.
func derOf(certificate string) string {
	return base64.StdEncoding.EncodeToString(derBytes(certificate))
}

// thumbprint is a certificate's x5t, thumbprint256 its x5t#S256.
func thumbprint(certificate string) string {
	sum := sha1.Sum(derBytes(certificate))
	return base64url(sum[:])
}

func thumbprint256(certificate string) string {
	sum := sha256.Sum256(derBytes(certificate))
	return base64url(sum[:])
}

// byBInASN1 is an assertion by B, whatever assertion is given.
func byBInASN1(string) string { return inASN1(assertion(fromB())) }
