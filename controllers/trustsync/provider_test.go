package trustsync

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"sync"
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

// compile compiles as the token server does.
func compile(o *v1alpha1.IdentityProvider) (*trust.Provider, error) {
	return compiler().Compile(o)
}

var compiler = sync.OnceValue(func() *ProviderCompiler {
	c, err := NewProviderCompiler()
	if err != nil {
		panic(err)
	}
	return c
})

// owned is a rule that tells the strangers of every profile apart.
func owned(p *v1alpha1.IdentityProvider) {
	p.Spec.ClaimValidationRules = append(p.Spec.ClaimValidationRules, v1alpha1.ClaimValidationRule{Claim: "sub", RequiredValue: "me"})
}

func TestCompileProviderMapsEveryField(t *testing.T) {
	base := func() trust.Provider {
		return trust.Provider{
			Key: trust.ObjectKey{Namespace: "team-a", Name: "partner"}, UID: "p-1", Created: created().Time, Issuer: issuer,
			Enabled: true, AudienceAliases: []string{"https://auth.example"}, EnforceCertificates: true,
			Types: []string{"", "jwt", "authorization-grant+jwt"}, AccessTokens: true, SubjectForm: trust.SubjectAny, SubjectPrefix: "team-a/partner:",
			ClockSkew: 30 * time.Second, MaxLifetime: 24 * time.Hour, Replay: trust.ReplayOneTimeIfPresent,
		}
	}
	allowing := func(from v1alpha1.NamespacesFrom, names ...string) func(*v1alpha1.IdentityProvider) {
		return func(p *v1alpha1.IdentityProvider) {
			p.Spec.AllowedClientNamespaces = &v1alpha1.AllowedClientNamespaces{From: from, Namespaces: names}
		}
	}
	from := func(source, url string) func(*v1alpha1.IdentityProvider) {
		return func(p *v1alpha1.IdentityProvider) { p.Status.Trust.Source, p.Status.Trust.URL = source, url }
	}
	nothing := func(*trust.Provider) {}
	remote := func(p *trust.Provider) { p.RemoteKeys = true }
	for name, tc := range map[string]struct {
		change func(*v1alpha1.IdentityProvider)
		want   func(*trust.Provider)
	}{
		"defaults": {func(*v1alpha1.IdentityProvider) {}, nothing},
		"all spelt out": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.GrantEnabled = new(false)
			p.Spec.AudiencePolicy = v1alpha1.AudienceSole
			p.Spec.AudienceAliases = []string{"a", "b"}
			p.Spec.CertificateExpiry = v1alpha1.CertificateExpiryIgnore
			p.Spec.ClockSkew, p.Spec.MaxAge, p.Spec.MaxLifetime = "0s", "5m", "1h30m"
			p.Spec.Replay = v1alpha1.ReplayOneTime
			p.Spec.Scopes = []v1alpha1.Scope{"read", "write"}
			p.Spec.Subject = &v1alpha1.SubjectMapping{Prefix: new("")}
		}, func(p *trust.Provider) {
			p.Enabled, p.SoleAudience, p.EnforceCertificates = false, true, false
			p.AudienceAliases, p.SubjectPrefix = []string{"a", "b"}, ""
			p.ClockSkew, p.MaxAge, p.MaxLifetime = 0, 5*time.Minute, 90*time.Minute
			p.Replay, p.Scopes = trust.ReplayOneTime, []string{"read", "write"}
		}},
		"defaults spelt out": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.GrantEnabled = new(true)
			p.Spec.AudiencePolicy, p.Spec.CertificateExpiry = v1alpha1.AudienceAny, v1alpha1.CertificateExpiryEnforce
			p.Spec.Replay = v1alpha1.ReplayOneTimeIfPresent
		}, nothing},
		"Kubernetes": {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileKubernetes; owned(p) }, func(p *trust.Provider) {
			p.AccessTokens = false
			p.Types, p.SoleAudience, p.SubjectForm, p.Replay = []string{"", "jwt"}, true, trust.SubjectServiceAccount, trust.ReplayReuse
			p.MaxLifetime = 8760 * time.Hour
		}},
		"SPIFFE": {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileSPIFFE }, func(p *trust.Provider) {
			p.AccessTokens = false
			p.Types, p.SoleAudience, p.SubjectForm, p.Replay = []string{"", "jwt", "jose"}, true, trust.SubjectSPIFFEID, trust.ReplayReuse
		}},
		"ID-JAG": {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileIDJAG }, func(p *trust.Provider) {
			p.AccessTokens = false
			p.IDJAG = true
			p.Types, p.SoleAudience, p.ClientIDClaim, p.Replay = []string{"oauth-id-jag+jwt"}, true, true, trust.ReplayOneTime
			p.MaxLifetime, p.NoRefresh = 15*time.Minute, true
		}},
		"reuse":               {func(p *v1alpha1.IdentityProvider) { p.Spec.Replay = v1alpha1.ReplayReuse }, func(p *trust.Provider) { p.Replay = trust.ReplayReuse }},
		"no scope":            {func(p *v1alpha1.IdentityProvider) { p.Spec.Scopes = []v1alpha1.Scope{} }, func(p *trust.Provider) { p.Scopes = []string{} }},
		"own namespace":       {allowing(v1alpha1.NamespacesFromSame, "x"), nothing},
		"all namespaces":      {allowing(v1alpha1.NamespacesFromAll), func(p *trust.Provider) { p.ClientNamespaces.All = true }},
		"some namespaces":     {allowing(v1alpha1.NamespacesFromListed, "x", "y"), func(p *trust.Provider) { p.ClientNamespaces.Names = []string{"x", "y"} }},
		"unknown namespaces":  {allowing("Other", "x"), nothing},
		"keys of a Secret":    {from("Secret", ""), nothing},
		"keys of a URL":       {from("JWKSURI", "https://idp.example/jwks"), remote},
		"keys of a cluster":   {from("ClusterIssuer", ""), remote},
		"keys of a discovery": {from("Discovery", "https://idp.example/.well-known/openid-configuration"), remote},
	} {
		t.Run(name, func(t *testing.T) {
			p, want := provider(t), base()
			tc.change(p)
			tc.want(&want)
			got, err := compile(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(trust.Provider{}, "Keys", "Rules", "RulesID")); diff != "" {
				t.Error(diff)
			}
			if len(got.Keys) != 1 || (got.Rules != nil) != (len(p.Spec.ClaimValidationRules) > 0) {
				t.Errorf("%d keys, rules %v", len(got.Keys), got.Rules)
			}
		})
	}
}

