package operator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// allowing is a provider of another namespace.
func allowing(from v1alpha1.NamespacesFrom, namespaces ...string) *v1alpha1.IdentityProvider {
	return inNamespace(provider(allows(from, namespaces...)), "team-b")
}

func allows(from v1alpha1.NamespacesFrom, namespaces ...string) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) {
		p.Spec.AllowedClientNamespaces = &v1alpha1.AllowedClientNamespaces{From: from, Namespaces: namespaces}
	}
}

const refused = `IdentityProvider "team-b/partner" does not exist, or does not name namespace "team-a" in its spec.allowedClientNamespaces: ask who owns it to allow it`

// A reference to another namespace takes two: the client names the provider, and the provider admits the client.
func TestReferencesAcrossNamespaces(t *testing.T) {
	resolved := "Every reference is resolved"
	for name, tc := range map[string]struct {
		client    func(*v1alpha1.OAuthClient)
		providers []*v1alpha1.IdentityProvider
		reason    string
		say       string
	}{
		"own namespace":                    {vouchedBy("partner"), []*v1alpha1.IdentityProvider{provider()}, "ResolvedRefs", resolved},
		"own namespace, spelt out":         {vouchedBy("team-a/partner"), []*v1alpha1.IdentityProvider{provider(allows(v1alpha1.NamespacesFromListed))}, "ResolvedRefs", resolved},
		"own namespace, missing":           {vouchedBy("team-a/gone", "partner"), []*v1alpha1.IdentityProvider{provider()}, "IdentityProviderNotFound", `IdentityProvider "gone" does not exist in namespace "team-a": create it, or correct the name`},
		"another that admits all":          {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromAll)}, "ResolvedRefs", resolved},
		"another that lists it":            {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromListed, "team-c", "team-a")}, "ResolvedRefs", resolved},
		"another that lists others":        {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromListed, "team-c", "team-a2")}, "ReferenceNotPermitted", refused},
		"another for its own":              {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromSame, "team-a")}, "ReferenceNotPermitted", refused},
		"another that says nothing":        {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{inNamespace(provider(), "team-b")}, "ReferenceNotPermitted", refused},
		"another that does not exist":      {vouchedBy("team-b/partner"), []*v1alpha1.IdentityProvider{provider()}, "ReferenceNotPermitted", refused},
		"of two, one":                      {vouchedBy("partner", "team-b/partner"), []*v1alpha1.IdentityProvider{provider()}, "ReferenceNotPermitted", refused},
		"a name of another namespace only": {vouchedBy("partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromAll)}, "IdentityProviderNotFound", `"partner"`},
		"federated":                        {federated("partner"), []*v1alpha1.IdentityProvider{provider()}, "ResolvedRefs", resolved},
		"federated, missing":               {federated("partner"), nil, "IdentityProviderNotFound", `"partner"`},
		"federated, refused":               {federated("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromSame)}, "ReferenceNotPermitted", refused},
		"federated, admitted":              {federated("team-b/partner"), []*v1alpha1.IdentityProvider{allowing(v1alpha1.NamespacesFromAll)}, "ResolvedRefs", resolved},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range tc.providers {
				p.Status.Trust = &v1alpha1.Trust{Issuer: p.Spec.Issuer}
			}
			in := ClientInput{Client: oauthClient(tc.client), Providers: tc.providers, References: refs(clientSecret(clientValue))}
			checkClientFixedPoint(t, in)
			status := evaluatedClient(in).Status
			c := status.Conditions[1]
			if c.Reason != tc.reason || !strings.Contains(c.Message, tc.say) {
				t.Errorf("%s: %s; want %s: %s", c.Reason, c.Message, tc.reason, tc.say)
			}
			if ready := status.Conditions[4].Reason == v1alpha1.ReasonReady; ready != (tc.reason == v1alpha1.ReasonResolvedRefs) {
				t.Errorf("conditions %v", summary(status.Conditions))
			}
		})
	}
}

