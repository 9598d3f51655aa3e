package operator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

func withRules(list ...v1alpha1.ClaimValidationRule) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) { p.Spec.ClaimValidationRules = list }
}

func of(profile v1alpha1.Profile) func(*v1alpha1.IdentityProvider) {
	return func(p *v1alpha1.IdentityProvider) { p.Spec.Profile = profile }
}

func expression(text string) v1alpha1.ClaimValidationRule {
	return v1alpha1.ClaimValidationRule{Expression: text, Message: "no"}
}

// Whoever shares an issuer with strangers must say whose assertions count.
func TestIdentityRule(t *testing.T) {
	const (
		kubernetes = `{expression: "claims.sub.startsWith('system:serviceaccount:team-a:')"}`
		github     = `{claim: repository_owner_id, requiredValue: "<the numeric id of your organization>"}`
	)
	for name, tc := range map[string]struct {
		profile v1alpha1.Profile
		rules   []v1alpha1.ClaimValidationRule
		say     string // nothing where the rules are enough
	}{
		"Kubernetes without rules": {v1alpha1.ProfileKubernetes, nil, kubernetes},
		"Kubernetes by subject":    {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression("claims.sub.startsWith('system:serviceaccount:team-a:')")}, ""},
		"Kubernetes by the rule for a claim": {
			v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{{Claim: "sub", RequiredValue: "system:serviceaccount:team-a:app"}}, "",
		},
		"Kubernetes by namespace":     {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression(`claims["kubernetes.io"].namespace == "team-a"`)}, ""},
		"Kubernetes by audience":      {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression(`"https://as.example" in claims.aud`)}, kubernetes},
		"Kubernetes, always true":     {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression("true")}, kubernetes},
		"Kubernetes, true by subject": {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression("claims.sub == claims.sub")}, kubernetes},
		"Kubernetes, subject exists":  {v1alpha1.ProfileKubernetes, []v1alpha1.ClaimValidationRule{expression("has(claims.sub)")}, kubernetes},
		"GitHub without rules":        {v1alpha1.ProfileGitHubActions, nil, github},
		"GitHub by owner":             {v1alpha1.ProfileGitHubActions, []v1alpha1.ClaimValidationRule{{Claim: "repository_owner_id", RequiredValue: "1"}}, ""},
		"GitHub by workflow":          {v1alpha1.ProfileGitHubActions, []v1alpha1.ClaimValidationRule{expression(`claims.job_workflow_ref == "o/r/.github/workflows/a.yaml@refs/heads/main"`)}, ""},
		"GitHub by branch":            {v1alpha1.ProfileGitHubActions, []v1alpha1.ClaimValidationRule{{Claim: "ref", RequiredValue: "refs/heads/main"}}, github},
		"SPIFFE needs none":           {v1alpha1.ProfileSPIFFE, nil, ""},
		"IDJAG needs none":            {v1alpha1.ProfileIDJAG, nil, ""},
		"Generic needs none":          {v1alpha1.ProfileGeneric, nil, ""},
		"no profile needs none":       {"", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := ProviderInput{Provider: provider(inline(jwk("a")), of(tc.profile), withRules(tc.rules...))}
			checkFixedPoint(t, in)
			status := evaluated(in).Status
			got := status.Conditions[0]
			want := v1alpha1.ReasonAccepted
			if tc.say != "" {
				want = v1alpha1.ReasonIdentityRuleMissing
			}
			if got.Reason != want || !strings.Contains(got.Message, tc.say) || (status.Trust != nil) != (tc.say == "") {
				t.Errorf("reason %s, message %q, trust %v", got.Reason, got.Message, status.Trust != nil)
			}
			if tc.say != "" && !strings.Contains(got.Message, "spec.claimValidationRules") {
				t.Errorf("message %q", got.Message)
			}
			checkConditions(t, status.Conditions)
		})
	}
}

// The keys of the API server are those of every workload of the cluster, whatever the profile calls the issuer.
func TestIdentityRuleOfTheClusterIssuer(t *testing.T) {
	for _, profile := range []v1alpha1.Profile{
		"", v1alpha1.ProfileGeneric, v1alpha1.ProfileKubernetes, v1alpha1.ProfileSPIFFE, v1alpha1.ProfileGitHubActions, v1alpha1.ProfileIDJAG,
	} {
		for name, tc := range map[string]struct {
			rules []v1alpha1.ClaimValidationRule
			want  string
		}{
			"no rule":                     {nil, "!IdentityRuleMissing"},
			"rule about the audience":     {[]v1alpha1.ClaimValidationRule{expression(`"https://as.example" in claims.aud`)}, "!IdentityRuleMissing"},
			"rule of another profile":     {[]v1alpha1.ClaimValidationRule{{Claim: "repository_owner_id", RequiredValue: "1"}}, "!IdentityRuleMissing"},
			"rule about the subject":      {[]v1alpha1.ClaimValidationRule{expression("claims.sub.startsWith('system:serviceaccount:team-a:')")}, "Accepted"},
			"rule about the namespace":    {[]v1alpha1.ClaimValidationRule{expression(`claims["kubernetes.io"].namespace == "team-a"`)}, "Accepted"},
			"rule for one ServiceAccount": {[]v1alpha1.ClaimValidationRule{{Claim: "sub", RequiredValue: "system:serviceaccount:team-a:app"}}, "Accepted"},
		} {
			t.Run(string(profile)+" "+name, func(t *testing.T) {
				in := ProviderInput{
					Provider: provider(of(profile), withRules(tc.rules...), clusterIssuer), Lookup: answers(fetchedAt(start, jwk("a"))), Now: start,
				}
				checkFixedPoint(t, in)
				status := evaluated(in).Status
				if got := summary(status.Conditions)[0]; got != tc.want || (status.Trust != nil) != (tc.want == "Accepted") {
					t.Errorf("%s, trust %+v", got, status.Trust)
				}
				if said := status.Conditions[0].Message; tc.want != "Accepted" && !strings.HasPrefix(said, "Every workload of the cluster can get a token of this issuer") {
					t.Errorf("message %q", said)
				}
			})
		}
	}
}

