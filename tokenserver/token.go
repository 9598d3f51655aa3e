package tokenserver

import (
	"net/http"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// serveToken answers the token endpoint (RFC 6749 §3.2).
func (h *Handler) serveToken(w http.ResponseWriter, r *http.Request) {
	rec := h.newRecord(r)
	rec.err = oauth.AsError(nil) // Until it is known better: what ends in a panic must not be recorded as a grant.
	defer h.finish(r.Context(), rec)
	token, err := h.exchange(w, r, rec)
	if err != nil {
		rec.err = oauth.AsError(err)
		refuse(w, rec.err)
		return
	}
	rec.err, rec.tokenID, rec.scope = nil, token.ID, token.Scope
	grant(w, token)
}

// exchange is the whole of a token request, in order. The trust snapshot is loaded once: a change that arrives
// meanwhile counts for the next request.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, rec *record) (accesstoken.Token, error) {
	snapshot := h.config.Trust.Snapshot()
	if !snapshot.Ready() {
		return accesstoken.Token{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	form, err := oauth.ParseForm(w, r)
	if err != nil {
		return accesstoken.Token{}, err
	}
	client, err := h.authenticate(snapshot, r, form, rec)
	if err != nil {
		return accesstoken.Token{}, err
	}
	if err := h.selectGrant(client, form, rec); err != nil {
		return accesstoken.Token{}, err
	}
	return h.jwtBearer(r, snapshot, client, form, rec)
}

func (h *Handler) authenticate(snapshot *trust.Snapshot, r *http.Request, form oauth.Form, rec *record) (clientauth.Client, error) {
	tenant, err := oauth.Tenant(r.URL)
	if err != nil {
		return clientauth.Client{}, err
	}
	credentials, err := clientauth.FromRequest(r.Header, form)
	rec.untrustedClientID = credentials.UntrustedClientID()
	if err != nil {
		return clientauth.Client{}, err
	}
	client, err := clientauth.Authenticate(snapshot, credentials, tenant)
	if err != nil {
		return clientauth.Client{}, err
	}
	rec.client, rec.method = client.Object(), client.Method()
	return client, nil
}

// selectGrant finds the grant by exact comparison and checks that the server and the client allow it.
func (h *Handler) selectGrant(client clientauth.Client, form oauth.Form, rec *record) error {
	switch grantType := form.Get("grant_type"); {
	case grantType == "":
		return oauth.Refuse(oauth.ReasonMissingGrantType, nil)
	case grantType != oauth.GrantTypeJWTBearer:
		return oauth.Refuse(oauth.ReasonUnknownGrantType, nil)
	case h.disabled(grantType):
		return oauth.Refuse(oauth.ReasonGrantDisabled, nil)
	case !client.MayUse(grantType):
		return oauth.Refuse(oauth.ReasonGrantNotAllowed, nil)
	default:
		rec.grantType = grantType
		return nil
	}
}

// jwtBearer is the JWT bearer grant (RFC 7523 §2.1) for a client that may use it.
func (h *Handler) jwtBearer(
	r *http.Request, snapshot *trust.Snapshot, client clientauth.Client, form oauth.Form, rec *record,
) (accesstoken.Token, error) {
	presented := form.Get("assertion")
	if presented == "" {
		return accesstoken.Token{}, oauth.Refuse(oauth.ReasonMissingAssertion, nil)
	}
	now := h.config.Now()
	verified, untrustedIssuer, err := h.verifier.Verify(snapshot, client, presented, now)
	rec.untrustedIssuer = untrustedIssuer
	if err != nil {
		return accesstoken.Token{}, err
	}
	rec.provider = verified.Provider()
	request := policy.Request{Scope: form.Get("scope"), Resources: form.Resources()}
	decision, err := policy.Authorize(client, verified, request, h.config.Issuer, now)
	if err != nil {
		return accesstoken.Token{}, err
	}
	rec.subject = decision.Subject()
	if snapshot.Ring().Current(now) == nil { // Who is told to try again must still be able to use the assertion.
		return accesstoken.Token{}, oauth.Refuse(oauth.ReasonNoSigningKey, nil)
	}
	redeemed, err := replay.Redeem(r.Context(), h.config.Replay, decision, now)
	if err != nil {
		return accesstoken.Token{}, err
	}
	return accesstoken.Mint(snapshot.Ring(), h.config.Issuer, redeemed, now)
}
