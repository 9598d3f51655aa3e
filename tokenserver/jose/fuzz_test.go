package jose

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// FuzzParseCompact: what is accepted is exactly three parts of canonical base64url, and nothing is lost of it.
func FuzzParseCompact(f *testing.F) {
	good := jwttest.Compact("EdDSA", jwttest.Ed25519("a"), `{"alg":"EdDSA","typ":"JWT"}`, `{"iss":"x"}`)
	for _, seed := range []string{
		"", ".", "..", "....", "fake-jwt", "e30.e30.e30", "e30..YQ", "e30.e30.", good, good + ".", good + "\n", " " + good,
		good + "==", strings.ReplaceAll(good, "-", "+"), good + ".YQ.YQ", `{"payload":"","signatures":[]}`,
		jwttest.Part(`{"crit":[]}`) + ".e30.YQ", jwttest.Part(`{"alg":"none","alg":"RS256"}`) + ".e30.YQ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCompact(text)
		if err != nil {
			if c != nil {
				t.Fatal("an error comes with a result")
			}
			return
		}
		if len(text) > MaxCompactBytes {
			t.Fatalf("accepted %d bytes", len(text))
		}
		header, _, _ := strings.Cut(text, ".")
		enc := base64.RawURLEncoding
		if again := header + "." + enc.EncodeToString(c.UntrustedPayload); again != string(c.SigningInput) {
			t.Fatalf("the signing input is %q, the payload makes %q", c.SigningInput, again)
		}
		if again := string(c.SigningInput) + "." + enc.EncodeToString(c.Signature); again != text {
			t.Fatalf("%q does not make the text again, but %q", text, again)
		}
	})
}

// FuzzHeader: an accepted header is an object to encoding/json too, says the same there, and asks for no extension.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `"x"`, `{"alg":"RS256","typ":"JWT","kid":"k"}`, `{"alg":null}`, `{"alg":"RS256","alg":"none"}`,
		`{"al\u0067":"none"}`, `{"crit":["b64"],"b64":false}`, `{"typ":"application/at+jwt","cty":"JWT"}`, `{"x5t#S256":"x","x5t":"y"}`,
		`{"jwk":{"kty":"oct","k":"AA"},"jku":"https://x.test","x5c":["AA"]}`, `{"kid":"\u0000"}`, `{"kid":1}`, "{\"kid\":\"\xff\"}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCompact(jwttest.Part(text) + ".e30.YQ")
		if err != nil {
			return
		}
		var other map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&other); err != nil || dec.More() {
			t.Fatalf("accepted %q, which is no object: %v", text, err)
		}
		if other["crit"] != nil || other["b64"] != nil {
			t.Fatalf("accepted %q", text)
		}
		h := c.UntrustedHeader
		for name, got := range map[string]string{"alg": h.Algorithm, "kid": h.KeyID, "x5t": h.X5T, "x5t#S256": h.X5TS256} {
			if want, _ := other[name].(string); want != got {
				t.Fatalf("%s = %q, want %q", name, got, want)
			}
		}
		if typ, _ := other["typ"].(string); (typ == "") != (h.Type == "") {
			t.Fatalf("typ %q is read as %q", typ, h.Type)
		}
	})
}

// FuzzParseJWK: an accepted key is strong, public, and the same key when it is written and read again.
func FuzzParseJWK(f *testing.F) {
	for _, seed := range []string{
		rsaMembers().String(), ecMembers(elliptic.P256()).String(), ecMembers(elliptic.P384()).String(),
		ecMembers(elliptic.P521()).String(), okpMembers().String(), okpMembers().Add("d", `"AA"`).String(),
		okpMembers().Add("use", `"enc"`).String(), okpMembers().Add("alg", `"EdDSA"`).Add("kid", `"k"`).String(),
		rsaMembers().Set("e", `"AQ"`).String(), rsaMembers().Set("e", `"AQAAAAAAAQAB"`).String(),
		rsaMembers().Add("KTY", `"EC"`).String(), `{"kty":"oct","k":"AA"}`, `{"keys":[]}`, `[]`, `{}`,
		okpMembers().Add("x5c", `["AA"]`).String(), okpMembers().Add("key_ops", `["verify","x"]`).String(),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseJWK([]byte(text))
		if err != nil {
			if k != nil {
				t.Fatal("an error comes with a key")
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatalf("accepted %q, which is no object: %v", text, err)
		}
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if members[name] != nil {
				t.Fatalf("accepted a key with %s", name)
			}
		}
		if len(k.Algorithms()) == 0 {
			t.Fatal("accepted a key without algorithm")
		}
		again, err := ParseJWK([]byte(k.JWK()))
		if err != nil || again.Thumbprint() != k.Thumbprint() {
			t.Fatalf("written and read again: %v, error %v", again, err)
		}
	})
}
