package trustsync

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func TestCompileProviderMapsEveryField(t *testing.T) {
	base := func() trust.Provider {
		return trust.Provider{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "partner"}, Created: created().Time, Issuer: issuer,
			Enabled: true, AudienceAliases: []string{"https://auth.example"}, EnforceCertificates: true,
			ClockSkew: 30 * time.Second, MaxLifetime: 24 * time.Hour, Replay: trust.ReplayOneTimeIfPresent,
		}
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.IdentityProvider)
		want   func(*trust.Provider)
	}{
		"defaults": {func(*v1alpha1.IdentityProvider) {}, func(*trust.Provider) {}},
		"all spelt out": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.GrantEnabled = new(false)
			p.Spec.AudiencePolicy = v1alpha1.AudienceSole
			p.Spec.AudienceAliases = []string{"a", "b"}
			p.Spec.CertificateExpiry = v1alpha1.CertificateExpiryIgnore
			p.Spec.ClockSkew, p.Spec.MaxAge, p.Spec.MaxLifetime = "0s", "5m", "1h30m"
			p.Spec.Replay = v1alpha1.ReplayOneTime
			p.Spec.Scopes = []v1alpha1.Scope{"read", "write"}
		}, func(p *trust.Provider) {
			p.Enabled, p.SoleAudience, p.EnforceCertificates = false, true, false
			p.AudienceAliases = []string{"a", "b"}
			p.ClockSkew, p.MaxAge, p.MaxLifetime = 0, 5*time.Minute, 90*time.Minute
			p.Replay, p.Scopes = trust.ReplayOneTime, []string{"read", "write"}
		}},
		"defaults spelt out": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.GrantEnabled = new(true)
			p.Spec.AudiencePolicy, p.Spec.CertificateExpiry = v1alpha1.AudienceAny, v1alpha1.CertificateExpiryEnforce
			p.Spec.Replay = v1alpha1.ReplayOneTimeIfPresent
		}, func(*trust.Provider) {}},
		"reuse":    {func(p *v1alpha1.IdentityProvider) { p.Spec.Replay = v1alpha1.ReplayReuse }, func(p *trust.Provider) { p.Replay = trust.ReplayReuse }},
		"no scope": {func(p *v1alpha1.IdentityProvider) { p.Spec.Scopes = []v1alpha1.Scope{} }, func(p *trust.Provider) { p.Scopes = []string{} }},
		"issuer is the one that was resolved with the keys": {func(p *v1alpha1.IdentityProvider) { p.Spec.Issuer = "https://new.example" }, func(*trust.Provider) {}},
	} {
		t.Run(name, func(t *testing.T) {
			p, want := provider(t), base()
			tc.change(p)
			tc.want(&want)
			got, err := CompileProvider(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(trust.Provider{}, "Keys")); diff != "" {
				t.Error(diff)
			}
			if len(got.Keys) != 1 {
				t.Errorf("%d keys", len(got.Keys))
			}
		})
	}
}

