package trustsync

import (
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// W-72: refresh tokens end when the rules that judged their assertion are no longer those of the provider, and not when
// anything else of it changes, or its server does.
func TestRulesID(t *testing.T) {
	base := func(p *v1alpha1.IdentityProvider) {
		p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{
			{Claim: "team", RequiredValue: "a"}, {Expression: "claims.level > 3", Message: "too low"},
		}
		p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "groups", Expression: "claims.groups"}}
		p.Spec.Subject = &v1alpha1.SubjectMapping{Expression: "claims.login", Prefix: new("x/")}
	}
	id := func(changes ...func(*v1alpha1.IdentityProvider)) string {
		t.Helper()
		p := provider(t)
		for _, change := range changes {
			change(p)
		}
		compiled, err := compile(p)
		if err != nil {
			t.Fatal(err)
		}
		return compiled.RulesID
	}
	// Refresh tokens of other versions of the server hold these.
	for want, got := range map[string]string{"lGTAG3O0e6aO9PU-_9L4lN4dmwQYCfp-": id(), "TwrTBia5RpQOqSssCIpFZlKYk9oTmWkX": id(base)} {
		if got != want {
			t.Errorf("the id is %s, want %s", got, want)
		}
	}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.IdentityProvider)
		same   bool
	}{
		"nothing":            {func(*v1alpha1.IdentityProvider) {}, true},
		"scopes":             {func(p *v1alpha1.IdentityProvider) { p.Spec.Scopes = []v1alpha1.Scope{"read"} }, true},
		"switch":             {func(p *v1alpha1.IdentityProvider) { p.Spec.GrantEnabled = new(false) }, true},
		"message":            {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules[1].Message = "too small" }, true},
		"required value":     {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules[0].RequiredValue = "b" }, false},
		"required claim":     {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules[0].Claim = "b" }, false},
		"expression":         {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules[1].Expression = "claims.level > 4" }, false},
		"one rule less":      {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules = p.Spec.ClaimValidationRules[:1] }, false},
		"mapped name":        {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimMappings[0].Claim = "teams" }, false},
		"mapped value":       {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimMappings[0].Expression = "claims.teams" }, false},
		"no mapping":         {func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimMappings = nil }, false},
		"subject":            {func(p *v1alpha1.IdentityProvider) { p.Spec.Subject.Expression = "claims.name" }, false},
		"prefix":             {func(p *v1alpha1.IdentityProvider) { p.Spec.Subject.Prefix = new("y/") }, false},
		"the default prefix": {func(p *v1alpha1.IdentityProvider) { p.Spec.Subject.Prefix = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			if same := id(base, tc.change) == id(base); same != tc.same {
				t.Errorf("the id is the same: %t", same)
			}
		})
	}
}
