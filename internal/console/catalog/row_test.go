package catalog

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func TestHealth(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*v1alpha1.IdentityProvider)
		health Health
		reason string
	}{
		"ready":           {func(*v1alpha1.IdentityProvider) {}, Ready, "Ready"},
		"never looked at": {func(p *v1alpha1.IdentityProvider) { p.Status = v1alpha1.IdentityProviderStatus{} }, Unseen, "NotObserved"},
		"changed since":   {func(p *v1alpha1.IdentityProvider) { p.Generation = 3 }, Unseen, "NotObserved"},
		"a secret is gone": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions[1] = condition("Ready", "False", "SecretNotFound")
		}, NotReady, "SecretNotFound"},
		"not known": {func(p *v1alpha1.IdentityProvider) { p.Status.Conditions[1] = condition("Ready", "Unknown", "Pending") }, NotReady, "Pending"},
		"switched off": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions[1] = condition("Ready", "False", "GrantDisabled")
		}, Off, "GrantDisabled"},
		"expires soon": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions[0] = condition("KeysReady", "True", "CertificateExpiresSoon")
		}, Warning, "CertificateExpiresSoon"},
		"fetch failing": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions[0] = condition("KeysReady", "True", "FetchFailing")
		}, Warning, "FetchFailing"},
		"some skipped": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions[0] = condition("KeysReady", "True", "SomeKeysSkipped")
		}, Warning, "SomeKeysSkipped"},
		"not ready counts more": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Conditions = []metav1.Condition{condition("KeysReady", "True", "FetchFailing"), condition("Ready", "False", "Pending")}
		}, NotReady, "Pending"},
	} {
		t.Run(name, func(t *testing.T) {
			p := readyProvider("team-a", "partner", 9)
			tc.change(p)
			r := NewProviderRow(p)
			if r.Health != tc.health || r.Reason != tc.reason {
				t.Errorf("%s %s, want %s %s", r.Health, r.Reason, tc.health, tc.reason)
			}
			if r.Health != Ready && r.Message == "" {
				t.Error("nobody is told what to do")
			}
		})
	}
}

func TestKeyNames(t *testing.T) {
	for want, k := range map[string]v1alpha1.TrustedKey{
		"CN=a":         {KeyID: "k", ThumbprintSHA256: "t", Certificate: &v1alpha1.CertificateSummary{Subject: "CN=a"}},
		"k":            {KeyID: "k", ThumbprintSHA256: "t", Certificate: &v1alpha1.CertificateSummary{}},
		"0123456789ab": {ThumbprintSHA256: "0123456789abcdef", Certificate: &v1alpha1.CertificateSummary{}},
		"short":        {ThumbprintSHA256: "short"},
	} {
		if got := keyName(&k); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestMethods: where keys come from is shown before there are any.
func TestMethods(t *testing.T) {
	for want, spec := range map[string]v1alpha1.IdentityProviderSpec{
		"Secret":        {CertificateSecretRef: &v1alpha1.SecretKeyReference{}},
		"JWKS":          {JWKS: &v1alpha1.JSONWebKeySet{}},
		"JWKSURI":       {JWKSURI: &v1alpha1.RemoteKeySet{}},
		"Discovery":     {Discovery: &v1alpha1.DiscoveredKeySet{}},
		"ClusterIssuer": {ClusterIssuer: &v1alpha1.ClusterKeySet{}},
		"":              {},
	} {
		if got := NewProviderRow(&v1alpha1.IdentityProvider{Spec: spec}).Method; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestClientRow(t *testing.T) {
	o := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app"}, Spec: v1alpha1.OAuthClientSpec{ClientID: "asked-for"}}
	if got := NewClientRow(o).Identifier; got != "asked-for" {
		t.Errorf("before the operator has looked: %s", got)
	}
	o.Status.ClientID, o.Status.Authentication, o.Status.CredentialCount = "resolved", "PrivateKeyJWT", new(int32(2))
	o.Status.KeySet = &readyProvider("a", "b", 3).Status.Trust.KeySet
	r := NewClientRow(o)
	if r.Identifier != "resolved" || r.Method != "PrivateKeyJWT" || r.KeyCount != 2 || len(r.Keys) != 1 {
		t.Errorf("%+v", r)
	}
}
