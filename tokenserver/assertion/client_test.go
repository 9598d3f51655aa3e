package assertion

import (
	"crypto/elliptic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// What was never read is not verified.
func TestVerifyClientOfNothing(t *testing.T) {
	p := present(accepted, privateKey())
	vr := NewVerifier(ownIssuer, ownTenants)
	v, _, err := vr.VerifyClient(t.Context(), p.snapshot, p.client, Unverified{}, ownIssuer, instant())
	if reasonOf(err) != "internal" || v != (VerifiedClient{}) {
		t.Errorf("got %v", err)
	}
	vr.Decoy(Unverified{})
}

// Whether a client exists decides nothing about what can be read.
func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		change          change
		issuer, subject string
		ok              bool
	}{
		"own key":          {privateKey(), "c1", "c1", true},
		"workload":         {federated(), issuerA, "alice", true},
		"no iss, no sub":   {all(privateKey(), withoutClaim("iss"), withoutClaim("sub")), "", "", true},
		"not signed by it": {all(privateKey(), signed("ES256", jwttest.EC("evil", p256()))), "c1", "c1", true},
		"garbage":          {text("x"), "", "", false},
		"nested":           {all(privateKey(), header("cty", `"JWT"`)), "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := NewVerifier(ownIssuer, ownTenants).Read(t.Context(), newAttempt(tc.change).text())
			if (err == nil) != tc.ok || u.UntrustedIssuer() != tc.issuer || u.UntrustedSubject() != tc.subject {
				t.Errorf("read issuer %q and subject %q with error %v", u.UntrustedIssuer(), u.UntrustedSubject(), err)
			}
		})
	}
}

// W-36, W-60: what the rules make stands beside the claims.
func TestMapped(t *testing.T) {
	mapping := []claimrules.Mapping{{Claim: "x", Expression: "[1]"}}
	claims := []claimrules.Claim{{Name: "x", Value: []byte("[1]")}}
	for name, tc := range map[string]struct {
		change  change
		subject string
		claims  []claimrules.Claim
	}{
		"no rules":         {nothing(), "alice", nil},
		"nothing mapped":   {ruled(claimrules.Rules{Validations: []claimrules.Validation{{Expression: "true"}}}), "alice", nil},
		"subject":          {ruled(claimrules.Rules{Subject: "'x' + claims.sub"}), "xalice", nil},
		"claims":           {ruled(claimrules.Rules{Mappings: mapping}), "alice", claims},
		"both":             {ruled(claimrules.Rules{Subject: "claims.jti", Mappings: mapping}), "3f1c", claims},
		"client assertion": {all(federated(), ruled(claimrules.Rules{Subject: "claims.jti"})), "3f1c", nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, _, err := present(accepted, tc.change).proof(NewVerifier(ownIssuer, ownTenants))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.claims, v.MappedClaims()); diff != "" || v.Subject() != tc.subject || v.Claims().Subject != "alice" {
				t.Errorf("subject %q, sub %q, claims (-want +got):\n%s", v.Subject(), v.Claims().Subject, diff)
			}
		})
	}
}

// B-03: there is a key of nobody for every family, and no header makes Decoy stumble.
func TestDecoy(t *testing.T) {
	vr := NewVerifier(ownIssuer, ownTenants)
	kinds := []string{}
	for _, k := range []*jose.PublicKey{vr.decoy.rsa, vr.decoy.ec, vr.decoy.ed} {
		if k == nil {
			t.Fatal("a decoy is missing")
		}
		kinds = append(kinds, k.Kind())
	}
	if diff := cmp.Diff([]string{"RSA-2048", "P-256", "Ed25519"}, kinds); diff != "" {
		t.Errorf("kinds of decoys (-want +got):\n%s", diff)
	}
	for alg, key := range map[string]any{
		"RS256": jwttest.RSA("x", 2048), "PS512": jwttest.RSA("x", 2048), "ES256": jwttest.EC("x", p256()),
		"ES384": jwttest.EC("x", elliptic.P384()), "ES512": jwttest.EC("x", elliptic.P521()), "EdDSA": jwttest.Ed25519("x"), "HS256": []byte("x"),
	} {
		a := newAttempt(privateKey(), signedAs(alg, key))
		u, err := vr.Read(t.Context(), a.text())
		if err != nil {
			t.Fatal(err)
		}
		whole := u.jws.Signature
		for _, n := range []int{0, 1, 32, 64, 96, 132, len(whole)} {
			u.jws.Signature = whole[:min(n, len(whole))]
			vr.Decoy(u)
		}
	}
}

// FuzzVerifyClient: no text authenticates a client but those that were signed for it, byte for byte.
func FuzzVerifyClient(f *testing.F) {
	vr := NewVerifier(ownIssuer, ownTenants)
	ed := func(a *attempt) {
		a.client.Keys = []*jose.PublicKey{public(jwttest.Ed25519("client c1"))}
		signedAs("EdDSA", jwttest.Ed25519("client c1"))(a)
	}
	own := present(accepted, privateKey(), ed)
	work := present(accepted, usingB("b3"), federated(), keys(named("b3", jwttest.Ed25519("idp-b"))))
	good := map[string]bool{own.text: true, work.text: true}
	f.Add(own.text)
	f.Add(work.text)
	for _, r := range privateKeyRows() { // not the matrix, which takes each worker long
		f.Add(newAttempt(r.change).text())
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range []presentation{own, work} {
			v, _, err := p.verifyClient(vr, text)
			switch {
			case err == nil && !good[text]:
				t.Fatalf("verified %q", text)
			case err != nil && (reasonOf(err) == "not a refusal" || v != (VerifiedClient{})):
				t.Fatalf("refused by %v", err)
			}
			if g, _, err := p.verify(vr, text); err == nil && p.client.Authentication != trust.AuthenticationSecret && good[text] {
				t.Fatalf("a client assertion is the grant of %q", g.Subject())
			}
		}
	})
}
