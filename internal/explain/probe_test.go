package explain

import (
	"crypto/elliptic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// bySigning lets the client authenticate with a key of its own, and do so.
func bySigning(keys ...v1alpha1.TrustedKey) change {
	return func(a *attempt) {
		a.client.Spec.Authentication = v1alpha1.ClientAuthentication{PrivateKeyJWT: &v1alpha1.PrivateKeyJWTAuthentication{}}
		a.client.Status.Credentials, a.client.Status.KeySet = nil, &v1alpha1.KeySet{Source: "JWKS", Keys: keys}
		claims := jwttest.Object{}.Add("iss", `"team-a.playground"`).Add("sub", `"team-a.playground"`).Add("aud", jwttest.Quote(server)).
			Add("iat", at(0)).Add("exp", at(300)).Add("jti", `"1"`)
		a.clientAssertion = jwttest.Compact("ES256", jwttest.EC("client", elliptic.P256()), `{"alg":"ES256"}`, claims.String())
	}
}

// byWorkload lets the client authenticate as a workload of the provider "workloads", and do so.
func byWorkload(f func(*v1alpha1.IdentityProvider)) change {
	return func(a *attempt) {
		p := provider("workloads", "https://workloads.example.com", trustedKey("workloads"))
		p.Spec.Replay = v1alpha1.ReplayReuse
		f(p)
		a.others = append(a.others, p)
		a.client.Spec.Authentication = v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{
			IdentityProviderRef: v1alpha1.IdentityProviderReference{Name: "workloads", Namespace: p.Namespace}, Subject: "worker",
		}}
		a.client.Status.Credentials = nil
		claims := jwttest.Object{}.Add("iss", `"https://workloads.example.com"`).Add("sub", `"worker"`).Add("aud", jwttest.Quote(server)).
			Add("iat", at(0)).Add("exp", at(300))
		a.clientAssertion = jwttest.Compact("ES256", jwttest.EC("workloads", elliptic.P256()), `{"alg":"ES256"}`, claims.String())
	}
}

// A client that presents a client assertion is refused for the reason for which a token server refuses it whatever it
// presents, and is otherwise said to be a matter of what it presents.
func TestClientsThatSign(t *testing.T) {
	expired := certified(trustedKey("client"), -2*time.Hour, -time.Hour)
	for name, tc := range map[string]struct {
		change change
		want   oauth.Reason
	}{
		"own key":             {bySigning(trustedKey("client")), ""},
		"several keys":        {bySigning(expired, trustedKey("client")), ""},
		"no key":              {bySigning(), oauth.ReasonAlgorithmNotAllowed},
		"certificate expired": {bySigning(expired), oauth.ReasonCertificateValidity},
		"workload":            {byWorkload(func(*v1alpha1.IdentityProvider) {}), ""},
		"workload of profile": {byWorkload(func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileSPIFFE }), ""},
		"workload of ID-JAGs": {all(byWorkload(func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileIDJAG }), func(a *attempt) {
			claims := jwttest.Object{}.Add("iss", `"https://workloads.example.com"`).Add("sub", `"worker"`).Add("aud", jwttest.Quote(server)).
				Add("iat", at(0)).Add("exp", at(300)).Add("jti", `"1"`).Add("client_id", `"team-a.playground"`)
			a.clientAssertion = jwttest.Compact("ES256", jwttest.EC("workloads", elliptic.P256()), `{"alg":"ES256","typ":"client-authentication+jwt"}`, claims.String())
		}), ""},
		"provider off":          {byWorkload(func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = new(false) }), oauth.ReasonProviderDisabled},
		"provider without keys": {byWorkload(func(p *v1alpha1.IdentityProvider) { p.Status.Trust = nil }), oauth.ReasonProviderUnknown},
		"provider of others":    {byWorkload(func(p *v1alpha1.IdentityProvider) { p.Namespace = "team-b" }), oauth.ReasonProviderNotAllowed},
		"key of provider over": {byWorkload(func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys[0] = certified(p.Status.Trust.Keys[0], -2*time.Hour, -time.Hour)
		}), oauth.ReasonCertificateValidity},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			r := a.explain(t)
			check := r.Checks[2]
			if r.Reason != tc.want || check.ID != "client-authentication" || (check.State == NotLookedAt) != (tc.want == "") {
				t.Fatalf("%s for %q: %+v", r.Verdict, r.Reason, check)
			}
			if tc.want != "" && (check.State != Failed || check.Reason != tc.want || check.Fix == "") {
				t.Errorf("check is %+v", check)
			}
			if name != "workload of profile" { // Its subject would have to be a SPIFFE ID.
				a.compare(t, a.text())
			}
			// The first thing that is found counts, whatever the assertion is.
			b := newAttempt(tc.change, refusalFor(oauth.ReasonExpired))
			if name != "workload of profile" {
				b.compare(t, b.text())
			}
		})
	}
}
