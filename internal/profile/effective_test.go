package profile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func TestEffective(t *testing.T) {
	for name, tc := range map[string]struct {
		spec func(*v1alpha1.IdentityProviderSpec)
		want v1alpha1.EffectivePolicy
	}{
		"nothing said": {func(*v1alpha1.IdentityProviderSpec) {}, v1alpha1.EffectivePolicy{
			Profile: "Generic", Types: []string{"none", "jwt", "authorization-grant+jwt"}, SubjectForm: "Any", SubjectPrefix: new("team-a/partner:"),
			ClientIDClaim: "Ignored", AudiencePolicy: "Any", CertificateExpiry: "Enforce", ClockSkew: "30s", MaxLifetime: "24h", Replay: "OneTimeIfPresent",
		}},
		"a profile": {of(v1alpha1.ProfileKubernetes), v1alpha1.EffectivePolicy{
			Profile: "Kubernetes", Types: []string{"none", "jwt"}, SubjectForm: "ServiceAccount", SubjectPrefix: new("team-a/partner:"),
			ClientIDClaim: "Ignored", AudiencePolicy: "Sole", CertificateExpiry: "Enforce", ClockSkew: "30s", MaxLifetime: "8760h", Replay: "Reuse",
		}},
		"a profile with other values": {func(s *v1alpha1.IdentityProviderSpec) {
			s.Profile, s.ClockSkew, s.MaxAge, s.MaxLifetime, s.Replay = v1alpha1.ProfileIDJAG, "0s", "90s", "1h30m", v1alpha1.ReplayReuse
			s.CertificateExpiry, s.AudiencePolicy = v1alpha1.CertificateExpiryIgnore, v1alpha1.AudienceAny
			s.Subject = &v1alpha1.SubjectMapping{Prefix: new("")}
		}, v1alpha1.EffectivePolicy{
			Profile: "IDJAG", Types: []string{"oauth-id-jag+jwt"}, SubjectForm: "Any", SubjectPrefix: new(""),
			ClientIDClaim: "Required", AudiencePolicy: "Any", CertificateExpiry: "Ignore", ClockSkew: "0s", MaxAge: "1m30s", MaxLifetime: "1h30m", Replay: "Reuse",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(&tc.want, resolve(t, provider(tc.spec)).Effective()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A policy is shared by nobody: what is shown can be changed without changing what applies.
func TestEffectiveIsACopy(t *testing.T) {
	p := resolve(t, provider())
	e := p.Effective()
	*e.SubjectPrefix, e.Types[0] = "x", "x"
	if diff := cmp.Diff(generic(), p); diff != "" {
		t.Error(diff)
	}
}

func TestFormat(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want v1alpha1.Duration
	}{
		{0, "0s"},
		{10 * time.Second, "10s"},
		{time.Minute, "1m"},
		{10 * time.Minute, "10m"},
		{90 * time.Second, "1m30s"},
		{time.Hour, "1h"},
		{10 * time.Hour, "10h"},
		{24 * time.Hour, "24h"},
		{90 * time.Minute, "1h30m"},
		{time.Hour + 10*time.Minute, "1h10m"},
		{time.Hour + 10*time.Second, "1h0m10s"},
		{100*time.Hour + time.Minute, "100h1m"},
		{1500 * time.Millisecond, "1.5s"},
		{365 * 24 * time.Hour, "8760h"},
		{20*time.Minute + 1*time.Second, "20m1s"},
	} {
		if got := format(tc.d); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.d, got, tc.want)
		}
		if back, err := Duration(format(tc.d)); back != tc.d || err != nil {
			t.Errorf("%v is read back as %v, %v", tc.d, back, err)
		}
	}
}
