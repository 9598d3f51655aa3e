package profile

import (
	"slices"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// Rules are the claim rules of a provider, for compilation.
func Rules(spec v1alpha1.IdentityProviderSpec) claimrules.Rules {
	var r claimrules.Rules
	for _, v := range spec.ClaimValidationRules {
		r.Validations = append(r.Validations, claimrules.Validation(v))
	}
	for _, m := range spec.ClaimMappings {
		r.Mappings = append(r.Mappings, claimrules.Mapping(m))
	}
	if spec.Subject != nil {
		r.Subject = spec.Subject.Expression
	}
	return r
}

// MissesIdentityRule reports whether strangers share the issuer and no rule of the program restricts a claim that tells
// them apart. The audience does not: whoever asks the issuer for a token chooses it.
func (p Policy) MissesIdentityRule(program *claimrules.Program) bool {
	if p.IdentityClaims == nil {
		return false
	}
	return program == nil || !slices.ContainsFunc(p.IdentityClaims, program.ReadsClaim)
}
