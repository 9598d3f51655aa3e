package explain

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// public is a client without credentials.
func public(c *v1alpha1.OAuthClient) {
	c.Spec.Authentication = v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}}
	c.Status.Credentials = nil
}

// A provider is usable or not as a token server answers an assertion of it that nothing is wrong with.
func TestProvidersAreUsableAsAnswered(t *testing.T) {
	grants := func(g ...v1alpha1.GrantType) change {
		return ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = g })
	}
	scopes := func(of ...v1alpha1.Scope) change {
		return ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.Scopes = of })
	}
	keyFrom := func(from, until time.Duration) change {
		return ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys[0] = certified(p.Status.Trust.Keys[0], from, until)
		})
	}
	ignoring := ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.CertificateExpiry = v1alpha1.CertificateExpiryIgnore })
	for name, tc := range map[string]struct {
		change change
		want   oauth.Reason
	}{
		"usable":                   {all(), ""},
		"public":                   {ofClient(public), ""},
		"ID-JAG":                   {idJAG(), ""},
		"ID-JAG, public":           {all(idJAG(), ofClient(public)), oauth.ReasonPublicClient},
		"ID-JAG, without the name": {all(idJAG(), ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.AudienceAliases = []string{alias} })), oauth.ReasonAudienceMismatch},
		"SPIFFE":                   {all(withProfile(v1alpha1.ProfileSPIFFE), claim("sub", `"spiffe://example.com/x"`)), ""},
		"ServiceAccounts": {all(withProfile(v1alpha1.ProfileKubernetes), claim("sub", `"system:serviceaccount:a:b"`), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: `claims.sub == "system:serviceaccount:a:b"`}}
		})), ""},
		"rules": {ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: `claims.sub == "alice"`}}
		}), ""},
		"short lives":              {all(claim("exp", at(10)), ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.MaxLifetime = "10s" })), ""},
		"certificate":              {keyFrom(-time.Hour, time.Hour), ""},
		"certificate to come":      {keyFrom(time.Hour, 2*time.Hour), oauth.ReasonCertificateValidity},
		"certificate over":         {keyFrom(-2*time.Hour, -time.Hour), oauth.ReasonCertificateValidity},
		"certificate of no matter": {all(keyFrom(-2*time.Hour, -time.Hour), ignoring), ""},
		"scopes in common":         {scopes("write", "other"), ""},
		"no scopes in common":      {scopes("other"), oauth.ReasonScopeNotAllowed},
		"scope that is asked for":  {all(scopes("write"), func(a *attempt) { a.options.Scope = "read" }), oauth.ReasonScopeNotAllowed},
		"another resource":         {func(a *attempt) { a.options.Resources = []string{"https://third.example.com"} }, oauth.ReasonTargetNotAllowed},
		"another grant":            {grants(v1alpha1.GrantClientCredentials), oauth.ReasonGrantNotAllowed},
		"off":                      {refusalFor(oauth.ReasonProviderDisabled), oauth.ReasonProviderDisabled},
		"not named":                {refusalFor(oauth.ReasonProviderNotAllowed), oauth.ReasonProviderNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			if reason, _ := a.answered(t, a.text()); reason != tc.want {
				t.Fatalf("a token server answers %q, want %q", reason, tc.want)
			}
			p := a.provider.Namespace + "/" + a.provider.Name
			r := clientReport(t, tc.change)
			i := slices.IndexFunc(r.Providers, func(r ProviderReport) bool { return r.Provider == p })
			if i < 0 {
				if tc.want != oauth.ReasonProviderNotAllowed {
					t.Fatalf("%s is not in %+v", p, r.Providers)
				}
				return
			}
			if got := r.Providers[i]; got.Usable != (tc.want == "") || got.Reason != tc.want || (got.Why == "") != got.Usable || (got.Fix == "") != got.Usable {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A client is usable or not as a token server would say, and for every grant that it has.
func TestClientReport(t *testing.T) {
	grants := func(g ...v1alpha1.GrantType) change {
		return ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = g })
	}
	for name, tc := range map[string]struct {
		change change
		check  string
	}{
		"usable":                         {all(), ""},
		"in its own name":                {grants(v1alpha1.GrantClientCredentials), ""},
		"by both":                        {grants(v1alpha1.GrantJWTBearer, v1alpha1.GrantClientCredentials), ""},
		"by exchange":                    {grants(v1alpha1.GrantTokenExchange), ""},
		"in the name of nobody":          {all(grants(v1alpha1.GrantClientCredentials), ofClient(public)), "client-credentials"},
		"in its own name, another scope": {all(grants(v1alpha1.GrantClientCredentials), func(a *attempt) { a.options.Scope = "admin" }), "client-credentials"},
		"in its own name, not offered": {all(grants(v1alpha1.GrantClientCredentials), func(a *attempt) {
			a.options.DisabledGrants = []string{oauth.GrantTypeClientCredentials, oauth.GrantTypeJWTBearer}
		}), "client-credentials"},
		"by none":        {grants(v1alpha1.GrantRefreshToken), "grants"},
		"not offered":    {refusalFor(oauth.ReasonGrantDisabled), "jwt-bearer"},
		"of no provider": {ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{} }), ""},
		"of no good one": {refusalFor(oauth.ReasonProviderDisabled), "jwt-bearer"},
		"of none that is": {ofClient(func(c *v1alpha1.OAuthClient) {
			c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "gone"}}
		}), "jwt-bearer"},
		"of none at all":     {ofProvider(func(p *v1alpha1.IdentityProvider) { p.Namespace = "elsewhere" }), "jwt-bearer"},
		"one of two is good": {all(manyProviders), ""},
		"unknown":            {refusalFor(oauth.ReasonUnknownClient), "client"},
		"disabled":           {refusalFor(oauth.ReasonDisabledClient), "client-enabled"},
		"without credential": {refusalFor(oauth.ReasonNoClientCredentials), "client-authentication"},
	} {
		t.Run(name, func(t *testing.T) {
			r := clientReport(t, tc.change)
			failed := r.Failures()
			if r.Usable != (tc.check == "") || r.Usable != (len(failed) == 0) || !r.Usable && failed[0].ID != tc.check {
				t.Fatalf("usable %t, failed %+v", r.Usable, failed)
			}
			if len(failed) > 1 || !r.Usable && (failed[0].Fix == "" || failed[0].Reason == "") {
				t.Errorf("failed %+v", failed)
			}
		})
	}
}