// A mapping or a subject restricts nobody.
func TestIdentityRuleIsNoMapping(t *testing.T) {
	status := evaluated(ProviderInput{Provider: provider(inline(jwk("a")), of(v1alpha1.ProfileKubernetes), func(p *v1alpha1.IdentityProvider) {
		p.Spec.Subject = &v1alpha1.SubjectMapping{Expression: "claims.sub"}
		p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "who", Expression: "claims.sub"}}
	})}).Status
	if got := status.Conditions[0].Reason; got != v1alpha1.ReasonIdentityRuleMissing || status.Trust != nil {
		t.Errorf("reason %s", got)
	}
}

func TestInvalidExpression(t *testing.T) {
	for name, tc := range map[string]struct {
		mutate func(*v1alpha1.IdentityProvider)
		say    string
	}{
		"a rule": {
			withRules(expression("true"), expression("claims.sub ==\n  ")), "spec.claimValidationRules[1].expression: 2:3: ",
		},
		"a rule that is no condition": {withRules(expression("claims.sub + 'x'")), "spec.claimValidationRules[0].expression: "},
		"an unknown name":             {withRules(expression("claim.sub == 'x'")), "spec.claimValidationRules[0].expression: 1:1: "},
		"a mapping": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "a", Expression: "claims.["}}
		}, "spec.claimMappings[0].expression: 1:"},
		"a reserved claim": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimMappings = []v1alpha1.ClaimMapping{{Claim: "iss", Expression: "claims.iss"}}
		}, "spec.claimMappings[0].claim: "},
		"the subject": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.Subject = &v1alpha1.SubjectMapping{Expression: "claims.sub +"}
		}, "spec.subject.expression: 1:"},
		"before a missing identity rule": {func(p *v1alpha1.IdentityProvider) {
			p.Spec.Profile = v1alpha1.ProfileKubernetes
			withRules(expression("("))(p)
		}, "spec.claimValidationRules[0].expression: 1:"},
		"a duration":      {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "soon" }, "The spec cannot be understood: read spec.clockSkew"},
		"a profile":       {of("Other"), `The spec cannot be understood: read spec.profile: "Other" is unknown`},
		"a negative skew": {func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "-1h" }, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			in := ProviderInput{Provider: provider(inline(jwk("a")), tc.mutate), Rivals: []*v1alpha1.IdentityProvider{rival()}}
			checkFixedPoint(t, in)
			status := evaluated(in).Status
			want := []string{"!InvalidExpression", "ResolvedRefs", "KeysReady", "Programmed", "!InvalidExpression"}
			if diff := cmp.Diff(want, summary(status.Conditions)); diff != "" {
				t.Error(diff)
			}
			if say := status.Conditions[0].Message; !strings.Contains(say, tc.say) {
				t.Errorf("message %q, want %q in it", say, tc.say)
			}
			checkConditions(t, status.Conditions)
			if status.Trust != nil {
				t.Errorf("trust %+v", status.Trust)
			}
		})
	}
}

// What applies is shown, whatever else is wrong.
func TestEffectiveIsAlwaysShown(t *testing.T) {
	for name, in := range map[string]ProviderInput{
		"ready":      {Provider: provider(inline(jwk("a")))},
		"no Secret":  {Provider: provider()},
		"no rule":    {Provider: provider(of(v1alpha1.ProfileKubernetes))},
		"bad rule":   {Provider: provider(withRules(expression("(")))},
		"bad skew":   {Provider: provider(func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "soon" })},
		"duplicate":  {Provider: provider(), Rivals: []*v1alpha1.IdentityProvider{rival()}},
		"no fetch":   {Provider: provider(remote(siteURL))},
		"no servers": {Provider: provider(inline(jwk("a"))), Loaded: Loaded{Have: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			e := evaluated(in).Status.Effective
			if e == nil || e.Profile == "" || e.ClockSkew == "" || e.MaxLifetime == "" || *e.SubjectPrefix != "team-a/partner:" {
				t.Errorf("effective %+v", e)
			}
		})
	}
	if e := evaluated(ProviderInput{Provider: provider(of(v1alpha1.ProfileSPIFFE))}).Status.Effective; e.Profile != v1alpha1.ProfileSPIFFE || e.SubjectForm != v1alpha1.SubjectFormSPIFFEID {
		t.Errorf("effective %+v", e)
	}
}
