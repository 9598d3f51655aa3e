package assertion

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// deterministic is a world in which every process makes the same valid assertions: provider A with RS256, and B with an
// Ed25519 key and no other.
var deterministic = sync.OnceValue(func() presentation {
	return present(accepted, usingB("b3"), beside(newAttempt().provider), keys(named("b3", jwttest.Ed25519("idp-b"))))
})

// knownGood is every assertion of the matrix that is valid in the deterministic world.
var knownGood = sync.OnceValue(func() map[string]bool {
	w, good := deterministic(), map[string]bool{}
	for _, p := range matrix() {
		_, _, err := w.verify(NewVerifier(ownIssuer, ownTenants), p.text)
		good[p.text] = err == nil
	}
	return good
})

// FuzzVerify: no text is verified but those that the fixture signed, byte for byte.
func FuzzVerify(f *testing.F) {
	w, vr := deterministic(), NewVerifier(ownIssuer, ownTenants)
	for text := range knownGood() {
		if len(text) <= jose.MaxCompactBytes {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		verified, _, err := w.verify(vr, text)
		switch {
		case err == nil && !knownGood()[text]:
			t.Fatalf("verified %q", text)
		case err != nil && reasonOf(err) == "not a refusal":
			t.Fatalf("error %v is no refusal", err)
		case err != nil && verified != (Verified{}):
			t.Fatal("a refusal comes with a verified assertion")
		}
	})
}

// FuzzClaims: a payload with a correct signature is accepted only if encoding/json reads acceptable claims in it too.
func FuzzClaims(f *testing.F) {
	w, vr, key := deterministic(), NewVerifier(ownIssuer, ownTenants), jwttest.Ed25519("idp-b")
	for _, r := range rows() {
		a := newAttempt(r.change)
		payload := a.claims.Set("iss", jwttest.Quote(issuerB)).String()
		if a.payload != nil {
			payload = *a.payload
		}
		if len(payload) < 4<<10 {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload string) {
		text := jwttest.Compact("EdDSA", key, `{"alg":"EdDSA"}`, payload)
		verified, _, err := w.verify(vr, text)
		if err == nil {
			checkClaims(t, payload, verified)
		}
	})
}

func checkClaims(t *testing.T, payload string, verified Verified) {
	t.Helper()
	c := object(t, payload)
	number := func(name string, absent float64) float64 {
		value, ok := c[name]
		if !ok {
			return absent
		}
		n, ok := value.(json.Number)
		f, err := n.Float64()
		if !ok || err != nil {
			t.Fatalf("%s = %v in %q", name, value, payload)
		}
		return f
	}
	text := func(name string) string { s, _ := c[name].(string); return s }
	list, ok := c["aud"].([]any)
	if !ok {
		list = []any{c["aud"]}
	}
	now := float64(instant().Unix())
	exp := number("exp", math.Inf(-1))
	iat, nbf := number("iat", min(now, exp)), number("nbf", 0)
	switch p := verified.Provider(); {
	case text("iss") != issuerB || p.Issuer != issuerB:
		t.Fatalf("iss in %q", payload)
	case text("sub") == "" || text("sub") != verified.Claims().Subject:
		t.Fatalf("sub in %q", payload)
	case text("jti") != verified.Claims().JWTID:
		t.Fatalf("jti in %q", payload)
	case !slices.Contains(list, any(alias)) && !slices.Contains(list, any("legacy-alias")):
		t.Fatalf("aud in %q", payload)
	case now >= exp+skew.Seconds(), exp-iat > p.MaxLifetime.Seconds(), iat > now+skew.Seconds(), nbf > now+skew.Seconds(), nbf > exp, iat > exp:
		t.Fatalf("times in %q", payload)
	}
}

// object reads what was accepted with encoding/json, numbers of any size included.
func object(t *testing.T, text string) (members map[string]any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil || dec.More() {
		t.Fatalf("verified %q, which is no object: %v", text, err)
	}
	return members
}

// FuzzHeaderOfSigned: a header with a correct signature is accepted only if it asks for nothing that is refused.
func FuzzHeaderOfSigned(f *testing.F) {
	w, vr, key := deterministic(), NewVerifier(ownIssuer, ownTenants), jwttest.Ed25519("idp-b")
	for _, r := range rows() {
		if h := newAttempt(r.change).header.Set("alg", `"EdDSA"`).String(); len(h) < 1<<10 {
			f.Add(h)
		}
	}
	f.Fuzz(func(t *testing.T, header string) {
		text := jwttest.Compact("EdDSA", key, header, w.claims.String())
		if _, _, err := w.verify(vr, text); err != nil {
			return
		}
		h := object(t, header)
		_, crit := h["crit"]
		_, b64 := h["b64"]
		_, cty := h["cty"]
		_, kid := h["kid"]
		if h["alg"] != "EdDSA" || crit || b64 || cty || kid && h["kid"] != "b3" {
			t.Fatalf("verified header %q", header)
		}
	})
}
