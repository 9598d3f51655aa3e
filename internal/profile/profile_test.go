package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func provider(mutate ...func(*v1alpha1.IdentityProviderSpec)) *v1alpha1.IdentityProvider {
	p := &v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "partner"}}
	for _, m := range mutate {
		m(&p.Spec)
	}
	return p
}

func of(name v1alpha1.Profile) func(*v1alpha1.IdentityProviderSpec) {
	return func(s *v1alpha1.IdentityProviderSpec) { s.Profile = name }
}

func resolve(t *testing.T, p *v1alpha1.IdentityProvider) Policy {
	t.Helper()
	policy, err := Resolve(p)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// generic is what a provider that says nothing has.
func generic() Policy {
	return Policy{
		Profile: v1alpha1.ProfileGeneric, Types: []string{"", "jwt", "authorization-grant+jwt"}, AccessTokens: true,
		SubjectForm: v1alpha1.SubjectFormAny, SubjectPrefix: "team-a/partner:",
		AudiencePolicy: v1alpha1.AudienceAny, CertificateExpiry: v1alpha1.CertificateExpiryEnforce,
		ClockSkew: 30 * time.Second, MaxLifetime: 24 * time.Hour, Replay: v1alpha1.ReplayOneTimeIfPresent,
	}
}

func TestPresets(t *testing.T) {
	strict := func(name v1alpha1.Profile, change func(*Policy)) Policy {
		p := generic()
		p.Profile, p.Types, p.AudiencePolicy, p.Replay = name, []string{"", "jwt"}, v1alpha1.AudienceSole, v1alpha1.ReplayOneTime
		p.AccessTokens = false
		change(&p)
		return p
	}
	for name, want := range map[v1alpha1.Profile]Policy{
		"":                      generic(),
		v1alpha1.ProfileGeneric: generic(),
		v1alpha1.ProfileKubernetes: strict(v1alpha1.ProfileKubernetes, func(p *Policy) {
			p.MaxLifetime, p.SubjectForm, p.Replay = 8760*time.Hour, v1alpha1.SubjectFormServiceAccount, v1alpha1.ReplayReuse
			p.IdentityClaims = []string{"sub", "kubernetes.io"}
		}),
		v1alpha1.ProfileSPIFFE: strict(v1alpha1.ProfileSPIFFE, func(p *Policy) {
			p.Types, p.SubjectForm, p.Replay = []string{"", "jwt", "jose"}, v1alpha1.SubjectFormSPIFFEID, v1alpha1.ReplayReuse
		}),
		v1alpha1.ProfileGitHubActions: strict(v1alpha1.ProfileGitHubActions, func(p *Policy) {
			p.MaxLifetime = time.Hour
			p.IdentityClaims = []string{
				"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "job_workflow_ref",
				"job_workflow_sha", "workflow_ref", "enterprise", "enterprise_id",
			}
		}),
		v1alpha1.ProfileIDJAG: strict(v1alpha1.ProfileIDJAG, func(p *Policy) {
			p.IDJAG, p.NoRefresh = true, true
			p.Types, p.MaxLifetime, p.ClientIDClaim = []string{"oauth-id-jag+jwt"}, 15*time.Minute, true
		}),
	} {
		t.Run(string(name), func(t *testing.T) {
			if diff := cmp.Diff(want, resolve(t, provider(of(name)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the spec says comes before every preset, and changes nothing else.
func TestOverrides(t *testing.T) {
	for name, tc := range map[string]struct {
		spec func(*v1alpha1.IdentityProviderSpec)
		want func(*Policy)
	}{
		"audience policy":    {func(s *v1alpha1.IdentityProviderSpec) { s.AudiencePolicy = v1alpha1.AudienceAny }, func(p *Policy) { p.AudiencePolicy = v1alpha1.AudienceAny }},
		"sole audience":      {func(s *v1alpha1.IdentityProviderSpec) { s.AudiencePolicy = v1alpha1.AudienceSole }, func(p *Policy) { p.AudiencePolicy = v1alpha1.AudienceSole }},
		"certificate expiry": {func(s *v1alpha1.IdentityProviderSpec) { s.CertificateExpiry = v1alpha1.CertificateExpiryIgnore }, func(p *Policy) { p.CertificateExpiry = v1alpha1.CertificateExpiryIgnore }},
		"replay":             {func(s *v1alpha1.IdentityProviderSpec) { s.Replay = v1alpha1.ReplayReuse }, func(p *Policy) { p.Replay = v1alpha1.ReplayReuse }},
		"clock skew":         {func(s *v1alpha1.IdentityProviderSpec) { s.ClockSkew = "0s" }, func(p *Policy) { p.ClockSkew = 0 }},
		"maximum age":        {func(s *v1alpha1.IdentityProviderSpec) { s.MaxAge = "5m" }, func(p *Policy) { p.MaxAge = 5 * time.Minute }},
		"maximum lifetime":   {func(s *v1alpha1.IdentityProviderSpec) { s.MaxLifetime = "1h30m" }, func(p *Policy) { p.MaxLifetime = 90 * time.Minute }},
		"prefix":             {func(s *v1alpha1.IdentityProviderSpec) { s.Subject = &v1alpha1.SubjectMapping{Prefix: new("p/")} }, func(p *Policy) { p.SubjectPrefix = "p/" }},
		"no prefix":          {func(s *v1alpha1.IdentityProviderSpec) { s.Subject = &v1alpha1.SubjectMapping{Prefix: new("")} }, func(p *Policy) { p.SubjectPrefix = "" }},
		"subject alone":      {func(s *v1alpha1.IdentityProviderSpec) { s.Subject = &v1alpha1.SubjectMapping{Expression: "claims.sub"} }, func(*Policy) {}},
	} {
		for _, profile := range []v1alpha1.Profile{
			v1alpha1.ProfileGeneric, v1alpha1.ProfileKubernetes, v1alpha1.ProfileSPIFFE, v1alpha1.ProfileGitHubActions, v1alpha1.ProfileIDJAG,
		} {
			t.Run(name+" of "+string(profile), func(t *testing.T) {
				want := resolve(t, provider(of(profile)))
				tc.want(&want)
				if diff := cmp.Diff(want, resolve(t, provider(of(profile), tc.spec))); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		spec func(*v1alpha1.IdentityProviderSpec)
		say  string
	}{
		"profile":  {of("Other"), `read spec.profile: "Other" is unknown`},
		"skew":     {func(s *v1alpha1.IdentityProviderSpec) { s.ClockSkew = "soon" }, "read spec.clockSkew: parse duration"},
		"age":      {func(s *v1alpha1.IdentityProviderSpec) { s.MaxAge = "5" }, "read spec.maxAge: parse duration"},
		"lifetime": {func(s *v1alpha1.IdentityProviderSpec) { s.MaxLifetime = "-1h" }, "read spec.maxLifetime: duration -1h is negative"},
		"two":      {func(s *v1alpha1.IdentityProviderSpec) { s.ClockSkew, s.MaxLifetime = "x", "y" }, "read spec.maxLifetime"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Resolve(provider(tc.spec)); err == nil || !strings.Contains(err.Error(), tc.say) {
				t.Errorf("error %v, want %q in it", err, tc.say)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[v1alpha1.Duration]time.Duration{"0s": 0, "24h": 24 * time.Hour, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "10ms": 10 * time.Millisecond} {
		if got, err := Duration(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []v1alpha1.Duration{"", "5", "1d", "-1s", "9999999999h"} {
		if got, err := Duration(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
