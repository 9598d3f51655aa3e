package assertion

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// signatureRows: section D: algorithms and signatures.
func signatureRows() map[string]row {
	const bad, notAllowed = oauth.ReasonSignatureInvalid, oauth.ReasonAlgorithmNotAllowed
	keyA, keyB := jwttest.RSA("idp-a", 2048), jwttest.EC("idp-b", elliptic.P256())
	rows := map[string]row{
		"D-01 signature cut":                {bad, signature(func(s []byte) []byte { return s[:len(s)-3] })},
		"D-01 signature longer":             {bad, signature(func(s []byte) []byte { return append(s, 0) })},
		"D-01 signature changed":            {bad, signature(func(s []byte) []byte { s[9] ^= 1; return s })},
		"D-01 signature of zeros":           {bad, signature(func(s []byte) []byte { return make([]byte, len(s)) })},
		"D-02 payload modified":             {bad, parts(false, func(p []string) { p[1] = jwttest.Part(`{"iss":"` + issuerA + `","sub":"admin"}`) })},
		"D-02 header modified":              {bad, parts(false, func(p []string) { p[0] = jwttest.Part(`{"alg":"RS256"}`) })},
		"D-03 signature empty":              {oauth.ReasonAssertionMalformed, parts(false, func(p []string) { p[2] = "" })},
		"D-16 PS256 where RS256 is trusted": {notAllowed, signedAs("PS256", keyA)},
		"D-16 RS512 where RS256 is trusted": {notAllowed, signedAs("RS512", keyA)},
		"D-16 alg in small letters":         {notAllowed, header("alg", `"rs256"`)},
		"D-16 alg with a space":             {notAllowed, header("alg", `"RS256 "`)},
		"D-16 RS256 signed as PS256":        {bad, signed("PS256", keyA)},
		"D-16 RS512 signed as RS256":        {bad, all(trusting(unrestricted), header("alg", `"RS512"`))},
		"D-17 ES256 with an RSA key":        {notAllowed, header("alg", `"ES256"`)},
		"D-17 ES256 with kid of RSA":        {oauth.ReasonNoMatchingKey, all(usingB("b1"), header("alg", `"ES256"`))},
		"D-17 EdDSA with kid of EC":         {oauth.ReasonNoMatchingKey, all(usingB("b2"), header("alg", `"EdDSA"`))},
		"D-17 EdDSA signed by EC":           {bad, all(usingB("b2"), withoutHeader("kid"), header("alg", `"EdDSA"`))},
		"D-17 ES384 with a P-256 key":       {bad, all(usingB("b2"), withoutHeader("kid"), header("alg", `"ES384"`))},
		"D-18 ES256 in DER":                 {bad, all(usingB("b2"), signature(func([]byte) []byte { return der(keyB) }))},
		"D-19 psychic signature in DER":     {bad, all(usingB("b2"), signature(func([]byte) []byte { return []byte("0\x06\x02\x01\x00\x02\x01\x00") }))},
		"D-19 ES256 with more bytes":        {bad, all(usingB("b2"), signature(func(s []byte) []byte { return append(s, s...) }))},
		"D-19 ES256 with a zero before":     {bad, all(usingB("b2"), signature(func(s []byte) []byte { return slices.Concat([]byte{0}, s[:32], []byte{0}, s[32:]) }))},
		"D-20 Ed25519 cut":                  {bad, all(usingB("b3"), signature(func(s []byte) []byte { return s[:63] }))},
		"D-20 Ed25519 S plus the order":     {bad, all(usingB("b3"), signature(malleable))},
		"W-50d RS256":                       {accepted, usingB("b1")},
		"W-50d ES256":                       {accepted, usingB("b2")},
		"W-50d EdDSA":                       {accepted, usingB("b3")},
		"W-50d ES384":                       {accepted, usingB("b4")},
		"W-50d ES512":                       {accepted, usingB("b5")},
	}
	for _, alg := range []string{"RS384", "RS512", "PS256", "PS384", "PS512"} {
		rows["W-50d "+alg] = row{accepted, all(trusting(unrestricted), signedAs(alg, keyA))}
	}
	for name, key := range map[string]any{
		"P-256":   jwttest.EC("idp-a", elliptic.P256()),
		"Ed25519": jwttest.Ed25519("idp-a"),
	} {
		alg := map[string]string{"P-256": "ES256", "Ed25519": "EdDSA"}[name]
		rows["W-50d certificate of "+name] = row{accepted, all(signedAs(alg, key), trusting(func(p *trust.Provider) {
			p.Keys = []*jose.PublicKey{certified(signer(key), -time.Hour, time.Hour)}
		}))}
	}
	addNone(rows)
	addSymmetric(rows)
	addPsychic(rows, keyB)
	return rows
}

