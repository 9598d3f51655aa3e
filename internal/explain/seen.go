package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/strictjson"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// absentValue is shown where an assertion does not say something.
const absentValue = "absent"

// view is what there is to show of an assertion. All of it is there for a step that was run.
type view struct {
	header   *jose.Header
	claims   *assertion.Claims
	provider *trust.Provider
	client   *trust.Client
	key      *jose.PublicKey
	issuer   string
	compact  string
	now      time.Time
}

func (j *judgement) view() view {
	t := j.trace
	return view{t.UntrustedHeader, t.UntrustedClaims, t.Provider, j.client, t.Key, j.options.Issuer, j.compact, j.options.At}
}

// compare returns what a step looks at and what it wants.
func (v view) compare(step string) (seen, wanted string) {
	switch {
	case step == "form":
		return fmt.Sprintf("%d bytes, %d parts%s", len(v.compact), strings.Count(v.compact, ".")+1, stray(v.compact)), fmt.Sprintf("3 parts of base64url, at most %d bytes", jose.MaxCompactBytes)
	case step == "content type":
		return or(v.header.ContentType), "no cty of a JWT"
	case step == "issuer present" && v.claims != nil:
		return or(v.claims.Issuer), ""
	case step == "not self-issued" && v.claims != nil:
		return or(v.claims.Issuer), not(v.issuer)
	case v.claims == nil:
		return "", ""
	case step == "provider":
		return v.providerSeen()
	case v.provider == nil:
		return "", ""
	}
	if seen, wanted = v.compareOrigin(step); seen != "" {
		return seen, wanted
	}
	return v.compareTimes(step)
}

