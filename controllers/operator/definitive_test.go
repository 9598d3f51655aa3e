package operator

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// Some problems say that the source must not be trusted: then there is no grace. Others say that it cannot be reached.
func TestDefinitiveProblemsEndTrust(t *testing.T) {
	for name, tc := range map[string]struct {
		problem error
		keys    int
	}{
		"URL not allowed":     {&fetch.Error{Problem: fetch.URLNotAllowed}, 0},
		"authorities spoilt":  {&fetch.Error{Problem: fetch.InvalidCABundle}, 0},
		"another issuer":      {&jose.KeyError{Problem: resolve.ProblemOtherIssuer}, 0},
		"address not allowed": {&fetch.Error{Problem: fetch.AddressNotAllowed}, 1},
		"wrong certificate":   {&fetch.Error{Problem: fetch.TLSFailed}, 1},
		"not a key set":       {&jose.KeyError{Problem: jose.ProblemMalformed}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, answer := range []Answer{fetchedAt(start, jwk("a")).failing(tc.problem), {Problem: tc.problem}} {
				p := remembering(provider(remote(siteURL)), fetchedAt(start, jwk("a")))
				status := EvaluateProvider(ProviderInput{Provider: p, Rules: rules(), Lookup: answers(answer), Now: start}).Status
				got := 0
				if status.Trust != nil {
					got = len(status.Trust.Keys)
				}
				if got != tc.keys {
					t.Errorf("%d keys are trusted, want %d: %v", got, tc.keys, summary(status.Conditions))
				}
			}
		})
	}
}

// Keys that were fetched under other authorities are not kept.
func TestKeptKeysAreOfTheAuthorities(t *testing.T) {
	pinned := func(p *v1alpha1.IdentityProvider) {
		p.Spec.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca", Key: "ca.crt"}
	}
	with := func(ca string) References {
		return References{ConfigMap: &corev1.ConfigMap{Data: map[string]string{"ca.crt": ca}}}
	}
	failing := answers(Answer{Problem: errSite})
	p := provider(remote(siteURL), pinned)
	p.Status = EvaluateProvider(ProviderInput{Provider: p, References: with("one"), Rules: rules(), Lookup: answers(fetchedAt(start, jwk("a"))), Now: start}).Status
	for ca, kept := range map[string]bool{"one": true, "two": false} {
		status := EvaluateProvider(ProviderInput{Provider: p, References: with(ca), Rules: rules(), Lookup: failing, Now: start}).Status
		if (status.Trust != nil) != kept {
			t.Errorf("authorities %q: %v", ca, summary(status.Conditions))
		}
	}
	p.Spec.JWKSURI.CAConfigMapRef = nil
	if status := EvaluateProvider(ProviderInput{Provider: p, Rules: rules(), Lookup: failing, Now: start}).Status; status.Trust != nil {
		t.Errorf("without authorities: %v", summary(status.Conditions))
	}
}

func TestTooManyAuthorities(t *testing.T) {
	p := provider(remote(siteURL))
	p.Spec.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca", Key: "ca.crt"}
	asked := false
	lookup := func(RemoteSource, Refresh) Answer { asked = true; return Answer{} }
	in := ProviderInput{Provider: p, Rules: rules(), Lookup: lookup, Now: start, References: References{
		ConfigMap: &corev1.ConfigMap{Data: map[string]string{"ca.crt": strings.Repeat("a", maxCABytes+1)}},
	}}
	if c := EvaluateProvider(in).Status.Conditions; summary(c)[2] != "!InvalidCABundle" || asked {
		t.Errorf("conditions %v, fetched %v", summary(c), asked)
	}
}

// An issuer that ends in a slash has its document where its keepers put it.
func TestDiscoveryURLOfAnIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://idp.example":         "https://idp.example/.well-known/openid-configuration",
		"https://idp.example/":        "https://idp.example/.well-known/openid-configuration",
		"https://idp.example/realm/a": "https://idp.example/realm/a/.well-known/openid-configuration",
	} {
		p := provider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.Issuer, p.Spec.CertificateSecretRef, p.Spec.Discovery = issuer, nil, &v1alpha1.DiscoveredKeySet{}
		})
		var asked RemoteSource
		EvaluateProvider(ProviderInput{Provider: p, Rules: rules(), Now: start, Lookup: func(s RemoteSource, _ Refresh) Answer {
			asked = s
			return Answer{}
		}})
		if asked.URL != want || asked.Issuer != issuer {
			t.Errorf("%s: asked %s of %s", issuer, asked.URL, asked.Issuer)
		}
	}
}

// A server that lists its keys in another order each time changes nothing.
func TestOrderOfKeysIsNothing(t *testing.T) {
	site := newTLSSite(t)
	source := RemoteSource{Kind: SourceJWKSURI, URL: site.URL + "/jwks", CA: site.ca()}
	f := KeyFetcher{Documents: loopback()}
	var first []string
	for _, keys := range [][]v1alpha1.JSONWebKey{{jwk("a"), jwk("b"), jwk("c")}, {jwk("c"), jwk("a"), jwk("b")}} {
		site.documents["/jwks"] = jwkSet(t, keys...)
		fetched, err := f.Fetch(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, k := range fetched.Keys.Keys {
			order = append(order, k.Public.KeyID())
		}
		if first == nil {
			first = order
		}
		if got := strings.Join(order, ""); got != strings.Join(first, "") {
			t.Errorf("order %s after %s", got, strings.Join(first, ""))
		}
	}
}

// A panic over what a stranger sent is a failed fetch.
func TestPanicIsAFailedFetch(t *testing.T) {
	r := newRemoteKeys(func(context.Context, RemoteSource) (Fetched, error) { panic("boom") }, func() time.Time { return start }, nil)
	if _, err := r.fetchSafely(t.Context(), RemoteSource{}); err != errFetchPanic { //nolint:errorlint // The very same.
		t.Errorf("error %v", err)
	}
}
