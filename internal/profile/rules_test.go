package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

func TestRules(t *testing.T) {
	got := Rules(v1alpha1.IdentityProviderSpec{
		ClaimValidationRules: []v1alpha1.ClaimValidationRule{{Claim: "a", RequiredValue: "b"}, {Expression: "true", Message: "m"}},
		ClaimMappings:        []v1alpha1.ClaimMapping{{Claim: "c", Expression: "claims.c"}, {Claim: "d", Expression: "claims.d"}},
		Subject:              &v1alpha1.SubjectMapping{Expression: "claims.sub", Prefix: new("p")},
	})
	want := claimrules.Rules{
		Validations: []claimrules.Validation{{Claim: "a", RequiredValue: "b"}, {Expression: "true", Message: "m"}},
		Mappings:    []claimrules.Mapping{{Claim: "c", Expression: "claims.c"}, {Claim: "d", Expression: "claims.d"}},
		Subject:     "claims.sub",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(claimrules.Rules{}, Rules(v1alpha1.IdentityProviderSpec{})); diff != "" {
		t.Error(diff)
	}
}

// Every identity claim is enough by itself, and nothing else is.
func TestMissesIdentityRule(t *testing.T) {
	compiler, err := claimrules.NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	requiring := func(claim string) *claimrules.Program {
		t.Helper()
		program, err := compiler.Compile(claimrules.Rules{Validations: []claimrules.Validation{{Claim: claim, RequiredValue: "x"}}})
		if err != nil {
			t.Fatal(err)
		}
		return program
	}
	for _, name := range []v1alpha1.Profile{v1alpha1.ProfileKubernetes, v1alpha1.ProfileGitHubActions} {
		policy := resolve(t, provider(of(name)))
		if !policy.MissesIdentityRule(nil) || !policy.MissesIdentityRule(requiring("jti")) {
			t.Errorf("%s: no rule that restricts strangers is enough", name)
		}
		for _, claim := range policy.IdentityClaims {
			if policy.MissesIdentityRule(requiring(claim)) {
				t.Errorf("%s: a rule for %s is not enough", name, claim)
			}
		}
	}
	for _, name := range []v1alpha1.Profile{v1alpha1.ProfileGeneric, v1alpha1.ProfileSPIFFE, v1alpha1.ProfileIDJAG} {
		if resolve(t, provider(of(name))).MissesIdentityRule(nil) {
			t.Errorf("%s: misses a rule", name)
		}
		// The workloads of a cluster share its issuer under any profile.
		policy := resolve(t, provider(of(name), func(s *v1alpha1.IdentityProviderSpec) { s.ClusterIssuer = &v1alpha1.ClusterKeySet{} }))
		if !policy.MissesIdentityRule(requiring("aud")) || policy.MissesIdentityRule(requiring("sub")) {
			t.Errorf("%s: the workloads of a cluster are not told apart", name)
		}
	}
}