// The rules of a provider are those that are evaluated.
func TestCompileProviderRules(t *testing.T) {
	p := provider(t)
	p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: `claims.team == "a"`, Message: "not of the team"}}
	p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "team", Expression: "claims.team"}}
	p.Spec.Subject = &v1alpha1.SubjectMapping{Expression: `"s-" + claims.sub`}
	got, err := compile(p)
	if err != nil {
		t.Fatal(err)
	}
	result, err := got.Rules.Evaluate(t.Context(), []byte(`{"sub":"x","team":"a"}`))
	if err != nil || result.Subject != "s-x" || len(result.Claims) != 1 || result.Claims[0].Name != "team" || string(result.Claims[0].Value) != `"a"` {
		t.Errorf("result %+v, error %v", result, err)
	}
	if _, err := got.Rules.Evaluate(t.Context(), []byte(`{"sub":"x","team":"b"}`)); err == nil {
		t.Error("a rule that is broken refuses nothing")
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
			compiled, err := compile(p)
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
	got, err := compile(p)
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
		"unknown profile":                    {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = "Other" }, false},
		"no rule for the users of a cluster": {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileKubernetes }, false},
		"no rule for whoever uses this one":  {func(p *v1alpha1.IdentityProvider) { p.Spec.ClusterIssuer = &v1alpha1.ClusterKeySet{} }, false},
		"no rule for everybody's workflows":  {func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = v1alpha1.ProfileGitHubActions }, false},
		"a rule for all": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.Profile = v1alpha1.ProfileKubernetes
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: "true", Message: "m"}}
		}, false},
		"a rule for the audience": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.Profile = v1alpha1.ProfileGitHubActions
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Claim: "aud", RequiredValue: "x"}}
		}, false},
		"broken rule": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: "claims.", Message: "m"}}
		}, false},
		"broken mapping": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "iss", Expression: "claims.iss"}}
		}, false},
		"broken subject":      {func(p *v1alpha1.IdentityProvider) { p.Spec.Subject = &v1alpha1.SubjectMapping{Expression: "1"} }, false},
		"unknown replay":      {func(p *v1alpha1.IdentityProvider) { p.Spec.Replay = "Sometimes" }, false},
		"clock skew":          {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "soon" }, false},
		"negative clock skew": {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "-1s" }, false},
		"max age":             {func(p *v1alpha1.IdentityProvider) { p.Spec.MaxAge = "5" }, false},
		"max lifetime":        {func(p *v1alpha1.IdentityProvider) { p.Spec.MaxLifetime = "1d" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			tc.change(p)
			got, err := compile(p)
			if err == nil || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if errors.Is(err, ErrNoIdentity) != tc.noIdentity {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Forms that are not known here come from a newer version, and must not pass as any.
func TestUnknownFormsAreRefused(t *testing.T) {
	if form, err := subjectForm("Other"); err == nil || form != 0 {
		t.Errorf("form %v, error %v", form, err)
	}
	if policy, err := replayPolicy(""); err == nil || policy != 0 {
		t.Errorf("policy %v, error %v", policy, err)
	}
}
