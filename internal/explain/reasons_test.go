package explain

import (
	"crypto/elliptic"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// refusal is an attempt that is refused for a reason, by the check, with what the fix must name.
type refusal struct {
	reason oauth.Reason
	check  string
	fix    string
	change change
}

// refusals have every reason for which an assertion, or the client for it, can be refused.
func refusals() []refusal {
	return slices.Concat(formRefusals(), providerRefusals(), claimRefusals(), timeRefusals(), clientRefusals())
}

// refusalFor is the change that makes an attempt be refused for a reason.
func refusalFor(reason oauth.Reason) change {
	list := refusals()
	return list[slices.IndexFunc(list, func(r refusal) bool { return r.reason == reason })].change
}

func rewrite(f func(string) string) change { return func(a *attempt) { a.edit = f } }

func formRefusals() []refusal {
	return []refusal{
		{oauth.ReasonMissingAssertion, "request", "Send the assertion", rewrite(func(string) string { return "" })},
		{oauth.ReasonAssertionTooLarge, "form", "leave out what is not needed", claim("groups", `"`+strings.Repeat("g", 20_000)+`"`)},
		{oauth.ReasonBodyTooLarge, "request", "16 KiB", claim("groups", `"`+strings.Repeat("g", 90_000)+`"`)},
		{oauth.ReasonAssertionEncrypted, "form", "Switch encryption off", rewrite(func(s string) string { return s + ".a.b" })},
		{oauth.ReasonAssertionMalformed, "form", "compact form alone", rewrite(func(s string) string { return "Bearer " + s })},
		{oauth.ReasonHeaderMalformed, "form", "Mend what signs it", header("kid", `7`)},
		{oauth.ReasonHeaderCritical, "form", "plain JWTs", header("crit", `["exp"]`)},
		{oauth.ReasonNested, "content-type", "sign the claims themselves", header("cty", `"JWT"`)},
		{oauth.ReasonClaimsMalformed, "claims-set", "seconds since 1970", claim("exp", `"tomorrow"`)},
	}
}

func providerRefusals() []refusal {
	elsewhere := func(a *attempt) { a.provider.Namespace = "idp-team" }
	return []refusal{
		{oauth.ReasonIssuerMissing, "issuer-present", "iss", without("iss")},
		{oauth.ReasonSelfIssued, "not-self-issued", "identity provider", claim("iss", jwttest.Quote(server+"/t/team-a"))},
		{oauth.ReasonProviderUnknown, "provider", "kind: IdentityProvider", claim("iss", `"https://unknown.example.com"`)},
		{oauth.ReasonProviderNotAllowed, "provider-allowed", "name: idp, namespace: team-a", func(a *attempt) {
			a.others = append(a.others, provider("other", "https://other.example.com", trustedKey("other")))
			a.client.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "other"}}
		}},
		{oauth.ReasonProviderDisabled, "provider-enabled", `patch idp idp --type merge -p '{"spec":{"grantEnabled":true}}'`, ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.GrantEnabled = new(false)
		})},
		{oauth.ReasonTypeNotAccepted, "type", "spec.profile", header("typ", `"at+jwt"`)},
		{oauth.ReasonAlgorithmNotAllowed, "key", "spec.algorithms", header("alg", `"RS256"`)},
		{oauth.ReasonNoMatchingKey, "key", "idp-cert", all(header("kid", `"new"`), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys[0].KeyID = "old"
		}))},
		{oauth.ReasonCertificateValidity, "key", "The certificate of Secret team-a/idp-cert expired on 2026-06-01T11:00:00Z", ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Status.Trust.Keys[0] = certified(p.Status.Trust.Keys[0], -2*time.Hour, -time.Hour)
		})},
		{oauth.ReasonSignatureInvalid, "signature", "None of the provider's keys", func(a *attempt) { a.key = jwttest.EC("attacker", elliptic.P256()) }},
		{oauth.ReasonSubjectTooLong, "granted-subject", "subject.expression", all(claim("sub", `"`+strings.Repeat("s", 512)+`"`), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.Subject = &v1alpha1.SubjectMapping{Prefix: new(strings.Repeat("p", 513))}
		}))},
		{oauth.ReasonSubjectReserved, "granted-subject", "spec.subject.prefix", all(claim("sub", `"team-b/idp:alice"`), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.Subject = &v1alpha1.SubjectMapping{Prefix: new("")}
		}))},
		{"", "", "", func(a *attempt) { // accepted across namespaces
			elsewhere(a)
			a.provider.Spec.AllowedClientNamespaces = &v1alpha1.AllowedClientNamespaces{From: v1alpha1.NamespacesFromAll}
			a.client.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "idp", Namespace: "idp-team"}}
		}},
	}
}

// idJAG is an assertion of an enterprise for this one client.
func idJAG() change {
	return all(withProfile(v1alpha1.ProfileIDJAG), header("typ", `"oauth-id-jag+jwt"`), claim("aud", jwttest.Quote(server), "client_id", `"team-a.playground"`),
		ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.AudienceAliases = []string{server} }))
}

