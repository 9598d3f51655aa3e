package tokenserver

import (
	"context"
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
)

// grant is what one grant of the token endpoint does in its own way: look at what the request presents, and decide. All
// else is done in exchange, for every grant alike.
type grant struct {
	// grantType is its value of grant_type.
	grantType string
	// decide returns the caller too, who may be judged by a newer snapshot from there on.
	decide func(ctx context.Context, c caller, form oauth.Form, rec *record) (caller, policy.Decision, error)
	// refuse makes an error of the grant of one that concerns what was presented; nil leaves it as it is.
	refuse func(error) error
}

// makeGrants returns the grants that the server does not refuse to everybody, in the order in which the metadata lists them.
func (h *Handler) makeGrants() []grant {
	all := []grant{
		{oauth.GrantTypeJWTBearer, h.jwtBearer, nil},
		{oauth.GrantTypeClientCredentials, h.clientCredentials, nil},
		{oauth.GrantTypeTokenExchange, h.tokenExchange, refuseToken},
		{oauth.GrantTypeRefreshToken, h.refreshToken, nil},
	}
	return slices.DeleteFunc(all, func(g grant) bool { return slices.Contains(h.config.DisabledGrants, g.grantType) })
}

// selectGrant finds the grant by exact comparison and checks that the server and the client allow it.
func (h *Handler) selectGrant(client clientauth.Client, form oauth.Form, rec *record) (grant, error) {
	grantType := form.Get("grant_type")
	i := slices.IndexFunc(h.grants, func(g grant) bool { return g.grantType == grantType })
	switch {
	case grantType == "":
		return grant{}, oauth.Refuse(oauth.ReasonMissingGrantType, nil)
	case slices.Contains(h.config.DisabledGrants, grantType):
		return grant{}, oauth.Refuse(oauth.ReasonGrantDisabled, nil)
	case i < 0:
		return grant{}, oauth.Refuse(oauth.ReasonUnknownGrantType, nil)
	case !client.MayUse(grantType):
		return grant{}, oauth.Refuse(oauth.ReasonGrantNotAllowed, nil)
	}
	rec.grantType = grantType
	return h.grants[i], nil
}

// jwtBearer is the JWT bearer grant (RFC 7523 §2.1).
func (h *Handler) jwtBearer(ctx context.Context, c caller, form oauth.Form, rec *record) (caller, policy.Decision, error) {
	presented := form.Get("assertion")
	if presented == "" {
		return c, policy.Decision{}, oauth.Refuse(oauth.ReasonMissingAssertion, nil)
	}
	rec.assertion = presented
	look := func(ctx context.Context, c caller) (assertion.Verified, assertion.Trail, error) {
		return h.verifier.Verify(ctx, c.snapshot, c.Object(), presented, c.issuer, c.now)
	}
	c, verified, err := h.verify(ctx, c, look, form, rec, &rec.voucher)
	if err != nil {
		return c, policy.Decision{}, err
	}
	rec.enter(ctx, stepAuthorize)
	decision, err := policy.Authorize(c.Client, verified, h.request(form), c.issuer, c.now)
	return c, decision, err
}

// clientCredentials is the client credentials grant (RFC 6749 §4.4): that the client is who it says is all there is.
func (h *Handler) clientCredentials(ctx context.Context, c caller, form oauth.Form, rec *record) (caller, policy.Decision, error) {
	rec.enter(ctx, stepAuthorize)
	decision, err := policy.AuthorizeClient(c.Client, h.request(form), c.issuer, c.now)
	return c, decision, err
}

// refreshToken is the grant of a refresh token (RFC 6749 §6).
func (h *Handler) refreshToken(ctx context.Context, c caller, form oauth.Form, rec *record) (caller, policy.Decision, error) {
	presented := form.Get("refresh_token")
	if presented == "" {
		return c, policy.Decision{}, oauth.Refuse(oauth.ReasonMissingRefreshToken, nil)
	}
	rec.enter(ctx, stepVerify)
	token, err := refresh.Open(c.snapshot.DigestKeys(), c.issuer, presented)
	if err != nil {
		return c, policy.Decision{}, err
	}
	rec.refreshFamily = token.Family().Digest()
	rec.enter(ctx, stepAuthorize)
	decision, err := policy.Renew(c.Client, token, c.snapshot, h.request(form), c.issuer, c.now)
	rec.provider = decision.Provider()
	return c, decision, err
}

// request is what a request asks for.
func (h *Handler) request(form oauth.Form) policy.Request {
	return policy.Request{
		Scope: form.Get("scope"), Resources: form.Resources(), GrantType: form.Get("grant_type"), Disabled: h.config.DisabledGrants,
	}
}

// look is one look at something that the caller presents, by the caller's snapshot and time.
type look func(ctx context.Context, c caller) (assertion.Verified, assertion.Trail, error)

// verify verifies an assertion that the caller presents. When it names a key that was fetched for it just now, the caller
// comes back with the snapshot that has the key: everything is judged by that one again, but for the client's credentials,
// which have been looked at and, if they are a client assertion, been used.
func (h *Handler) verify(ctx context.Context, c caller, look look, form oauth.Form, rec *record, said *voucher) (caller, assertion.Verified, error) {
	rec.enter(ctx, stepVerify)
	verified, trail, err := look(ctx, c)
	said.untrustedIssuer, said.untrustedProvider = trail.UntrustedIssuer, trail.Provider
	if err == nil {
		said.provider = verified.Provider()
		return c, verified, nil
	}
	if h.maybeNewer(trail) {
		rec.failed(oauth.AsError(err))
		rec.enter(ctx, stepAwaitKeys)
	}
	newer := h.newerKeys(ctx, trail)
	if newer == nil {
		return c, assertion.Verified{}, err
	}
	client, ok := c.In(newer)
	if !ok {
		return c, assertion.Verified{}, err
	}
	if _, err := h.selectGrant(client, form, rec); err != nil {
		return c, assertion.Verified{}, err
	}
	c = caller{Client: client, issuer: c.issuer, snapshot: newer, now: h.config.Now()}
	rec.enter(ctx, stepVerify)
	if verified, _, err = look(ctx, c); err == nil {
		said.provider = verified.Provider()
	}
	return c, verified, err
}
