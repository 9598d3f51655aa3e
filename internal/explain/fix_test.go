package explain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// follow does what a fix says: a patch of kubectl, or YAML that is put into the object.
func follow(t *testing.T, fix string, object any) {
	t.Helper()
	text := ""
	if _, patch, ok := strings.Cut(fix, "-p '"); ok {
		text, _, _ = strings.Cut(patch, "'")
	} else if _, lines, ok := strings.Cut(fix, "\nspec:\n"); ok {
		text = "spec:\n" + lines
	} else {
		t.Fatalf("nothing to follow in %q", fix)
	}
	inner, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if err := json.Unmarshal(inner, object); err != nil {
		t.Fatalf("%v in %s", err, inner)
	}
}

func sole(p *v1alpha1.IdentityProvider) { p.Spec.AudiencePolicy = v1alpha1.AudienceSole }

func capped(c *v1alpha1.OAuthClient) {
	c.Spec.AccessToken = &v1alpha1.AccessTokenPolicy{CapToAssertion: new(true)}
}

// Fixes that change an object make a token server accept what it refused, and the API server take them.
func TestFixesWork(t *testing.T) {
	const none = oauth.Reason("")
	skew := func(of v1alpha1.Duration) change {
		return ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = of })
	}
	provider := func(a *attempt) any { return a.provider }
	client := func(a *attempt) any { return a.client }
	resources := func(of ...string) change { return func(a *attempt) { a.options.Resources = of } }
	for name, tc := range map[string]struct {
		change change
		check  string
		object func(*attempt) any
		then   oauth.Reason
	}{
		"aud of another name":       {claim("aud", `["https://x.example.com"]`), "audience", provider, none},
		"aud, and it is sole":       {all(ofProvider(sole), claim("aud", `["`+alias+`","https://x.example.com","https://y.example.com"]`)), "audience", provider, none},
		"aud, some cannot be names": {claim("aud", `["","a b","https://x.example.com"]`), "audience", provider, none},
		"aud of an ID-JAG":          {all(idJAG(), ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.AudienceAliases = []string{alias} })), "audience", provider, none},
		"resource":                  {resources("https://third.example.com", "https://api.example.com"), "resource", client, none},
		"resource of no list":       {all(resources("https://third.example.com", server), ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.Resources = nil })), "resource", client, none},
		"resource of an ID-JAG":     {all(idJAG(), claim("resource", `"https://third.example.com"`)), "resource", client, none},
		"clock":                     {claim("iat", at(-600), "exp", at(-100)), "expiry", provider, none},
		"clock that is far off":     {claim("nbf", at(200)), "not-before", provider, none},
		"clock of the issuer":       {all(skew("2m"), claim("iat", at(130))), "issued-at", provider, none},
		"end of the assertion":      {all(skew("5m"), ofClient(capped), claim("iat", at(-600), "exp", at(-100))), "time-left", client, none},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttempt(tc.change)
			failed := a.explain(t).Failures()
			i := slices.IndexFunc(failed, func(c Check) bool { return c.ID == tc.check })
			if i < 0 {
				t.Fatalf("failed are %+v", failed)
			}
			follow(t, failed[i].Fix, tc.object(a))
			for _, values := range [][]string{a.provider.Spec.AudienceAliases, a.client.Spec.Resources} {
				if sorted := slices.Sorted(slices.Values(values)); len(slices.Compact(sorted)) < len(values) || slices.Contains(values, "") {
					t.Errorf("the API server takes no %q", values)
				}
			}
			if reason, _ := a.answered(t, a.text()); reason != tc.then {
				t.Errorf("%q after: %s", reason, failed[i].Fix)
			}
		})
	}
}

