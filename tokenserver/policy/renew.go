package policy

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// renewal is one run through the checks of a refresh token; each reads what earlier ones left.
type renewal struct {
	client   *trust.Client
	token    refresh.Token
	grant    refresh.Grant
	snapshot *trust.Snapshot
	request  Request
	now      time.Time

	end       time.Time
	providers []*trust.Provider // one for each voucher
}

// check is one check of a refresh token. Its error is a refusal.
type check struct {
	name string
	run  func(*renewal) error
}

func renewalChecks() []check {
	return []check{
		{"client", (*renewal).checkClient},
		{"origin", (*renewal).checkOrigin},
		{"end", (*renewal).checkEnd},
		{"provider", (*renewal).findProviders},
		{"provider allowed", (*renewal).checkProvidersAllowed},
		{"provider enabled", (*renewal).checkProvidersEnabled},
		{"provider permits", (*renewal).checkProvidersPermit},
		{"rules", (*renewal).checkRules},
		{"key", (*renewal).checkKeys},
	}
}

// Renew decides on a refresh token that the client presents (RFC 6749 §6). What was granted counts as far as everybody who
// had a part in it still stands by it: the snapshot says who does. Errors are refusals. A refusal uses nothing up.
func Renew(client clientauth.Client, t refresh.Token, snapshot *trust.Snapshot, request Request, defaultAudience string, now time.Time) (
	Decision, error,
) {
	return renew(renewalChecks(), client, t, snapshot, request, defaultAudience, now)
}

func renew(checks []check, client clientauth.Client, t refresh.Token, snapshot *trust.Snapshot, request Request, defaultAudience string,
	now time.Time,
) (Decision, error) {
	r := &renewal{client: client.Object(), token: t, grant: t.Grant(), snapshot: snapshot, request: request, now: now}
	for _, c := range checks {
		if err := c.run(r); err != nil {
			return Decision{}, err
		}
	}
	// Invariant: providers is set by findProviders and nowhere else, and end by checkEnd.
	if len(r.providers) == 0 || r.end.IsZero() {
		return Decision{}, oauth.Refuse(oauth.ReasonInternal, nil)
	}
	scopes, err := r.scopes()
	if err != nil {
		return Decision{}, err
	}
	audience, err := r.audience(defaultAudience)
	if err != nil {
		return Decision{}, err
	}
	next, step := t.Next(now), t.Step()
	d := Decision{
		client: r.client, provider: r.providers[0], subject: r.grant.Subject, actor: r.grant.Actor, claims: r.grant.Claims, scopes: scopes, audience: audience,
		expiresAt: now.Truncate(time.Second).Add(r.client.AccessTokenLifetime), refresh: &next, step: &step,
	}.vouchedBy(r.providers...).vouchedBy(client.Voucher()).endingBy(r.end)
	if d.expiresAt.Unix() <= now.Unix() {
		return Decision{}, oauth.Refuse(oauth.ReasonRefreshTokenExpired, nil)
	}
	return d, nil
}

// checkClient: RFC 6749 §6: "the refresh token is bound to the client to which it was issued". It comes first, so that
// another client neither ends a family nor learns anything about it.
func (r *renewal) checkClient() error {
	if !r.token.IsOf(r.client) {
		return oauth.Refuse(oauth.ReasonRefreshTokenOtherClient, nil)
	}
	return nil
}

// checkOrigin: who may no longer use the grant that a family began with cannot go on with the family.
func (r *renewal) checkOrigin() error {
	if !slices.Contains(r.client.GrantTypes, r.grant.Origin) || slices.Contains(r.request.Disabled, r.grant.Origin) {
		return oauth.Refuse(oauth.ReasonRefreshTokenOrigin, nil)
	}
	return nil
}

// checkEnd: RFC 9700 §4.14.2: however often tokens follow one another, the family has an end. It can come nearer after it
// was set, and never farther.
func (r *renewal) checkEnd() error {
	r.end = r.grant.End
	if by := r.grant.Start.Add(r.client.RefreshTokenLifetime.Truncate(time.Second)); by.Before(r.end) {
		r.end = by
	}
	if r.client.CapToAssertion && r.grant.AssertionEnd.Before(r.end) {
		r.end = r.grant.AssertionEnd
	}
	if !r.now.Before(r.end) {
		return oauth.Refuse(oauth.ReasonRefreshTokenExpired, nil)
	}
	return nil
}

