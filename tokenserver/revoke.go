package tokenserver

import (
	"context"
	"net/http"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/tokenstatus"
)

// serveRevocation answers the revocation endpoint (RFC 7009).
func (h *Handler) serveRevocation(w http.ResponseWriter, r *http.Request, at tenant) {
	rec := h.newRecord(r, endpointRevocation)
	defer h.finish(r.Context(), rec)
	err := h.revoke(w, r, at, rec)
	rec.err = nil
	if err != nil {
		rec.err = oauth.AsError(err)
		rec.failed(rec.err)
		if !rec.nothing {
			refuse(w, rec.err)
			return
		}
	}
	// RFC 7009 §2.2: "responds with HTTP status code 200 if the token has been revoked successfully or if the client
	// submitted an invalid token", and the content is ignored.
	rec.enter(r.Context(), stepRespond)
	noStore(w)
	w.WriteHeader(http.StatusOK)
}

// revoke is the whole of a revocation request, in order.
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request, at tenant, rec *record) error {
	c, form, err := h.enter(w, r, at, rec)
	if err != nil {
		return err
	}
	presented := form.Get("token")
	if presented == "" {
		return oauth.Refuse(oauth.ReasonMissingToken, nil)
	}
	rec.enter(r.Context(), stepEnd)
	err = h.end(r.Context(), c, presented, rec)
	// What does not count is nothing to end.
	rec.nothing = err != nil && oauth.AsError(err).Code == oauth.InvalidGrant
	return err
}

// end ends a token at whichever of this server's issuers the client got it: 200 must not be said of a token that counts
// elsewhere. A client gets tokens at the whole server and at the tenants that stand for its namespace.
func (h *Handler) end(ctx context.Context, c caller, presented string, rec *record) error {
	var err error
	for _, issuer := range h.tenants.issuersOf(c.Object().Key.Namespace) {
		err = h.endOf(ctx, c, issuer, presented, rec)
		if err == nil {
			return nil
		}
		if reason := oauth.AsError(err).Reason; reason != oauth.ReasonTokenIssuer && reason != oauth.ReasonRefreshTokenForged {
			return err
		}
	}
	return err
}

// endOf ends a token of either kind, of one issuer. token_type_hint is not needed: RFC 7009 §2.1: the server "MAY ignore this parameter". What
// a token is can be seen in it, so unsupported_token_type (§2.2.1) never comes up.
func (h *Handler) endOf(ctx context.Context, c caller, issuer, presented string, rec *record) error {
	refreshToken, err := refresh.Open(c.snapshot.DigestKeys(), issuer, presented)
	switch {
	case err == nil:
		rec.refreshFamily = refreshToken.Family().Digest()
		return tokenstatus.EndFamily(ctx, h.config.Revocations, c.Client, refreshToken, c.now)
	case oauth.AsError(err).Reason != oauth.ReasonRefreshTokenMalformed: // It has the form of one.
		return err
	}
	token, err := accesstoken.Verify(c.snapshot.Ring(), issuer, presented, c.now)
	if err != nil {
		return err
	}
	rec.tokenID, rec.tokenClientID = token.ID(), token.ClientID()
	return tokenstatus.End(ctx, h.config.Revocations, c.Client, token, c.now)
}