// Fixes suggest nothing that the schema refuses, that changes nothing or that makes it worse.
func TestFixesSuggestNothingInVain(t *testing.T) {
	manyAliases := ofProvider(func(p *v1alpha1.IdentityProvider) {
		for range maxAliases - 1 {
			p.Spec.AudienceAliases = append(p.Spec.AudienceAliases, alias+strings.Repeat("x", len(p.Spec.AudienceAliases)))
		}
	})
	manyResources := ofClient(func(c *v1alpha1.OAuthClient) {
		for len(c.Spec.Resources) < maxResources {
			c.Spec.Resources = append(c.Spec.Resources, "https://api.example.com/"+strings.Repeat("x", len(c.Spec.Resources)))
		}
	})
	for name, tc := range map[string]struct {
		change       change
		check        string
		says, spares string
	}{
		"two tokens":                  {rewrite(func(s string) string { return s + "\n" + s }), "form", "two tokens", "Switch encryption off"},
		"two tokens, glued":           {all(rewrite(func(s string) string { return s + s }), func(a *attempt) { a.options.SpaceLeftOut = true }), "form", "two tokens", "Switch encryption off"},
		"encrypted":                   {rewrite(func(s string) string { return s + ".x.y" }), "form", "Switch encryption off", "two tokens"},
		"empty aud":                   {claim("aud", `""`), "audience", "with aud " + alias, "audienceAliases"},
		"aud with a space":            {claim("aud", `"a b"`), "audience", "with aud " + alias, "audienceAliases"},
		"aud that is not ASCII":       {claim("aud", `"ä"`), "audience", "with aud " + alias, "audienceAliases"},
		"aud that is long":            {claim("aud", `"`+strings.Repeat("x", 513)+`"`), "audience", "with aud " + alias, "audienceAliases"},
		"sole, and no name":           {all(ofProvider(sole), claim("aud", `["`+alias+`",""]`)), "audience", "it may name nobody else", "audienceAliases"},
		"as many names as can be":     {all(manyAliases, claim("aud", `"https://x.example.com"`)), "audience", "with aud " + alias, "audienceAliases"},
		"resource with fragment":      {func(a *attempt) { a.options.Resources = []string{"https://x.example.com#y"} }, "resource", "without fragment", "spec:"},
		"as many resources as can be": {all(manyResources, func(a *attempt) { a.options.Resources = []string{"https://x.example.com"} }), "resource", "as many as there can be", "spec:"},
		"ID-JAG without jti":          {all(idJAG(), without("jti")), "jti", "jti of its own", "replay"},
		"resource beyond an ID-JAG": {
			all(idJAG(), claim("resource", `"https://api.example.com"`), func(a *attempt) { a.options.Resources = []string{"https://other.example.com"} }),
			"resource", "is for https://api.example.com and no other", "spec:",
		},
		"scope beyond an ID-JAG": {all(idJAG(), claim("scope", `"read"`), func(a *attempt) { a.options.Scope = "write" }), "scope", "no more than the scope read", "edit oac"},
		"scope of an ID-JAG":     {all(idJAG(), claim("scope", `"admin"`)), "scope", "edit oac", "no more than"},
		"scope beyond the provider": {
			all(ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.Scopes = []v1alpha1.Scope{"read"} }), func(a *attempt) { a.options.Scope = "write" }),
			"scope", "edit idp", "edit oac",
		},
		"clock, all is allowed":   {all(ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.ClockSkew = "5m" }), claim("nbf", at(400))), "not-before", "no clock skew", "patch"},
		"clock, nothing would do": {claim("nbf", at(400)), "not-before", "no clock skew", "patch"},
	} {
		t.Run(name, func(t *testing.T) {
			failed := newAttempt(tc.change).explain(t).Failures()
			i := slices.IndexFunc(failed, func(c Check) bool { return c.ID == tc.check })
			if i < 0 || !strings.Contains(failed[i].Fix, tc.says) || strings.Contains(failed[i].Fix, tc.spares) {
				t.Errorf("%+v", failed)
			}
		})
	}
}

// What an ID-JAG allows is shown beside what is asked for.
func TestBoundsOfAnIDJAGAreSeen(t *testing.T) {
	bound := all(idJAG(), claim("scope", `"read"`, "resource", `"https://api.example.com"`))
	r := newAttempt(bound).explain(t)
	for id, want := range map[string][2]string{
		"scope":    {"that of the ID-JAG: read", ", and of the ID-JAG's read"},
		"resource": {"that of the ID-JAG: https://api.example.com", ", and of the ID-JAG's https://api.example.com"},
	} {
		c := r.Checks[slices.IndexFunc(r.Checks, func(c Check) bool { return c.ID == id })]
		if c.Seen != want[0] || !strings.HasSuffix(c.Wanted, want[1]) {
			t.Errorf("%+v", c)
		}
	}
}

// A list of providers that is made for a client without one holds those too that have no keys at the moment.
func TestProvidersToNameAreAllThatThereAre(t *testing.T) {
	a := newAttempt()
	resting := provider("resting", "https://resting.example.com")
	resting.Status.Trust = nil
	a.others = append(a.others, resting)
	a.provider.Namespace, a.provider.Spec.AllowedClientNamespaces = "idp-team", &v1alpha1.AllowedClientNamespaces{From: v1alpha1.NamespacesFromAll}
	fix := a.explain(t).Failures()[0].Fix
	for _, want := range []string{"{name: resting, namespace: team-a}", "{name: idp, namespace: idp-team}", "without a list it has all of them"} {
		if !strings.Contains(fix, want) {
			t.Errorf("%q does not say %q", fix, want)
		}
	}
}

// Where one namespace was looked at, a provider of another is not said to be missing.
func TestOneNamespaceWasLookedAt(t *testing.T) {
	elsewhere := func(a *attempt) {
		a.options.Client, a.options.Namespace = types.NamespacedName{}, "default"
		a.provider.Namespace = "default"
		a.provider.Spec.Issuer, a.provider.Status.Trust.Issuer = "https://other.example.com", "https://other.example.com"
	}
	fix := newAttempt(elsewhere).explain(t).Failures()[0].Fix
	for _, want := range []string{"No IdentityProvider in namespace default", "no other namespace was looked at", "-n", "-A", "--client"} {
		if !strings.Contains(fix, want) {
			t.Errorf("%q does not say %q", fix, want)
		}
	}
	if fix := newAttempt(elsewhere, func(a *attempt) { a.options.Namespace = "" }).explain(t).Failures()[0].Fix; strings.Contains(fix, "looked at") {
		t.Errorf("%q", fix)
	}
}