// findProviders: the word of a provider is worth something while it is there. One that is made anew is another one, and so
// is one that has another issuer.
func (r *renewal) findProviders() error {
	for _, v := range r.grant.Vouchers {
		p := r.snapshot.ProviderAt(v.Provider)
		if p == nil || p.UID != v.UID || p.Issuer != v.Issuer {
			return oauth.Refuse(oauth.ReasonRefreshTokenProviderGone, nil)
		}
		r.providers = append(r.providers, p)
	}
	return nil
}

// checkProvidersAllowed: the client says whose assertions it presents, and the provider to whose clients it vouches.
func (r *renewal) checkProvidersAllowed() error {
	for _, p := range r.providers {
		if !r.client.Allows(p) {
			return oauth.Refuse(oauth.ReasonRefreshTokenProviderOther, nil)
		}
	}
	return nil
}

// checkProvidersEnabled: the switch of the provider.
func (r *renewal) checkProvidersEnabled() error {
	for _, p := range r.providers {
		if !p.Enabled {
			return oauth.Refuse(oauth.ReasonRefreshTokenProviderOff, nil)
		}
	}
	return nil
}

// checkProvidersPermit: a provider may have come to be of a kind for which there are no refresh tokens.
func (r *renewal) checkProvidersPermit() error {
	for _, p := range r.providers {
		if p.NoRefresh {
			return oauth.Refuse(oauth.ReasonRefreshTokenForbidden, nil)
		}
	}
	return nil
}

// checkRules: what other rules let in was never held to those that count now, and the assertion is gone.
func (r *renewal) checkRules() error {
	for i, p := range r.providers {
		if p.RulesID != r.grant.Vouchers[i].RulesID {
			return oauth.Refuse(oauth.ReasonRefreshTokenRulesChanged, nil)
		}
	}
	return nil
}

// checkKeys: a key may have been taken away because it was stolen: all that it vouched for ends with it. The same holds
// for its certificate.
func (r *renewal) checkKeys() error {
	for i, p := range r.providers {
		vouched := func(k *jose.PublicKey) bool {
			return k.Thumbprint() == r.grant.Vouchers[i].Key && p.InValidity(k, r.now)
		}
		if !slices.ContainsFunc(p.Keys, vouched) {
			return oauth.Refuse(oauth.ReasonRefreshTokenKeyGone, nil)
		}
	}
	return nil
}

// scopes: RFC 6749 §6: the requested scope "MUST NOT include any scope not originally granted by the resource owner, and if
// omitted is treated as equal" to it. Of that, what client and providers allow by now.
func (r *renewal) scopes() ([]string, error) {
	wanted, err := oauth.ParseScope(r.request.Scope)
	if err != nil {
		return nil, err
	}
	for _, s := range wanted {
		if !slices.Contains(r.grant.Scopes, s) {
			return nil, oauth.Refuse(oauth.ReasonScopeNotGranted, nil)
		}
	}
	if len(wanted) == 0 {
		wanted = r.grant.Scopes
	}
	var granted []string
	for _, s := range wanted {
		if slices.Contains(r.client.Scopes, s) && r.providersAllow(s) {
			granted = append(granted, s)
		}
	}
	if len(granted) == 0 && len(wanted) > 0 {
		return nil, oauth.Refuse(oauth.ReasonScopeNotAllowed, nil)
	}
	return granted, nil
}

func (r *renewal) providersAllow(scope string) bool {
	return !slices.ContainsFunc(r.providers, func(p *trust.Provider) bool {
		return p.Scopes != nil && !slices.Contains(p.Scopes, scope)
	})
}

// audience: RFC 8707 §2.2: a requested resource is one of those originally granted; without any, it is all of them. Of
// those, what the client may use by now.
func (r *renewal) audience(defaultAudience string) ([]string, error) {
	allowed := r.client.Resources
	if len(allowed) == 0 {
		allowed = []string{defaultAudience}
	}
	for _, a := range r.request.Resources {
		if !slices.Contains(r.grant.Audience, a) {
			return nil, oauth.Refuse(oauth.ReasonTargetNotGranted, nil)
		}
		if !slices.Contains(allowed, a) {
			return nil, oauth.Refuse(oauth.ReasonTargetNotAllowed, nil)
		}
	}
	wanted := r.request.Resources
	if len(wanted) == 0 {
		wanted = r.grant.Audience
	}
	var audience []string
	for _, a := range wanted {
		if slices.Contains(allowed, a) && !slices.Contains(audience, a) {
			audience = append(audience, a)
		}
	}
	if len(audience) == 0 {
		return nil, oauth.Refuse(oauth.ReasonTargetNotAllowed, nil)
	}
	return audience, nil
}
