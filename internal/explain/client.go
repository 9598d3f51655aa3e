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
	// Usable says that nothing of what was looked at keeps it from getting tokens by each of its grants: no check has failed.
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
	// Usable says that the client may present what it vouches for with the JWT bearer grant, as far as could be looked; if not,
	// Why says why and Fix what to do.
	Usable bool `json:"usable"`
	// NotLookedAt says that the client may present it with the token exchange grant alone, which is not looked at.
	NotLookedAt bool         `json:"notLookedAt,omitempty"`
	Reason      oauth.Reason `json:"reason,omitempty"`
	Why         string       `json:"why,omitempty"`
	Fix         string       `json:"fix,omitempty"`
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
	if err := j.decidable(); err != nil {
		return nil, err
	}
	if err := j.ask(ctx); err != nil { // A request without an assertion is refused for that at last.
		return nil, err
	}
	c := j.client
	providers, err := j.providers(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := j.grantChecks(ctx, providers)
	if err != nil {
		return nil, err
	}
	r := &ClientReport{
		Client: c.Key.String(), ClientID: printable(c.ID), Grants: c.GrantTypes, Scopes: c.Scopes, Audiences: c.Resources,
		AccessTokenLifetime: span(c.AccessTokenLifetime), CapToAssertion: c.CapToAssertion,
		Checks: slices.DeleteFunc(j.clientChecks(), func(c Check) bool { return strings.HasPrefix(c.ID, "grant-") }), Providers: providers,
	}
	r.Checks = append(r.Checks, checks...)
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

// providers are what the providers that the client may mean are to it.
func (j *judgement) providers(ctx context.Context) ([]ProviderReport, error) {
	var reports []ProviderReport
	for _, key := range j.world.mentioned(j.client) {
		r, err := j.provider(ctx, key)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// provider is what the provider of a name is to the client.
func (j *judgement) provider(ctx context.Context, key trust.ObjectKey) (ProviderReport, error) {
	r := ProviderReport{Provider: key.String()}
	object, p := j.world.providers[key], j.world.provider(key)
	if object != nil {
		r.Issuer = printable(object.Spec.Issuer)
	}
	switch {
	case object == nil:
		r.Reason, r.Why, r.Fix = oauth.ReasonProviderUnknown, "it does not exist", "Declare it, or name another one in spec.identityProviders:\n"+edit("oac", j.client.Key)
	case p == nil:
		r.Reason, r.Why = oauth.ReasonProviderUnknown, strings.TrimSpace("token servers do not use it. "+j.world.trouble(key)+conditions(object.Status.Conditions))
		r.Fix = get("idp", key, "-o yaml")
	case !j.client.Allows(p):
		r.Reason, r.Why, r.Fix = oauth.ReasonProviderNotAllowed, "the client does not name it", j.fixNotAllowed(p)
		if slices.Contains(j.client.Providers, key) {
			r.Why = "it does not admit clients of namespace " + j.client.Key.Namespace
		}
	case !p.Enabled:
		r.Reason, r.Why, r.Fix = oauth.ReasonProviderDisabled, "it is switched off", patch("idp", key, `{"spec":{"grantEnabled":true}}`)
	case j.world.snapshot.ProviderFor(j.client, p.Issuer) != p:
		r.Reason, r.Why = oauth.ReasonProviderUnknown, "another one that the client names has the same issuer, and comes first"
	case !slices.Contains(j.client.GrantTypes, oauth.GrantTypeJWTBearer):
		j.otherwise(&r)
	default:
		failed, err := j.presentable(ctx, p)
		if err != nil {
			return r, err
		}
		r.judged(p, failed)
	}
	return r, nil
}

// otherwise is about a provider whose assertions the client may not present with the JWT bearer grant.
func (j *judgement) otherwise(r *ProviderReport) {
	r.Reason, r.Why, r.Fix = oauth.ReasonGrantNotAllowed, "the client may not use the JWT bearer grant", j.fix(oauth.ReasonGrantNotAllowed)
	if slices.Contains(j.client.GrantTypes, oauth.GrantTypeTokenExchange) {
		*r = ProviderReport{Provider: r.Provider, Issuer: r.Issuer, NotLookedAt: true, Why: "the client may use it in a token exchange alone, which is not looked at here"}
	}
}

// judged says what became of the best assertion of a provider.
func (r *ProviderReport) judged(p *trust.Provider, failed *Check) {
	if failed != nil {
		r.Reason, r.Fix = failed.Reason, failed.Fix
		r.Why = strings.TrimSuffix(failed.Meaning, ".")
		return
	}
	r.Usable, r.SubjectPrefix, r.Scopes = true, printable(p.SubjectPrefix), p.Scopes
	for _, alias := range p.AudienceAliases {
		r.Audiences = append(r.Audiences, printable(alias))
	}
}

// grantChecks say of each grant of the client whether it can get a token by it.
func (j *judgement) grantChecks(ctx context.Context, providers []ProviderReport) ([]Check, error) {
	grants := j.client.GrantTypes
	var checks []Check
	if slices.Contains(grants, oauth.GrantTypeJWTBearer) {
		checks = append(checks, j.someProvider(providers))
	}
	if slices.Contains(grants, oauth.GrantTypeClientCredentials) {
		c, err := j.ownName(ctx)
		if err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	if slices.Contains(grants, oauth.GrantTypeTokenExchange) {
		checks = append(checks, Check{ID: "token-exchange", Title: "Exchanges tokens", State: NotLookedAt, Detail: "other rules judge what it exchanges"})
	}
	if len(checks) == 0 {
		checks = append(checks, j.failed(Check{ID: "grants", Title: "Has a grant", Seen: list(grants)}, oauth.ReasonGrantNotAllowed))
	}
	return checks, nil
}

// someProvider is about the JWT bearer grant: somebody must be there to vouch.
func (j *judgement) someProvider(providers []ProviderReport) Check {
	c := Check{ID: "jwt-bearer", Title: "Presents assertions", State: Passed}
	usable := 0
	for _, p := range providers {
		if p.Usable {
			usable++
		}
	}
	c.Seen = fmt.Sprintf("of %d of %d identity providers", usable, len(providers))
	switch {
	case slices.Contains(j.options.DisabledGrants, oauth.GrantTypeJWTBearer):
		return j.failed(c, oauth.ReasonGrantDisabled)
	case usable > 0:
		return c
	case len(providers) > 0 && providers[0].Reason != "":
		return failedFor(c, providers[0].Reason, "Make one of the identity providers usable: what to do about each stands below.")
	}
	return failedFor(c, oauth.ReasonProviderUnknown, "Declare an IdentityProvider in namespace "+j.client.Key.Namespace+", or name one of another namespace that admits this one in spec.identityProviders:\n"+edit("oac", j.client.Key))
}

// ownName is about the client credentials grant, by which a client asks in its own name.
func (j *judgement) ownName(ctx context.Context) (Check, error) {
	k := *j
	k.found = nil
	if err := k.askFor(ctx, oauth.GrantTypeClientCredentials); err != nil {
		return Check{}, err
	}
	c := Check{ID: "client-credentials", Title: "Asks in its own name", State: Passed}
	// What clientChecks say is not said again.
	of := []oauth.Reason{oauth.ReasonUnknownClient, oauth.ReasonOtherTenant, oauth.ReasonDisabledClient, oauth.ReasonNoClientCredentials}
	for _, reason := range k.found {
		if !slices.Contains(of, reason) {
			return k.failed(c, reason), nil
		}
	}
	return c, nil
}

// trouble says why an object cannot be understood, where that is so.
func (w *World) trouble(key trust.ObjectKey) string {
	if err := w.unusable[key]; err != nil {
		return "It cannot be understood: " + printable(err.Error()) + ". "
	}
	return ""
}
