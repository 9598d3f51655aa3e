package explain

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/internal/reasons"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// fix says what to do about a reason. What comes from the assertion stands in it only where it cannot become a part of a
// command: in YAML, between quotes.
func (j *judgement) fix(reason oauth.Reason) string {
	for _, of := range []func(oauth.Reason) string{j.fixForm, j.fixClient, j.fixProvider, j.fixKey, j.fixClaims, j.fixTimes, j.fixGranted} {
		if text := of(reason); text != "" {
			return text
		}
	}
	entry, _ := reasons.For(reason)
	return plain(entry.Fix)
}

// fixForm is about what was given for an assertion.
func (j *judgement) fixForm(reason oauth.Reason) string {
	if reason == oauth.ReasonAssertionEncrypted && (j.options.SpaceLeftOut || stray(j.compact) != "") {
		return "There is white space or another character in it that no assertion has: if these are two tokens, give one of them alone. If it is one of five parts, have the issuer sign and not encrypt it."
	}
	return ""
}

// link is a link of Markdown.
var link = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// plain takes the marks of Markdown out of a text.
func plain(s string) string { return strings.ReplaceAll(link.ReplaceAllString(s, "$1"), "`", "") }

// fixKey is about who signed.
func (j *judgement) fixKey(reason oauth.Reason) string {
	p := j.trace.Provider
	if p == nil {
		return ""
	}
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonTypeNotAccepted:
		return "Have the issuer set typ to one that is wanted. " + profileHint(p)
	case oauth.ReasonAlgorithmNotAllowed:
		return "Have the issuer sign with an algorithm of one of the keys; HMAC and none never verify anything. If spec.algorithms is narrower than the keys, widen it:\n" + edit("idp", p.Key)
	case oauth.ReasonNoMatchingKey:
		return "The provider does not have the key that kid names. " + j.newKeys(p)
	case oauth.ReasonCertificateValidity:
		return j.expiredCertificates(p)
	case oauth.ReasonSignatureInvalid:
		return "None of the provider's keys made this signature: the issuer signs with another key, or the token was changed on its way. Compare the keys with those of the issuer:\n" +
			get("idp", p.Key, "-o jsonpath='{.status.trust.keys}'") + "\n" + j.newKeys(p)
	}
	return ""
}

// newKeys says how new keys come.
func (j *judgement) newKeys(p *trust.Provider) string {
	object := j.world.providers[p.Key]
	if p.RemoteKeys {
		return fmt.Sprintf("The keys come from a URL, and the operator looks there again by itself; a token server asks for that when an assertion names a key that is not known. See when it did:\n%s",
			get("idp", p.Key, "-o jsonpath='{.status.lastFetchTime} {.status.conditions[?(@.type==\"KeysReady\")].message}'"))
	}
	if object != nil && object.Spec.CertificateSecretRef != nil {
		return fmt.Sprintf("Put the issuer's key into the Secret, beside the old one for as long as both sign:\n%s", replaceSecret(p.Key.Namespace, object.Spec.CertificateSecretRef.Name, secretKey(object)))
	}
	return "Add the issuer's key to spec.jwks:\n" + edit("idp", p.Key)
}

func (j *judgement) expiredCertificates(p *trust.Provider) string {
	object := j.world.providers[p.Key]
	var b strings.Builder
	for _, k := range p.Keys {
		cert := k.Certificate()
		switch {
		case cert == nil || p.InValidity(k, j.options.At):
		case cert.NotAfter.Before(j.options.At):
			fmt.Fprintf(&b, "The certificate%s expired on %s. ", j.place(object), instant(cert.NotAfter))
		default:
			fmt.Fprintf(&b, "The certificate%s is not valid before %s. ", j.place(object), instant(cert.NotBefore))
		}
	}
	if object != nil && object.Spec.CertificateSecretRef != nil {
		fmt.Fprintf(&b, "Put the issuer's new one into the Secret:\n%s\n", replaceSecret(p.Key.Namespace, object.Spec.CertificateSecretRef.Name, secretKey(object)))
	}
	b.WriteString("Or, if the certificate only carries the key, set spec.certificateExpiry to Ignore:\n" + patch("idp", p.Key, `{"spec":{"certificateExpiry":"Ignore"}}`))
	return b.String()
}