// stray says where the first character is that no compact JWT has, such as a space, a quotation mark or the mark that an editor
// begins a file with. It is never a part of the signature.
func stray(compact string) string {
	i := strings.IndexFunc(compact, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if i < 0 {
		return ""
	}
	_, size := utf8.DecodeRuneInString(compact[i:])
	return fmt.Sprintf(", with %s at byte %d", strconv.QuoteToASCII(compact[i:i+size]), i+1)
}

func (v view) providerSeen() (seen, wanted string) {
	if v.provider == nil {
		return or(v.claims.Issuer), "the issuer of an IdentityProvider, byte for byte"
	}
	return printable(v.claims.Issuer) + ", by " + v.provider.Key.String(), ""
}

// compareOrigin is about who says it, of whom and to whom.
func (v view) compareOrigin(step string) (seen, wanted string) {
	p := v.provider
	switch step {
	case "provider allowed":
		return p.Key.String(), v.allowed()
	case "provider enabled":
		return onOff(p.Enabled), onOff(true)
	case "type":
		return or(v.header.Type), typesWanted(p.Types)
	case "key":
		return v.keySeen(), v.keysWanted()
	case "signature":
		if v.key != nil {
			return "by " + describe(v.key), ""
		}
		return "by none of the keys", v.keysWanted()
	case "subject":
		return or(v.claims.Subject), ""
	case "subject form":
		return or(v.claims.Subject), subjectForm(p.SubjectForm)
	case "audience present":
		return list(v.claims.Audience), ""
	case "audience":
		return list(v.claims.Audience), v.audienceWanted()
	case "ID-JAG":
		if p.IDJAG {
			return "an ID-JAG", "aud is the issuer of the token server alone, iat is present, and nothing that is not supported"
		}
		return "not needed", ""
	case "client id claim":
		if p.ClientIDClaim {
			return "client " + printable(v.client.ID), "the claim client_id is the same"
		}
		return "not needed", ""
	case "jti":
		return or(v.claims.JWTID), v.jtiWanted()
	case "claim rules":
		if p.Rules == nil {
			return "none", ""
		}
	}
	return "", ""
}

// compareTimes is about when it was made and for how long.
func (v view) compareTimes(step string) (seen, wanted string) {
	c, p := v.claims, v.provider
	switch step {
	case "expiry present":
		return v.moment("exp", c.Expiry), ""
	case "expiry":
		return v.moment("exp", c.Expiry), "after " + instant(v.now.Add(-p.ClockSkew))
	case "not before":
		return v.moment("nbf", c.NotBefore), "not after " + instant(v.now.Add(p.ClockSkew))
	case "issued at":
		return v.moment("iat", c.IssuedAt), "not after " + instant(v.now.Add(p.ClockSkew))
	case "order of times":
		return "", "nbf and iat are not after exp"
	case "age":
		if p.MaxAge == 0 {
			return v.moment("iat", c.IssuedAt), "any"
		}
		seen, wanted = spans(v.now.Sub(c.IssuedAt), p.MaxAge)
		if seen == span(v.now.Sub(c.IssuedAt)) {
			return v.moment("iat", c.IssuedAt), "at most " + wanted + " ago"
		}
		return "iat " + instant(c.IssuedAt) + ", " + seen + " ago", "at most " + wanted + " ago"
	case "lifetime":
		from, name := c.IssuedAt, "iat"
		if from.IsZero() {
			from, name = v.now, "now"
		}
		seen, wanted = spans(c.Expiry.Sub(from), p.MaxLifetime)
		return fmt.Sprintf("%s from %s to exp", seen, name), "at most " + wanted
	}
	return "", ""
}

func (v view) allowed() string {
	c := v.client
	if c.Providers == nil {
		return "the providers of namespace " + c.Key.Namespace
	}
	names := make([]string, len(c.Providers))
	for i, k := range c.Providers {
		names[i] = k.String()
	}
	return "one of " + strings.Join(names, ", ") + " that admits namespace " + c.Key.Namespace
}

func (v view) keySeen() string {
	parts := []string{"alg " + or(v.header.Algorithm), "kid " + or(v.header.KeyID)}
	if v.header.X5T != "" {
		parts = append(parts, "x5t "+printable(v.header.X5T))
	}
	if v.header.X5TS256 != "" {
		parts = append(parts, "x5t#S256 "+printable(v.header.X5TS256))
	}
	return strings.Join(parts, ", ")
}

// maxShownKeys bounds how many keys are listed.
const maxShownKeys = 8

func (v view) keysWanted() string {
	var shown []string
	for i, k := range v.provider.Keys {
		if i == maxShownKeys {
			shown = append(shown, fmt.Sprintf("and %d more", len(v.provider.Keys)-i))
			break
		}
		text := describe(k)
		if !v.provider.InValidity(k, v.now) {
			text += " (outside of its certificate's validity)"
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, "; ")
}

func (v view) audienceWanted() string {
	if v.provider.SoleAudience {
		return "nothing but " + list(v.provider.AudienceAliases)
	}
	return "one of " + list(v.provider.AudienceAliases)
}

func (v view) jtiWanted() string {
	switch {
	case v.provider.Replay == trust.ReplayOneTime, v.provider.IDJAG:
		return "present"
	case v.provider.Replay == trust.ReplayReuse:
		return "any: it may be used again"
	default:
		return "any: with one, it works once"
	}
}

// moment shows a time that an assertion says.
func (v view) moment(name string, t time.Time) string {
	if t.IsZero() {
		return name + " " + absentValue
	}
	text := name + " " + instant(t)
	switch d := t.Sub(v.now); {
	case d >= time.Second:
		return text + ", in " + span(d)
	case d <= -time.Second:
		return text + ", " + span(-d) + " ago"
	default:
		return text + ", now"
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span shows a duration by its two largest units.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	default:
		return d.Truncate(time.Second).String()
	}
}

// spans shows two durations, as exactly as it takes to tell them apart.
func spans(a, b time.Duration) (first, second string) {
	if first, second = span(a), span(b); a != b && first == second {
		return a.String(), b.String()
	}
	return first, second
}

func or(s string) string {
	if s == "" {
		return absentValue
	}
	return printable(s)
}

func not(s string) string {
	if s == "" {
		return ""
	}
	return "not " + printable(s) + " nor below it"
}

// typesWanted shows accepted typ headers.
func typesWanted(accepted []string) string {
	shown := make([]string, len(accepted))
	for i, t := range accepted {
		shown[i] = or(t)
	}
	return "one of " + strings.Join(shown, ", ")
}

func subjectForm(f trust.SubjectForm) string {
	switch f {
	case trust.SubjectServiceAccount:
		return "system:serviceaccount:<namespace>:<name>"
	case trust.SubjectSPIFFEID:
		return "spiffe://<trust domain>/<path>"
	case trust.SubjectAny:
	}
	return "any"
}

// describe names a key by what people can compare.
func describe(k *jose.PublicKey) string {
	algorithms := make([]string, len(k.Algorithms()))
	for i, a := range k.Algorithms() {
		algorithms[i] = string(a)
	}
	text := k.Kind() + " for " + strings.Join(algorithms, "/")
	if k.KeyID() != "" {
		text += ", kid " + printable(k.KeyID())
	}
	if c := k.Certificate(); c != nil {
		text += fmt.Sprintf(", certificate from %s to %s", instant(c.NotBefore), instant(c.NotAfter))
	}
	return text
}

// said is what an assertion says, for people. What cannot be read is left out.
func said(t assertion.Trace) (header, claims []Said) {
	if h := t.UntrustedHeader; h != nil {
		for _, s := range []Said{{"alg", h.Algorithm}, {"typ", h.Type}, {"cty", h.ContentType}, {"kid", h.KeyID}, {"x5t", h.X5T}, {"x5t#S256", h.X5TS256}} {
			if s.Value != "" {
				header = append(header, Said{s.Name, printable(s.Value)})
			}
		}
	}
	err := strictjson.Object(t.UntrustedPayload, func(name string, value strictjson.Value) error {
		claims = append(claims, Said{printable(name), printable(string(value))})
		return nil
	})
	if err != nil {
		return header, nil
	}
	return header, claims
}
