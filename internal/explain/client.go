package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// ClientReport is what a client would get. As in a Report, all its text is printable.
type ClientReport struct {
	// Client is its namespace/name.
	Client   string `json:"client"`
	ClientID string `json:"clientID"`
	// Usable says that nothing of what was looked at keeps it from getting tokens: no check has failed.
	Usable bool    `json:"usable"`
	Checks []Check `json:"checks"`
	// Grants are the values of grant_type that it may use.
	Grants []string `json:"grants"`
	Scopes []string `json:"scopes"`
	// Audiences are what it may ask tokens for, by the parameter resource; the first is the default.
	Audiences []string `json:"audiences"`
	// AccessTokenLifetime and RefreshTokenLifetime are durations; the second is empty where it gets no refresh tokens.
	AccessTokenLifetime  string `json:"accessTokenLifetime"`
	RefreshTokenLifetime string `json:"refreshTokenLifetime,omitempty"`
	// CapToAssertion says that no token outlives its assertion.
	CapToAssertion bool `json:"capToAssertion,omitempty"`
	// Providers are those that it names, and those of its namespace.
	Providers []ProviderReport `json:"providers"`
}

// ProviderReport is what a provider is to a client.
type ProviderReport struct {
	// Provider is its namespace/name.
	Provider string `json:"provider"`
	Issuer   string `json:"issuer,omitempty"`
	// Usable says that the client may present what it vouches for; if not, Why says why and Fix what to do.
	Usable bool   `json:"usable"`
	Why    string `json:"why,omitempty"`
	Fix    string `json:"fix,omitempty"`
	// Audiences are what the aud of its assertions may be, and SubjectPrefix what stands before the subjects in access tokens.
	Audiences     []string `json:"audiences,omitempty"`
	SubjectPrefix string   `json:"subjectPrefix,omitempty"`
	// Scopes bound what is granted; nil for no bound.
	Scopes []string `json:"scopes,omitempty"`
}

// Failures are the checks that have failed.
func (r *ClientReport) Failures() []Check { return failures(r.Checks) }

// Client says what the client of the options would get. Its errors are those of Assertion.
func Client(ctx context.Context, w *World, o Options) (*ClientReport, error) {
	j, err := newJudgement(ctx, w, "", o)
	if err != nil {
		return nil, err
	}
	if j.anonymous {
		return nil, fmt.Errorf("%w", ErrClientNeeded)
	}
	if err := j.ask(ctx); err != nil { // A request without an assertion is refused for that at last.
		return nil, err
	}
	c := j.client
	r := &ClientReport{
		Client: c.Key.String(), ClientID: printable(c.ID), Grants: c.GrantTypes, Scopes: c.Scopes, Audiences: c.Resources,
		AccessTokenLifetime: span(c.AccessTokenLifetime), CapToAssertion: c.CapToAssertion,
		Checks: slices.DeleteFunc(j.clientChecks(), func(c Check) bool { return strings.HasPrefix(c.ID, "grant-") }),
	}
	r.Usable = len(failures(r.Checks)) == 0
	if j.absent {
		r.ClientID = ""
	}
	if len(r.Audiences) == 0 {
		r.Audiences = []string{issuerOr(o.Issuer)}
	}
	if slices.Contains(c.GrantTypes, oauth.GrantTypeRefreshToken) {
		r.RefreshTokenLifetime = span(c.RefreshTokenLifetime)
	}
	for _, key := range w.mentioned(c) {
		r.Providers = append(r.Providers, j.provider(key))
	}
	return r, nil
}

func issuerOr(issuer string) string {
	if issuer == "" {
		return issuerOfServer
	}
	return printable(issuer)
}

// mentioned are the providers that a client names, in its order, and the others of its namespace.
func (w *World) mentioned(c *trust.Client) []trust.ObjectKey {
	keys := slices.Clone(c.Providers)
	var own []trust.ObjectKey
	for key := range w.providers {
		if key.Namespace == c.Key.Namespace && !slices.Contains(keys, key) {
			own = append(own, key)
		}
	}
	slices.SortFunc(own, func(a, b trust.ObjectKey) int { return strings.Compare(a.Name, b.Name) })
	return append(keys, own...)
}

// provider is what the provider of a name is to the client.
func (j *judgement) provider(key trust.ObjectKey) ProviderReport {
	r := ProviderReport{Provider: key.String()}
	object, p := j.world.providers[key], j.world.provider(key)
	if object != nil {
		r.Issuer = printable(object.Spec.Issuer)
	}
	switch {
	case object == nil:
		r.Why, r.Fix = "it does not exist", "Declare it, or name another one in spec.identityProviders:\n"+edit("oac", j.client.Key)
	case p == nil:
		r.Why = "token servers do not use it. " + j.world.trouble(key) + conditions(object.Status.Conditions)
		r.Fix = get("idp", key, "-o yaml")
	case !j.client.Allows(p):
		r.Why, r.Fix = "the client does not name it", j.fixNotAllowed(p)
		if slices.Contains(j.client.Providers, key) {
			r.Why = "it does not admit clients of namespace " + j.client.Key.Namespace
		}
	case !p.Enabled:
		r.Why, r.Fix = "it is switched off", patch("idp", key, `{"spec":{"grantEnabled":true}}`)
	case j.world.snapshot.ProviderFor(j.client, p.Issuer) != p:
		r.Why = "another one that the client names has the same issuer, and comes first"
	default:
		r.Usable, r.SubjectPrefix, r.Scopes = true, printable(p.SubjectPrefix), p.Scopes
		for _, alias := range p.AudienceAliases {
			r.Audiences = append(r.Audiences, printable(alias))
		}
	}
	r.Why = strings.TrimSpace(r.Why)
	return r
}

// trouble says why an object cannot be understood, where that is so.
func (w *World) trouble(key trust.ObjectKey) string {
	if err := w.unusable[key]; err != nil {
		return "It cannot be understood: " + printable(err.Error()) + ". "
	}
	return ""
}