func TestCompileProviderKeys(t *testing.T) {
	ec, rsa := jwttest.EC("partner", elliptic.P256()).Public(), jwttest.RSA("partner", 2048).Public()
	for name, tc := range map[string]struct {
		keys    []v1alpha1.TrustedKey
		allowed []v1alpha1.SignatureAlgorithm
		want    map[string][]jose.Algorithm
	}{
		"as resolved":              {[]v1alpha1.TrustedKey{trusted(t, "r", rsa, "RS256", "PS256")}, nil, map[string][]jose.Algorithm{"r": {"RS256", "PS256"}}},
		"no kid":                   {[]v1alpha1.TrustedKey{trusted(t, "", ec, "ES256")}, nil, map[string][]jose.Algorithm{"": {"ES256"}}},
		"spec restricts a status":  {[]v1alpha1.TrustedKey{trusted(t, "r", rsa, "RS256", "PS256")}, []v1alpha1.SignatureAlgorithm{"PS256"}, map[string][]jose.Algorithm{"r": {"PS256"}}},
		"spec drops a key":         {[]v1alpha1.TrustedKey{trusted(t, "r", rsa, "RS256"), trusted(t, "e", ec, "ES256")}, []v1alpha1.SignatureAlgorithm{"ES256"}, map[string][]jose.Algorithm{"e": {"ES256"}}},
		"spec adds nothing":        {[]v1alpha1.TrustedKey{trusted(t, "r", rsa, "RS256")}, []v1alpha1.SignatureAlgorithm{"RS256", "PS256"}, map[string][]jose.Algorithm{"r": {"RS256"}}},
		"status without algorithm": {[]v1alpha1.TrustedKey{trusted(t, "r", rsa), trusted(t, "e", ec, "ES256")}, nil, map[string][]jose.Algorithm{"e": {"ES256"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			p.Status.Trust.Keys, p.Spec.Algorithms = tc.keys, tc.allowed
			compiled, err := CompileProvider(p)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][]jose.Algorithm{}
			for _, k := range compiled.Keys {
				got[k.KeyID()] = k.Algorithms()
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.SortSlices(func(a, b jose.Algorithm) bool { return a < b })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompileProviderKeepsCertificate(t *testing.T) {
	p := provider(t)
	end := metav1.NewTime(created().Add(time.Hour))
	p.Status.Trust.Keys[0].Certificate = &v1alpha1.CertificateSummary{
		NotBefore: created(), NotAfter: end, ThumbprintSHA1: "one", ThumbprintSHA256: "two",
	}
	got, err := CompileProvider(p)
	if err != nil {
		t.Fatal(err)
	}
	want := &jose.Certificate{NotBefore: created().Time, NotAfter: end.Time, ThumbprintSHA1: "one", ThumbprintSHA256: "two"}
	if diff := cmp.Diff(want, got.Keys[0].Certificate()); diff != "" {
		t.Error(diff)
	}
}

func TestCompileProviderRefuses(t *testing.T) {
	weak := jwttest.RSA("weak", 1024)
	weakJWK := `{"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(weak.N.Bytes()) + `"}`
	for name, tc := range map[string]struct {
		change     func(*v1alpha1.IdentityProvider)
		noIdentity bool
	}{
		"no trust":          {func(p *v1alpha1.IdentityProvider) { p.Status.Trust = nil }, true},
		"being deleted":     {func(p *v1alpha1.IdentityProvider) { p.DeletionTimestamp = new(created()) }, true},
		"no keys":           {func(p *v1alpha1.IdentityProvider) { p.Status.Trust.Keys = nil }, true},
		"no algorithm left": {func(p *v1alpha1.IdentityProvider) { p.Spec.Algorithms = []v1alpha1.SignatureAlgorithm{"RS256"} }, true},
		"one corrupted key": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys = append(p.Status.Trust.Keys, v1alpha1.TrustedKey{Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"}, PublicJWK: `{"kty":"EC"`})
		}, false},
		"weak key": {func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys = append(p.Status.Trust.Keys, v1alpha1.TrustedKey{Algorithms: []v1alpha1.SignatureAlgorithm{"RS256"}, PublicJWK: weakJWK})
		}, false},
		"unknown replay":      {func(p *v1alpha1.IdentityProvider) { p.Spec.Replay = "Sometimes" }, false},
		"clock skew":          {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "soon" }, false},
		"negative clock skew": {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "-1s" }, false},
		"max age":             {func(p *v1alpha1.IdentityProvider) { p.Spec.MaxAge = "5" }, false},
		"max lifetime":        {func(p *v1alpha1.IdentityProvider) { p.Spec.MaxLifetime = "1d" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			tc.change(p)
			got, err := CompileProvider(p)
			if err == nil || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if errors.Is(err, ErrNoIdentity) != tc.noIdentity {
				t.Errorf("error %v", err)
			}
		})
	}
}
