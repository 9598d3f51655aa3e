package accesstoken

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

func signerOf(key any) *jose.Signer {
	der := must(x509.MarshalPKCS8PrivateKey(key))
	return must(jose.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func reasonOf(err error) oauth.Reason {
	if err == nil {
		return verified
	}
	var e *oauth.Error
	if !errors.As(err, &e) {
		return "not a refusal"
	}
	return e.Reason
}

func TestVerify(t *testing.T) {
	ring := verifyRing()
	for name, r := range rows() {
		t.Run(name, func(t *testing.T) {
			k := newToken()
			r.change(k)
			got, err := Verify(ring, server, k.String(), noon)
			if reasonOf(err) != r.want {
				t.Fatalf("got %v, want %q", err, r.want)
			}
			if err != nil && got != (Verified{}) {
				t.Error("a refusal comes with a verified token")
			}
			if err == nil && k.payload == "" && string(got.Claims()) != k.claims.String() {
				t.Errorf("claims are %s, want %s", got.Claims(), k.claims)
			}
		})
	}
}

// TestEveryStepIsNeeded leaves out one step at a time: a row that it refuses must notice.
func TestEveryStepIsNeeded(t *testing.T) {
	for i, s := range steps() {
		t.Run(s.name, func(t *testing.T) {
			less, noticed := slices.Delete(steps(), i, i+1), false
			for _, r := range rows() {
				k := newToken()
				r.change(k)
				if r.want == verified || refusingStep(k.String()) != s.name {
					continue
				}
				noticed = noticed || reasonWithout(less, k.String()) != r.want
			}
			if !noticed {
				t.Error("no row notices that the step is gone")
			}
		})
	}
}

// TestStepsThatNothingElseCovers: a row of these steps is verified when the step is gone.
func TestStepsThatNothingElseCovers(t *testing.T) {
	for i, s := range steps() {
		if slices.Contains([]string{"form", "key", "signature", "claims set"}, s.name) {
			continue // Without it no later step can do its work.
		}
		t.Run(s.name, func(t *testing.T) {
			less := slices.Delete(steps(), i, i+1)
			for _, r := range rows() {
				k := newToken()
				r.change(k)
				if refusingStep(k.String()) == s.name && reasonWithout(less, k.String()) == verified {
					return
				}
			}
			t.Error("no row is refused by this step alone")
		})
	}
}

func refusingStep(text string) string {
	v := &verification{ring: verifyRing(), issuer: server, text: text, now: noon}
	for _, s := range steps() {
		if s.run(v) != nil {
			return s.name
		}
	}
	return ""
}

// reasonWithout is what becomes of a token by fewer steps; one that needs the missing step may panic.
func reasonWithout(list []step, text string) (reason oauth.Reason) {
	defer func() {
		if recover() != nil {
			reason = "panic"
		}
	}()
	_, err := verify(list, &verification{ring: verifyRing(), issuer: server, text: text, now: noon})
	return reasonOf(err)
}

// Without the signature step nothing is verified, whatever the other steps say.
func TestNoSignatureStep(t *testing.T) {
	list := slices.DeleteFunc(steps(), func(s step) bool { return s.name == "signature" })
	if got := reasonWithout(list, newToken().String()); got != oauth.ReasonInternal {
		t.Errorf("got %q, want an internal refusal", got)
	}
}

func TestVerifyWithoutRing(t *testing.T) {
	if _, err := Verify(nil, server, newToken().String(), noon); reasonOf(err) != oauth.ReasonNotReady {
		t.Errorf("got %v, want %s", err, oauth.ReasonNotReady)
	}
}

// A key that is no longer published verifies nothing.
func TestVerifyWithoutTheKey(t *testing.T) {
	others := must(keyring.Generate(noon.Add(-time.Hour)))
	if _, err := Verify(others, server, newToken().String(), noon); reasonOf(err) != oauth.ReasonTokenKeyUnknown {
		t.Errorf("got %v, want %s", err, oauth.ReasonTokenKeyUnknown)
	}
}

// Whatever the server mints, it verifies, and says the same of it.
func TestVerifyMinted(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, change := range map[string]func(*fixture){
		"plain":         func(*fixture) {},
		"many scopes":   func(f *fixture) { f.scopes = numbered(128, strings.Repeat("s", 124)) },
		"many aud":      func(f *fixture) { f.resources = numbered(32, strings.Repeat("r", 508)); f.requested = f.resources },
		"longest names": func(f *fixture) { f.subject, f.clientID = strings.Repeat("s", 512), strings.Repeat("👾", 256) },
		"large claims": func(f *fixture) {
			for _, name := range []string{"a", "b", "c", "d"} {
				f.mappings = append(f.mappings, claimrules.Mapping{Claim: name, Expression: `["` + strings.Repeat("x", 2000) + `"]`})
			}
		},
		"deep claim": func(f *fixture) {
			f.mappings = []claimrules.Mapping{{Claim: "a", Expression: deep(31)}}
		},
		"within a second": func(f *fixture) { f.now = noon.Add(700 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			change(&f)
			minted, err := Mint(ring(noon), server, f.redeemed(t), f.now)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Verify(ring(noon), server, minted.Compact, f.now)
			if err != nil {
				t.Fatal(err)
			}
			expectMinted(t, f, minted, got)
		})
	}
}

// expectMinted: what is said of a token is what was said when it was minted.
func expectMinted(t *testing.T, f fixture, minted Token, got Verified) {
	t.Helper()
	if got.ID() != minted.ID || got.ClientID() != f.clientID || got.Expiry().Sub(got.IssuedAt()) != f.lifetime || got.IssuedAt().After(f.now) {
		t.Errorf("it is %q of %q, from %v to %v", got.ID(), got.ClientID(), got.IssuedAt(), got.Expiry())
	}
	want := f.requested
	if want == nil {
		want = []string{server}
	}
	if diff := cmp.Diff(want, got.Audience()); diff != "" {
		t.Errorf("audience (-want +got):\n%s", diff)
	}
	_, rest, _ := strings.Cut(minted.Compact, ".")
	text, _, _ := strings.Cut(rest, ".")
	if claims := string(must(base64.RawURLEncoding.DecodeString(text))); claims != string(got.Claims()) {
		t.Errorf("claims are %s, want %s", got.Claims(), claims)
	}
}

func numbered(n int, stem string) []string {
	var list []string
	for i := range n {
		list = append(list, stem+string(rune('a'+i/26))+string(rune('a'+i%26)))
	}
	return list
}

// Whatever stands in the texts, they come back as they were.
func TestVerifyRoundTrip(t *testing.T) {
	for _, s := range nasty() {
		f := newFixture()
		f.subject, f.clientID, f.resources = s, s, []string{s}
		minted, err := Mint(ring(noon), server+"/"+s, f.redeemed(t), noon)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Verify(ring(noon), server+"/"+s, minted.Compact, noon)
		if err != nil || got.ClientID() != s || got.Audience()[0] != s {
			t.Errorf("%q becomes %v, %v", s, got, err)
		}
	}
}

// What Verify returns cannot be changed by whoever has it.
func TestVerifiedIsImmutable(t *testing.T) {
	v := must(Verify(verifyRing(), server, newToken().String(), noon))
	v.Audience()[0] = "https://elsewhere"
	copy(v.Claims(), "xxxxxxxx")
	_ = append(v.Claims()[:10], "xxxx"...)
	if v.Audience()[0] != "https://api.example.com" || string(v.Claims()) != newToken().claims.String() {
		t.Errorf("it has become %v %s", v.Audience(), v.Claims())
	}
}

// FuzzVerify: no text is verified but the fixture's own, whatever is made of it without the key. It signs with Ed25519, so
// that every process makes the same texts.
func FuzzVerify(f *testing.F) {
	key := jwttest.Ed25519("signer")
	signer := signerOf(key)
	ring, good := must(keyring.New(keyring.Key{Signer: signer, ActiveFrom: noon.Add(-time.Hour)})), map[string]bool{}
	for _, r := range rows() {
		k := newToken()
		k.alg, k.key = "EdDSA", key
		k.header = k.header.Set("alg", `"EdDSA"`).Set("kid", jwttest.Quote(signer.PublicKey().KeyID()))
		r.change(k)
		text := k.String()
		_, err := Verify(ring, server, text, noon)
		if good[text] = err == nil; len(text) < 4<<10 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Verify(ring, server, text, noon)
		switch {
		case err == nil && !good[text]:
			t.Fatalf("verified %q", text)
		case err != nil && (got != (Verified{}) || reasonOf(err) == "not a refusal"):
			t.Fatalf("refused with %v and %v", err, got)
		}
	})
}

// FuzzVerifyClaims: a payload that the server's key has signed is verified only if encoding/json reads the same in it, and
// what is said of it is one JSON object with the same members.
func FuzzVerifyClaims(f *testing.F) {
	ring, key := verifyRing(), newToken().key
	for _, r := range rows() {
		k := newToken()
		r.change(k)
		if text := k.claims.String(); len(text) < 4<<10 {
			f.Add(text)
		}
		f.Add(k.payload)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		got, err := Verify(ring, server, jwttest.Compact("ES256", key, newToken().header.String(), payload), noon)
		if err != nil {
			return
		}
		var want, said map[string]any
		if err := errors.Join(json.Unmarshal([]byte(payload), &want), json.Unmarshal(got.Claims(), &said)); err != nil {
			t.Fatalf("verified %q: %v", payload, err)
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Fatalf("claims of %q (-want +got):\n%s", payload, diff)
		}
		if want["iss"] != server || want["jti"] != got.ID() || want["client_id"] != got.ClientID() || want["active"] != nil {
			t.Fatalf("verified %q as %q of %q", payload, got.ID(), got.ClientID())
		}
	})
}
