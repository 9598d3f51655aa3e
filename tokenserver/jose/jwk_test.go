package jose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// members of JWKs, complete and valid.
func rsaMembers() jwttest.Object {
	return rsaOf(jwttest.RSA("a", 2048).N, big.NewInt(65537))
}

func rsaOf(n, e *big.Int) jwttest.Object {
	return jwttest.Object{}.Add("kty", `"RSA"`).Add("n", jwttest.Quote(b64(n.Bytes()))).Add("e", jwttest.Quote(b64(e.Bytes())))
}

func ecMembers(curve elliptic.Curve) jwttest.Object { return pointOf(jwttest.EC("a", curve)) }

func pointOf(key *ecdsa.PrivateKey) jwttest.Object {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	half := 1 + len(point)/2
	return jwttest.Object{}.Add("kty", `"EC"`).Add("crv", jwttest.Quote(key.Params().Name)).
		Add("x", jwttest.Quote(b64(point[1:half]))).Add("y", jwttest.Quote(b64(point[half:])))
}

func okpMembers() jwttest.Object {
	return jwttest.Object{}.Add("kty", `"OKP"`).Add("crv", `"Ed25519"`).Add("x", jwttest.Quote(b64(jwttest.Ed25519("a")[32:])))
}

func TestParseJWKAccepts(t *testing.T) {
	type result struct {
		Kind, KeyID string
		Algorithms  []Algorithm
	}
	rsaAll := []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}
	for name, tc := range map[string]struct {
		members jwttest.Object
		want    result
	}{
		"RSA":                       {rsaMembers(), result{"RSA-2048", "", rsaAll}},
		"RSA for PS256":             {rsaMembers().Add("alg", `"PS256"`), result{"RSA-2048", "", []Algorithm{PS256}}},
		"RSA with zeros before":     {rsaMembers().Set("n", jwttest.Quote(b64(append([]byte{0}, jwttest.RSA("a", 2048).N.Bytes()...)))), result{"RSA-2048", "", rsaAll}},
		"RSA, large exponent":       {rsaMembers().Set("e", jwttest.Quote(b64(big.NewInt(1<<31-1).Bytes()))), result{"RSA-2048", "", rsaAll}},
		"P-256":                     {ecMembers(elliptic.P256()), result{"P-256", "", []Algorithm{ES256}}},
		"P-384":                     {ecMembers(elliptic.P384()), result{"P-384", "", []Algorithm{ES384}}},
		"P-521":                     {ecMembers(elliptic.P521()), result{"P-521", "", []Algorithm{ES512}}},
		"P-256 for ES256":           {ecMembers(elliptic.P256()).Add("alg", `"ES256"`), result{"P-256", "", []Algorithm{ES256}}},
		"Ed25519":                   {okpMembers(), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"kid":                       {okpMembers().Add("kid", `"k"`), result{"Ed25519", "k", []Algorithm{EdDSA}}},
		"kid, longest":              {okpMembers().Add("kid", jwttest.Quote(strings.Repeat("k", 256))), result{"Ed25519", strings.Repeat("k", 256), []Algorithm{EdDSA}}},
		"for signatures":            {okpMembers().Add("use", `"sig"`).Add("key_ops", `["verify"]`), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"for more than verifying":   {okpMembers().Add("key_ops", `["sign","verify"]`), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"for as much as is read":    {okpMembers().Add("key_ops", `["verify"`+strings.Repeat(`,"sign"`, 15)+`]`), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"for other, unknown things": {okpMembers().Add("key_ops", `["verify","org.example/attest"]`), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"members of others":         {okpMembers().Add("ext", "true").Add("x", "null").Delete("x").Add("x", jwttest.Quote(b64(jwttest.Ed25519("a")[32:]))).Add("issuer", `{"a":[1]}`), result{"Ed25519", "", []Algorithm{EdDSA}}},
		"certificates beside it":    {okpMembers().Add("x5u", `"https://x.test"`).Add("x5t", `"abc"`), result{"Ed25519", "", []Algorithm{EdDSA}}},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseJWK([]byte(tc.members.String()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, result{k.Kind(), k.KeyID(), k.Algorithms()}); diff != "" {
				t.Errorf("key (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseJWKRefuses(t *testing.T) {
	const malformed, private, weak, unsupported = ProblemMalformed, ProblemPrivate, ProblemWeak, ProblemUnsupported
	n := jwttest.RSA("a", 2048).N
	exponent := func(e *big.Int) jwttest.Object { return rsaOf(n, e) }
	modulus := func(bits uint) jwttest.Object {
		return rsaOf(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1)), big.NewInt(65537))
	}
	twoTo := func(bits uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), bits) }
	for name, tc := range map[string]struct {
		text string
		want Problem
	}{
		"no object":                   {`[]`, malformed},
		"no JSON":                     {`{"kty":`, malformed},
		"object and more":             {rsaMembers().String() + "{}", malformed},
		"no kty":                      {rsaMembers().Delete("kty").String(), malformed},
		"unknown kty":                 {rsaMembers().Set("kty", `"DSA"`).String(), unsupported},
		"D in capitals":               {rsaMembers().Add("D", `"AA"`).String(), malformed},
		"crv no string":               {okpMembers().Set("crv", "1").String(), malformed},
		"OKP curve in EC":             {ecMembers(elliptic.P256()).Set("crv", `"Ed25519"`).String(), unsupported},
		"EC curve in OKP":             {okpMembers().Set("crv", `"P-256"`).String(), unsupported},
		"Ed25519 without crv":         {okpMembers().Delete("crv").String(), malformed},
		"kty no string":               {rsaMembers().Set("kty", `["RSA"]`).String(), malformed},
		"kty too long":                {rsaMembers().Set("kty", jwttest.Quote(strings.Repeat("R", 17))).String(), malformed},
		"kty twice":                   {rsaMembers().Add("kty", `"RSA"`).String(), malformed},
		"kty twice but for case":      {rsaMembers().Add("KTY", `"EC"`).String(), malformed},
		"kid no string":               {okpMembers().Add("kid", "1").String(), malformed},
		"kid too long":                {okpMembers().Add("kid", jwttest.Quote(strings.Repeat("k", 257))).String(), malformed},
		"kid twice":                   {okpMembers().Add("kid", `"a"`).Add("kid", `"a"`).String(), malformed},
		"RSA without n":               {rsaMembers().Delete("n").String(), malformed},
		"RSA without e":               {rsaMembers().Delete("e").String(), malformed},
		"n padded":                    {rsaMembers().Set("n", jwttest.Quote(b64(n.Bytes())+"==")).String(), malformed},
		"n of the standard alphabet":  {rsaMembers().Set("n", jwttest.Quote(base64.RawStdEncoding.EncodeToString(n.Bytes()))).String(), malformed},
		"n a number":                  {rsaMembers().Set("n", "3").String(), malformed},
		"n far too long":              {rsaMembers().Set("n", jwttest.Quote(strings.Repeat("A", 2049))).String(), malformed},
		"n as long as is read":        {rsaMembers().Set("n", jwttest.Quote(strings.Repeat("_", 2048))).String(), unsupported},
		"e padded":                    {rsaMembers().Set("e", `"AQAB="`).String(), malformed},
		"EC without y":                {ecMembers(elliptic.P256()).Delete("y").String(), malformed},
		"EC without crv":              {ecMembers(elliptic.P256()).Delete("crv").String(), malformed},
		"x of the wrong alphabet":     {ecMembers(elliptic.P256()).Set("x", `"+/"`).String(), malformed},
		"y of the wrong alphabet":     {ecMembers(elliptic.P256()).Set("y", `"+/"`).String(), malformed},
		"point off the curve":         {ecMembers(elliptic.P256()).Set("x", `"AQ"`).String(), malformed},
		"point at infinity":           {ecMembers(elliptic.P256()).Set("x", `"AA"`).Set("y", `"AA"`).String(), malformed},
		"point of another curve":      {ecMembers(elliptic.P256()).Set("crv", `"P-384"`).String(), malformed},
		"coordinate above the field":  {ecMembers(elliptic.P256()).Set("x", jwttest.Quote(b64([]byte(strings.Repeat("\xff", 33))))).String(), malformed},
		"Ed25519 too short":           {okpMembers().Set("x", `"AAAA"`).String(), malformed},
		"Ed25519 too long":            {okpMembers().Set("x", jwttest.Quote(b64(make([]byte, 33)))).String(), malformed},
		"alg no string":               {okpMembers().Add("alg", "1").String(), malformed},
		"use no string":               {okpMembers().Add("use", "1").String(), malformed},
		"key_ops no list":             {okpMembers().Add("key_ops", "1").String(), malformed},
		"key_ops too long":            {okpMembers().Add("key_ops", `["verify"`+strings.Repeat(`,"sign"`, 16)+`]`).String(), malformed},
		"key_ops empty":               {okpMembers().Add("key_ops", "[]").String(), malformed},
		"symmetric":                   {`{"kty":"oct","k":"c2VjcmV0"}`, private},
		"symmetric without a key":     {`{"kty":"oct"}`, private},
		"symmetric in disguise":       {okpMembers().Add("k", `"AA"`).String(), private},
		"private d":                   {ecMembers(elliptic.P256()).Add("d", `"AA"`).String(), private},
		"private d of no type":        {ecMembers(elliptic.P256()).Add("d", `null`).String(), private},
		"private p":                   {rsaMembers().Add("p", `"AA"`).String(), private},
		"private q":                   {rsaMembers().Add("q", `"AA"`).String(), private},
		"private dp":                  {rsaMembers().Add("dp", `"AA"`).String(), private},
		"private dq":                  {rsaMembers().Add("dq", `"AA"`).String(), private},
		"private qi":                  {rsaMembers().Add("qi", `"AA"`).String(), private},
		"private oth":                 {rsaMembers().Add("oth", `[]`).String(), private},
		"private but for encryption":  {rsaMembers().Add("d", `"AA"`).Add("use", `"enc"`).String(), private},
		"D-23 RSA of 1024 bits":       {rsaOf(jwttest.RSA("weak", 1024).N, big.NewInt(65537)).String(), weak},
		"D-23 RSA one bit short":      {modulus(2047).String(), weak},
		"D-23 exponent 1":             {exponent(big.NewInt(1)).String(), weak},
		"D-23 exponent 3":             {exponent(big.NewInt(3)).String(), weak},
		"D-23 exponent below 65537":   {exponent(big.NewInt(65535)).String(), weak},
		"D-23 exponent even":          {exponent(big.NewInt(65538)).String(), weak},
		"D-23 exponent too large":     {exponent(big.NewInt(1<<31 + 1)).String(), unsupported},
		"D-23 exponent of five bytes": {exponent(new(big.Int).Add(twoTo(32), big.NewInt(1))).String(), unsupported},
		"D-23 exponent with zeros":    {rsaMembers().Set("e", `"AAAAAQAB"`).String(), unsupported},
		"D-23 exponent that wraps":    {exponent(new(big.Int).Add(twoTo(64), big.NewInt(65537))).String(), unsupported},
		"D-23 modulus even":           {rsaOf(twoTo(2047), big.NewInt(65537)).String(), weak},
		"RSA of 8193 bits":            {modulus(8193).String(), unsupported},
		"D-24 for encryption":         {okpMembers().Add("use", `"enc"`).String(), unsupported},
		"D-24 for other operations":   {okpMembers().Add("key_ops", `["sign","encrypt"]`).String(), unsupported},
		"D-25 P-224":                  {ecMembers(elliptic.P224()).String(), unsupported},
		"D-25 secp256k1":              {ecMembers(elliptic.P256()).Set("crv", `"secp256k1"`).String(), unsupported},
		"D-25 X25519":                 {okpMembers().Set("crv", `"X25519"`).String(), unsupported},
		"D-25 Ed448":                  {okpMembers().Set("crv", `"Ed448"`).String(), unsupported},
		"alg none":                    {okpMembers().Add("alg", `"none"`).String(), unsupported},
		"alg HS256":                   {rsaMembers().Add("alg", `"HS256"`).String(), unsupported},
		"alg for encryption":          {rsaMembers().Add("alg", `"RSA-OAEP"`).String(), unsupported},
		"alg of another type":         {okpMembers().Add("alg", `"ES256"`).String(), unsupported},
		"alg of another curve":        {ecMembers(elliptic.P256()).Add("alg", `"ES384"`).String(), unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseJWK([]byte(tc.text))
			var keyErr *KeyError
			if !errors.As(err, &keyErr) {
				t.Fatalf("key %v, error %v, want a *KeyError", k, err)
			}
			if keyErr.Problem != tc.want {
				t.Errorf("problem = %s (%s), want %s", keyErr.Problem, keyErr.Message, tc.want)
			}
			if keyErr.Message == "" || strings.Contains(keyErr.Message, "AA") {
				t.Errorf("message = %q", keyErr.Message)
			}
		})
	}
}

// What is wrong with a member that has a bound of its own is said of that member.
func TestParseJWKNamesTheMember(t *testing.T) {
	const (
		kid        = "the kid of the JWK is not a text of 1 to 256 bytes without control characters: use a shorter or simpler one"
		operations = "the key_ops of the JWK is not a list of 1 to 16 texts: leave it out, or let it hold verify"
	)
	for name, tc := range map[string]struct{ member, value, want string }{
		"kid of 257 bytes":          {"kid", jwttest.Quote(strings.Repeat("k", 257)), kid},
		"kid of 200 characters":     {"kid", jwttest.Quote(strings.Repeat("é", 200)), kid},
		"kid without text":          {"kid", `""`, kid},
		"kid with a control":        {"kid", `"a\u0001"`, kid},
		"kid of another type":       {"kid", `1`, kid},
		"no operations":             {"key_ops", `[]`, operations},
		"seventeen operations":      {"key_ops", `["verify"` + strings.Repeat(`,"sign"`, 16) + `]`, operations},
		"operation of another type": {"key_ops", `[1]`, operations},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseJWK([]byte(okpMembers().Add(tc.member, tc.value).String()))
			var keyErr *KeyError
			if !errors.As(err, &keyErr) || keyErr.Problem != ProblemMalformed || keyErr.Message != tc.want {
				t.Errorf("error %v", err)
			}
		})
	}
	for _, longest := range []string{strings.Repeat("k", 256), strings.Repeat("é", 128)} {
		if k, err := ParseJWK([]byte(okpMembers().Add("kid", jwttest.Quote(longest)).String())); err != nil || k.KeyID() != longest {
			t.Errorf("error %v", err)
		}
	}
}

// TestParseJWKBound: the largest modulus that is accepted fits into the bound on the text of a member.
func TestParseJWKBound(t *testing.T) {
	k, err := NewPublicKey(&rsa.PublicKey{N: modulus(MaxRSABits), E: MinRSAExponent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseJWK([]byte(k.JWK())); err != nil {
		t.Error(err)
	}
}
