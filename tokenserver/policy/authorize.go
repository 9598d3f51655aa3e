package policy

import (
	"errors"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Request is what the client asks for.
type Request struct {
	// Scope is the parameter scope (RFC 6749 §3.3), Resources the values of resource (RFC 8707 §2).
	Scope     string
	Resources []string
	// GrantType is the grant_type.
	GrantType string
	// Disabled are the grant_type values that the server refuses to everybody.
	Disabled []string

	ceiling ceiling
}

// ceiling is what an ID-JAG says may be granted at most: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1. nil stands
// for what it does not say.
type ceiling struct {
	scopes, resources []string
}

// These are mistakes of this server, not of a caller.
var (
	errOtherClient = errors.New("the assertion was verified for another client than the one that authenticated")
	errNoClient    = errors.New("no client has authenticated")
)

// Authorize decides. defaultAudience is the aud of a client that declares no resources. Errors are refusals.
func Authorize(client clientauth.Client, verified assertion.Verified, request Request, defaultAudience string, now time.Time) (Decision, error) {
	d, err := authorize(client, verified, request, defaultAudience, now)
	if err != nil {
		return Decision{}, err
	}
	return d.withRefreshToken(request, now, verified), nil
}

func authorize(client clientauth.Client, verified assertion.Verified, request Request, defaultAudience string, now time.Time) (Decision, error) {
	c, p := client.Object(), verified.Provider()
	if c == nil || c != verified.Client() {
		return Decision{}, oauth.Refuse(oauth.ReasonInternal, errOtherClient)
	}
	subject, err := mapSubject(c, p, verified.Subject())
	if err != nil {
		return Decision{}, err
	}
	if p.IDJAG {
		if c.Authentication == trust.AuthenticationNone {
			// draft-ietf-oauth-identity-assertion-authz-grant §8.1: "SHOULD only be supported for confidential clients".
			return Decision{}, oauth.Refuse(oauth.ReasonPublicClient, nil)
		}
		request.ceiling = ceiling{scopes: verified.Claims().Scopes(), resources: verified.Claims().Resources()}
	}
	d, err := Decision{client: c, provider: p, subject: subject, claims: verified.MappedClaims()}.bounded(request, defaultAudience, now)
	if err != nil {
		return Decision{}, err
	}
	return d.vouchedBy(p, client.Voucher()).usingUp(verified).cappedTo(verified, now)
}

// cappedTo is the decision that ends no later than the assertion, where the client wants that.
func (d Decision) cappedTo(verified assertion.Verified, now time.Time) (Decision, error) {
	if exp := verified.Claims().Expiry.Truncate(time.Second); d.client.CapToAssertion && exp.Before(d.expiresAt) {
		d.expiresAt = exp
	}
	if d.expiresAt.Unix() <= now.Unix() { // The assertion is alive by the allowed skew alone, and the token must not outlive it.
		return Decision{}, oauth.Refuse(oauth.ReasonExpired, nil)
	}
	return d, nil
}

// AuthorizeClient decides about a client that asks in its own name (RFC 6749 §4.4). The sub is its client id (RFC 9068
// §2.2), no provider vouches, and there is nothing to use up. Errors are refusals.
func AuthorizeClient(client clientauth.Client, request Request, defaultAudience string, now time.Time) (Decision, error) {
	c := client.Object()
	switch {
	case c == nil:
		return Decision{}, oauth.Refuse(oauth.ReasonInternal, errNoClient)
	case c.Authentication == trust.AuthenticationNone:
		// RFC 6749 §4.4: "MUST only be used by confidential clients".
		return Decision{}, oauth.Refuse(oauth.ReasonPublicClient, nil)
	case isDefaultForm(c.ID):
		// RFC 9068 §5: no client id may pass for the subject of a provider.
		return Decision{}, oauth.Refuse(oauth.ReasonClientIDReserved, nil)
	}
	return Decision{client: c, subject: c.ID}.vouchedBy(client.Voucher()).bounded(request, defaultAudience, now)
}

// bounded is the decision with what is granted of what is asked for, and for how long.
func (d Decision) bounded(request Request, defaultAudience string, now time.Time) (_ Decision, err error) {
	if d.scopes, err = grantScopes(d.client, d.provider, request); err != nil {
		return Decision{}, err
	}
	if d.audience, err = grantAudience(d.client, request, defaultAudience); err != nil {
		return Decision{}, err
	}
	if request.ceiling.resources != nil {
		d.resources = d.audience
	}
	d.expiresAt = now.Truncate(time.Second).Add(d.client.AccessTokenLifetime)
	return d, nil
}

// grantScopes: RFC 6749 §3.3: the server "MAY fully or partially ignore the scope requested"; a request without scope
// asks for everything that the client may have. p is nil where no provider vouches.
func grantScopes(c *trust.Client, p *trust.Provider, request Request) ([]string, error) {
	wanted, err := oauth.ParseScope(request.Scope)
	if err != nil {
		return nil, err
	}
	most := request.ceiling.scopes
	switch {
	case len(wanted) > 0:
	case most != nil:
		wanted = most
	default:
		wanted = c.Scopes
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	granted := make([]string, 0, len(wanted))
	for _, s := range wanted {
		if slices.Contains(c.Scopes, s) && (most == nil || slices.Contains(most, s)) && (p == nil || p.Scopes == nil || slices.Contains(p.Scopes, s)) {
			granted = append(granted, s)
		}
	}
	if len(granted) == 0 {
		return nil, oauth.Refuse(oauth.ReasonScopeNotAllowed, nil)
	}
	return granted, nil
}

// grantAudience: RFC 8707 §2: each requested resource must be one that the client may use. What an ID-JAG says is requested
// with it, and the parameter asks for a part of that.
func grantAudience(c *trust.Client, request Request, defaultAudience string) ([]string, error) {
	allowed := c.Resources
	if len(allowed) == 0 {
		allowed = []string{defaultAudience}
	}
	requested, most := request.Resources, request.ceiling.resources
	for _, r := range most {
		if !slices.Contains(allowed, r) {
			return nil, oauth.Refuse(oauth.ReasonTargetNotAllowed, nil)
		}
	}
	if len(requested) == 0 {
		requested = most
	}
	var audience []string
	for _, r := range requested {
		if !slices.Contains(allowed, r) || most != nil && !slices.Contains(most, r) {
			return nil, oauth.Refuse(oauth.ReasonTargetNotAllowed, nil)
		}
		if !slices.Contains(audience, r) {
			audience = append(audience, r)
		}
	}
	if len(audience) == 0 {
		return allowed[:1:1], nil
	}
	return audience, nil
}