// addNone: D-04: no signature, by every spelling.
func addNone(rows map[string]row) {
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `null`} {
		want := oauth.ReasonAlgorithmNotAllowed
		if alg == `""` || alg == `null` {
			want = oauth.ReasonHeaderMalformed
		}
		rows["D-04 alg "+alg] = row{want, header("alg", alg)}
		rows["D-04 alg "+alg+" unsigned"] = row{oauth.ReasonAssertionMalformed, all(header("alg", alg), parts(false, func(p []string) { p[2] = "" }))}
	}
}

// addSymmetric: D-05, D-06, D-07: HMAC with something that is not secret, or a secret of somebody else.
func addSymmetric(rows map[string]row) {
	key := jwttest.RSA("idp-a", 2048)
	spki := must(x509.MarshalPKIXPublicKey(key.Public()))
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	certificate := jwttest.Certificate(key, instant(), instant().Add(time.Hour))
	for name, secret := range map[string]string{
		"D-05 PEM of the certificate":                 block("CERTIFICATE", certificate),
		"D-05 PEM of the certificate without newline": strings.TrimSpace(block("CERTIFICATE", certificate)),
		"D-05 PEM of the public key":                  block("PUBLIC KEY", spki),
		"D-05 PEM of the public key without newline":  strings.TrimSpace(block("PUBLIC KEY", spki)),
		"D-05 PEM of the PKCS #1 public key":          block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
		"D-05 DER of the public key":                  string(spki),
		"D-05 JWK":                                    public(key).JWK(),
		"D-05 modulus":                                string(key.N.Bytes()),
		"D-06 empty secret":                           "",
		"D-06 well-known secret":                      "secret",
		"D-07 secret of the client":                   clientSecret,
	} {
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			rows[name+" "+alg] = row{oauth.ReasonAlgorithmNotAllowed, signedAs(alg, []byte(secret))}
		}
		rows[name+" under RS256"] = row{oauth.ReasonSignatureInvalid, signed("HS256", []byte(secret))}
	}
}

// addPsychic: D-19: every pair of values that an implementation without range checks accepts.
func addPsychic(rows map[string]row, key *ecdsa.PrivateKey) {
	n := key.Params().N
	values := map[string]*big.Int{
		"0": new(big.Int), "1": big.NewInt(1), "n-1": new(big.Int).Sub(n, big.NewInt(1)), "n": n,
		"n+1": new(big.Int).Add(n, big.NewInt(1)), "p": key.Params().P,
	}
	for nameR, r := range values {
		for nameS, s := range values {
			pair := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			rows[fmt.Sprintf("D-19 r=%s s=%s", nameR, nameS)] = row{
				oauth.ReasonSignatureInvalid, all(usingB("b2"), signature(func([]byte) []byte { return pair })),
			}
		}
	}
}

func unrestricted(p *trust.Provider) { p.Keys = []*jose.PublicKey{public(jwttest.RSA("idp-a", 2048))} }

func der(key *ecdsa.PrivateKey) []byte {
	digest := sha256.Sum256([]byte("whatever"))
	return must(ecdsa.SignASN1(rand.Reader, key, digest[:]))
}

// malleable adds the order of the group to S (RFC 8032 §5.1.7 wants S in range).
func malleable(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[ed25519.SignatureSize/2:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:ed25519.SignatureSize/2]), sum...)
}