// fixClaims is about what is said of whom to whom.
func (j *judgement) fixClaims(reason oauth.Reason) string {
	p, c := j.trace.Provider, j.trace.UntrustedClaims
	if p == nil || c == nil {
		return ""
	}
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonSubjectForm:
		return "Present the token of a workload: this provider's issuer names nothing else. " + profileHint(p)
	case oauth.ReasonClientIDClaim:
		return "Have the issuer make the token for this client: client_id in it is " + quoted(j.client.ID) + ". Or let the client present it that it was made for."
	case oauth.ReasonAudienceMissing:
		return "Have the issuer name this server in aud (RFC 7523 §3(3)), by one of spec.audienceAliases of " + p.Key.String() + ": " + list(p.AudienceAliases) + "."
	case oauth.ReasonAudienceMismatch:
		return j.fixAudience(p, c.Audience)
	case oauth.ReasonClaimRule:
		return "A rule of the provider does not hold for these claims. If it should, ask the issuer for a token that it holds for; if the rule is wrong, change spec.claimValidationRules:\n" + edit("idp", p.Key)
	case oauth.ReasonClaimRuleFailed:
		return "An expression of the provider cannot be evaluated for these claims: one that is missing is tested with has(). Change spec.claimValidationRules, spec.claimMappings or spec.subject:\n" + edit("idp", p.Key)
	case oauth.ReasonJWTIDMissing:
		if p.IDJAG {
			return "Have the issuer give every token a jti of its own: an ID-JAG has one, and works once."
		}
		return "Have the issuer give every token a jti of its own. If the provider's assertions may be used more than once, say so:\n" + patch("idp", p.Key, `{"spec":{"replay":"OneTimeIfPresent"}}`)
	case oauth.ReasonIssuedBeforeStart:
		return "Have the issuer say when the token was made, in iat or nbf: without, nobody can tell that it was not used before, and this provider's assertions work once."
	}
	return ""
}

func (j *judgement) fixAudience(p *trust.Provider, audience []string) string {
	if p.IDJAG {
		text := "Have the issuer make the token for this token server: aud is its issuer " + quoted(j.issuer) + " and nothing else, which spec.audienceAliases holds, too."
		if !slices.Contains(p.AudienceAliases, j.issuer) {
			text += " It does not: add it to " + p.Key.String() + ":\n" + aliases(p.AudienceAliases, j.issuer)
		}
		return text
	}
	text := "Have the issuer make the token for this server, with aud " + list(p.AudienceAliases) + ". "
	if p.SoleAudience && len(audience) > 1 {
		text += "With spec.audiencePolicy Sole it may name nobody else. "
	}
	others := slices.DeleteFunc(slices.Clone(audience), func(s string) bool { return slices.Contains(p.AudienceAliases, s) })
	missing := slices.Compact(slices.Sorted(slices.Values(others)))
	if !p.SoleAudience { // One that names this server is enough.
		missing = slices.DeleteFunc(others, func(s string) bool { return !isAlias(s) })
		missing = missing[:min(len(missing), 1)]
	}
	if len(missing) == 0 || !every(missing, isAlias) || len(p.AudienceAliases)+len(missing) > maxAliases {
		return strings.TrimSuffix(text, " ")
	}
	of := "If it is a name of this server alone, add it to "
	if len(missing) > 1 {
		of = "If they are names of this server alone, add them to "
	}
	return text + of + p.Key.String() + ":\n" + aliases(p.AudienceAliases, missing...)
}

// maxAliases is how many names a provider may have for this server.
const maxAliases = 16

// isAlias reports whether the schema takes a text for an audience alias.
func isAlias(s string) bool {
	return s != "" && len(s) <= 512 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func every(values []string, is func(string) bool) bool {
	return !slices.ContainsFunc(values, func(s string) bool { return !is(s) })
}

// aliases is the list of a provider's audience aliases with more of them.
func aliases(present []string, more ...string) string {
	return "spec:\n  audienceAliases:\n" + items(slices.Concat(present, more))
}

// items are the lines of a list in YAML.
func items(values []string) string {
	lines := make([]string, len(values))
	for i, s := range values {
		lines[i] = "  - " + quoted(s)
	}
	return strings.Join(lines, "\n")
}

// profileHint says where a presetting came from.
func profileHint(p *trust.Provider) string {
	return "What is accepted is a matter of spec.profile; what is in force:\n" + get("idp", p.Key, "-o jsonpath='{.status.effective}'")
}