func claimRefusals() []refusal {
	rule := func(expression string) change {
		return ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.ClaimValidationRules = []v1alpha1.ClaimValidationRule{{Expression: expression, Message: "only main"}}
		})
	}
	return []refusal{
		{oauth.ReasonSubjectMissing, "subject", "sub", without("sub")},
		{oauth.ReasonSubjectForm, "subject-form", "workload", withProfile(v1alpha1.ProfileSPIFFE)},
		{oauth.ReasonClientIDClaim, "client-id-claim", "team-a.playground", all(idJAG(), claim("client_id", `"another"`))},
		{oauth.ReasonBoundToKey, "id-jag", "not bound", all(idJAG(), claim("cnf", `{}`))},
		{oauth.ReasonDetailsNotSupported, "id-jag", "scope and resource", all(idJAG(), claim("authorization_details", `[]`))},
		{oauth.ReasonTenantNotJudged, "id-jag", "claimValidationRules", all(idJAG(), claim("tenant", `"acme"`))},
		{oauth.ReasonPublicClient, "confidential-client", "spec.authentication", all(idJAG(), ofClient(func(c *v1alpha1.OAuthClient) {
			c.Spec.Authentication = v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}}
		}))},
		{oauth.ReasonAudienceMissing, "audience-present", alias, without("aud")},
		{oauth.ReasonAudienceMismatch, "audience", `  - "https://else.example.com"`, claim("aud", `"https://else.example.com"`)},
		{oauth.ReasonClaimRule, "claim-rules", "spec.claimValidationRules", rule(`claims.sub == "bob"`)},
		{oauth.ReasonClaimRuleFailed, "claim-rules", "has()", rule(`claims.ref == "main"`)},
		{oauth.ReasonJWTIDMissing, "jti", `{"spec":{"replay":"OneTimeIfPresent"}}`, all(without("jti"), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.Replay = v1alpha1.ReplayOneTime
		}))},
		{oauth.ReasonIssuedBeforeStart, "one-time-use", "iat or nbf", all(without("iat"), ofProvider(func(p *v1alpha1.IdentityProvider) {
			p.Spec.Replay = v1alpha1.ReplayOneTime
		}))},
	}
}

func timeRefusals() []refusal {
	maxAge := ofProvider(func(p *v1alpha1.IdentityProvider) { p.Spec.MaxAge = "1m" })
	return []refusal{
		{oauth.ReasonExpiryMissing, "expiry-present", "exp", without("exp")},
		{oauth.ReasonExpired, "expiry", `{"spec":{"clockSkew":"2m"}}`, claim("iat", at(-600), "exp", at(-90))},
		{oauth.ReasonNotYetValid, "not-before", "Wait", claim("nbf", at(100))},
		{oauth.ReasonIssuedInFuture, "issued-at", "clock", claim("iat", at(100))},
		{oauth.ReasonTimesContradict, "order-of-times", "Set exp after iat", claim("iat", at(20), "exp", at(10))},
		{oauth.ReasonIssuedAtMissing, "age", "spec.maxAge", all(maxAge, without("iat"))},
		{oauth.ReasonTooOld, "age", "spec.maxAge", all(maxAge, claim("iat", at(-200)))},
		{oauth.ReasonLifetimeTooLong, "lifetime", "spec.maxLifetime", claim("exp", at(90_000))},
	}
}

func clientRefusals() []refusal {
	return []refusal{
		{oauth.ReasonUnknownClient, "client", "DuplicateClientID: another one has it", ofClient(func(c *v1alpha1.OAuthClient) {
			c.Status.ClientID = ""
			c.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Reason: "DuplicateClientID", Message: "another one has it"}}
		})},
		{oauth.ReasonDisabledClient, "client-enabled", `patch oac playground`, ofClient(func(c *v1alpha1.OAuthClient) { c.Spec.GrantEnabled = new(false) })},
		{oauth.ReasonNoClientCredentials, "client-authentication", "nothing that it could authenticate with", ofClient(func(c *v1alpha1.OAuthClient) {
			c.Status.Credentials = nil
		})},
		{oauth.ReasonGrantDisabled, "grant-enabled", "grants.jwtBearer.enabled", func(a *attempt) { a.options.DisabledGrants = []string{oauth.GrantTypeJWTBearer} }},
		{oauth.ReasonGrantNotAllowed, "grant-allowed", "  - ClientCredentials\n  - JWTBearer", ofClient(func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}
		})},
		{oauth.ReasonMalformedScope, "scope", "one blank each", func(a *attempt) { a.options.Scope = "read  write" }},
		{oauth.ReasonScopeNotAllowed, "scope", "edit oac playground", func(a *attempt) { a.options.Scope = "admin" }},
		{oauth.ReasonTargetNotAllowed, "resource", `  - "https://third.example.com"`, func(a *attempt) { a.options.Resources = []string{"https://third.example.com"} }},
	}
}
