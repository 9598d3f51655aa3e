package resolve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// jwk returns the JSON text of a JWK with the given members.
func jwk(members map[string]any) []byte { return must(json.Marshal(members)) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid string, modulus *big.Int) map[string]any {
	return map[string]any{"kty": "RSA", "kid": kid, "n": b64(modulus.Bytes()), "e": "AQAB"}
}

func ecJWK(kid string) map[string]any {
	point := must(fixtures().ec.PublicKey.Bytes())
	return map[string]any{"kty": "EC", "kid": kid, "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
}

func edJWK(kid string) map[string]any {
	return map[string]any{"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": b64(fixtures().ed25519[32:])}
}

func with(members map[string]any, name string, value any) map[string]any {
	members[name] = value
	return members
}

func TestJWKS(t *testing.T) {
	f := fixtures()
	rsaKey := jwk(rsaJWK("r1", f.rsa.N))
	for name, tc := range map[string]struct {
		keys [][]byte
		want outcome
	}{
		"RSA, EC and OKP":             {[][]byte{rsaKey, jwk(ecJWK("e1")), jwk(edJWK("o1"))}, keys("RSA-2048", "P-256", "Ed25519")},
		"one kid, two keys":           {[][]byte{rsaKey, jwk(ecJWK("r1"))}, keys("RSA-2048", "P-256")},
		"one key twice":               {[][]byte{rsaKey, rsaKey}, keys("RSA-2048")},
		"one key, two kids":           {[][]byte{rsaKey, jwk(rsaJWK("r2", f.rsa.N))}, keys("RSA-2048", "RSA-2048")},
		"one key, two algorithms":     {[][]byte{jwk(with(rsaJWK("r", f.rsa.N), "alg", "RS256")), jwk(with(rsaJWK("r", f.rsa.N), "alg", "PS256"))}, keys("RSA-2048", "RSA-2048")},
		"no keys":                     {nil, outcome{}},
		"malformed beside good":       {[][]byte{[]byte(`{"kid":"broken"`), rsaKey}, outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"jwks.keys[0]: malformed"}}},
		"no JWK":                      {[][]byte{[]byte(`[]`)}, skipped("jwks.keys[0]: malformed")},
		"weak":                        {[][]byte{jwk(rsaJWK("w1", f.weak.N))}, skipped("jwks.keys[0] (kid w1): weak")},
		"private":                     {[][]byte{rsaKey, jwk(with(ecJWK("p1"), "d", "AA"))}, outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"jwks.keys[1] (kid p1): private"}}},
		"symmetric":                   {[][]byte{jwk(map[string]any{"kty": "oct", "k": "AA", "kid": "s1"})}, skipped("jwks.keys[0] (kid s1): private")},
		"for encryption":              {[][]byte{jwk(with(ecJWK("x1"), "use", "enc"))}, skipped("jwks.keys[0] (kid x1): unsupported")},
		"without kid":                 {[][]byte{jwk(map[string]any{"kty": "RSA"})}, skipped("jwks.keys[0]: malformed")},
		"kid of another type":         {[][]byte{jwk(with(ecJWK(""), "kid", 7))}, skipped("jwks.keys[0]: malformed")},
		"every key of a mixed set":    {[][]byte{jwk(rsaJWK("w", f.weak.N)), []byte(`{`), rsaKey}, outcome{Keys: []string{"RSA-2048"}, Skipped: []string{"jwks.keys[0] (kid w): weak", "jwks.keys[1]: malformed"}}},
		"more keys than are accepted": {many(MaxJWKS + 1), skipped("jwks.keys: too many")},
	} {
		t.Run(name, func(t *testing.T) {
			r := JWKS(tc.keys)
			if diff := cmp.Diff(tc.want, outcomeOf(r)); diff != "" {
				t.Error(diff)
			}
			for _, s := range r.Skipped {
				if s.Message == "" {
					t.Errorf("%s has no message", s.Entry)
				}
			}
		})
	}
}

func many(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = jwk(ecJWK(fmt.Sprint("k", i)))
	}
	return all
}

func TestJWKSAcceptsTheLargestSet(t *testing.T) {
	if r := JWKS(many(MaxJWKS)); len(r.Keys) != MaxJWKS || len(r.Skipped) != 0 {
		t.Errorf("%d keys, %d skipped", len(r.Keys), len(r.Skipped))
	}
}

func TestJWKSBoundsKeyIDs(t *testing.T) {
	r := JWKS([][]byte{jwk(map[string]any{"kty": "RSA", "kid": strings.Repeat("\u202e\"ä\n", 5000)})})
	if len(r.Skipped) != 1 {
		t.Fatalf("%+v", r)
	}
	if entry := r.Skipped[0].Entry; utf8.RuneCountInString(entry) > 300 || strings.ContainsAny(entry, "\n\u202e") {
		t.Errorf("entry %q", entry)
	}
}

func FuzzJWKS(f *testing.F) {
	f.Add(jwk(ecJWK("e1")), jwk(edJWK("o1")))
	f.Add(jwk(rsaJWK("r1", fixtures().rsa.N)), []byte(`{"kty":"oct","k":"AA"}`))
	f.Add([]byte(`{"kty":"RSA","n":"","e":""}`), []byte(nil))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		r := JWKS([][]byte{a, b})
		if n := len(r.Keys) + len(r.Skipped); n == 0 || n > 2 {
			t.Errorf("%d keys, %d skipped of 2", len(r.Keys), len(r.Skipped))
		}
	})
}