// What a token exchange would say of a provider is neither a yes nor a no.
func TestProvidersOfExchanges(t *testing.T) {
	r := clientReport(t, ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTokenExchange} }))
	if p := r.Providers[0]; p.Usable || !p.NotLookedAt || p.Why == "" || p.Reason != "" {
		t.Errorf("%+v", p)
	}
}

// TestPresenters: only clients are listed that could get a token, and the list says where it ends.
func TestPresenters(t *testing.T) {
	a := newAttempt(func(a *attempt) { a.options.Client.Namespace, a.options.Client.Name = "", "" })
	var clients []*v1alpha1.OAuthClient
	add := func(name string, change func(*v1alpha1.OAuthClient)) {
		c := a.client.DeepCopy()
		c.Name, c.UID, c.Status.ClientID = name, "uid-of-"+c.UID, "team-a."+name
		c.CreationTimestamp = metav1.NewTime(noon.Add(time.Duration(len(clients)) * time.Second))
		change(c)
		clients = append(clients, c)
	}
	federated := func(provider string) func(*v1alpha1.OAuthClient) {
		return func(c *v1alpha1.OAuthClient) {
			c.Spec.Authentication = v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{
				IdentityProviderRef: v1alpha1.IdentityProviderReference{Name: provider, Namespace: "team-a"}, Subject: "worker",
			}}
			c.Status.Credentials = nil
		}
	}
	off := provider("off", "https://off.example.com", trustedKey("idp"))
	off.Spec.GrantEnabled = new(false)
	add("secret", func(*v1alpha1.OAuthClient) {})
	add("public", public)
	add("federated", federated("idp"))
	add("federated-off", federated("off"))
	add("disabled", func(c *v1alpha1.OAuthClient) { c.Spec.GrantEnabled = new(false) })
	add("other-grant", func(c *v1alpha1.OAuthClient) { c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTokenExchange} })
	add("no-secret", func(c *v1alpha1.OAuthClient) { c.Status.Credentials = nil })
	add("other-scopes", func(c *v1alpha1.OAuthClient) { c.Spec.Scopes = []v1alpha1.Scope{"other"} })
	add("other-provider", func(c *v1alpha1.OAuthClient) {
		c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "off"}}
	})
	add("same-id", func(c *v1alpha1.OAuthClient) { c.Status.ClientID = "team-a.secret" })
	a.provider.Spec.Scopes = []v1alpha1.Scope{"read"}

	listed := func() *Report {
		t.Helper()
		w, err := NewWorld([]*v1alpha1.IdentityProvider{a.provider, off}, clients)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Assertion(t.Context(), w, a.text(), a.options)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := listed()
	if diff := cmp.Diff([]string{"team-a/federated", "team-a/public", "team-a/secret"}, r.Clients); diff != "" || r.MoreClients {
		t.Errorf("more %t, clients (-want +got):\n%s", r.MoreClients, diff)
	}
	add("rests-on-what-was-not-read", federated("unread"))
	if r := listed(); len(r.Clients) != 3 || !r.MoreClients {
		t.Errorf("more %t, clients %v", r.MoreClients, r.Clients)
	}
	clients = clients[:len(clients)-1]
	for i := range maxClients - 3 {
		add(fmt.Sprintf("more-%d", i), public)
	}
	if r := listed(); len(r.Clients) != maxClients || r.MoreClients {
		t.Errorf("more %t, %d clients", r.MoreClients, len(r.Clients))
	}
	add("one-more", public)
	if r := listed(); len(r.Clients) != maxClients || !r.MoreClients {
		t.Errorf("more %t, %d clients", r.MoreClients, len(r.Clients))
	}
}