// A provider of a namespace that is not served takes part in nothing, whatever it says: nobody here has read it.
func TestReferencesIntoWhatIsNotServed(t *testing.T) {
	served := release.Namespaces{"grantor-system", "team-a"}
	for name, providers := range map[string][]*v1alpha1.IdentityProvider{"unknown": nil, "known all the same": {allowing(v1alpha1.NamespacesFromAll)}} {
		in := ClientInput{Client: oauthClient(vouchedBy("team-b/partner")), Providers: providers, Namespaces: served, References: refs(clientSecret(clientValue))}
		c := evaluatedClient(in).Status.Conditions[1]
		if want := `IdentityProvider "team-b/partner" is in a namespace that Grantor does not serve here`; c.Reason != v1alpha1.ReasonReferenceNotPermitted || !strings.HasPrefix(c.Message, want) {
			t.Errorf("%s: %s: %s", name, c.Reason, c.Message)
		}
	}
}

// Through the reconciler, which must look in the right namespaces.
func TestClientFindsProvidersAcrossNamespaces(t *testing.T) {
	other := allowing(v1alpha1.NamespacesFromListed)
	w := newWorld(t, oauthClient(vouchedBy("partner", "team-b/partner")), provider(), other, clientSecret(clientValue))
	step := func(want string) {
		t.Helper()
		if got := summary(w.oauthClient().Status.Conditions)[1]; got != want {
			t.Errorf("ResolvedRefs %s, want %s", got, want)
		}
	}
	step("!ReferenceNotPermitted")
	other.Spec.AllowedClientNamespaces.Namespaces = []string{namespace}
	w.do(w.client.Update(t.Context(), other))
	step("ResolvedRefs")
	w.do(w.client.Delete(t.Context(), other))
	step("!ReferenceNotPermitted")
}

// A client with the name of its provider is another object, and is visited as well.
func TestAdmissionVisitsClients(t *testing.T) {
	ctx := t.Context()
	named := func(ns, name string, providers ...string) *v1alpha1.OAuthClient {
		c := claimant(ns, name, "", 0)
		vouchedBy(providers...)(c)
		return c
	}
	workload := named("team-c", "workload")
	federated("team-b/partner")(workload)
	w := newWorld(t, named("team-b", "partner", "partner"), named("team-a", "app", "team-b/partner"), named("team-a", "own", "partner"), workload)
	h := onAdmission(w.clients.naming)
	closed, open := allowing(v1alpha1.NamespacesFromListed, "x"), allowing(v1alpha1.NamespacesFromListed, "y")
	all := []string{"team-a/app", "team-b/partner", "team-c/workload"}
	for name, tc := range map[string]struct {
		send func(queue)
		want []string
	}{
		"created":                {created(ctx, h, closed), all},
		"deleted":                {deleted(ctx, h, closed), all},
		"admits others":          {updated(ctx, h, closed, open), all},
		"admits somebody at all": {updated(ctx, h, inNamespace(provider(), "team-b"), open), all},
		"something else changed": {updated(ctx, h, closed, closed), nil},
		"of no client":           {created(ctx, h, inNamespace(provider(), "team-x")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.send)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A ConfigMap is followed by those whose authorities are in it.
func TestConfigMapWatches(t *testing.T) {
	ctx := t.Context()
	p := provider(remote(siteURL), func(p *v1alpha1.IdentityProvider) { p.Spec.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca"} })
	c := oauthClient(byRemoteKeys, func(c *v1alpha1.OAuthClient) {
		c.Spec.Authentication.PrivateKeyJWT.JWKSURI.CAConfigMapRef = &v1alpha1.CAReference{Name: "ca"}
	})
	w := newWorld(t, p, c, inNamespace(p, "team-b"))
	for name, tc := range map[string]struct {
		send func(queue)
		want []string
	}{
		"providers": {created(ctx, onChange(w.providers.referringTo(IndexProviderConfigMap), urgent), metadataOf(namespace, "ca")), []string{"team-a/partner"}},
		"clients":   {created(ctx, onChange(w.clients.inNamespaceOf(IndexClientConfigMap), urgent), metadataOf(namespace, "ca")), []string{"team-a/app"}},
		"others":    {created(ctx, onChange(w.providers.referringTo(IndexProviderConfigMap), urgent), metadataOf(namespace, "other")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.send)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
