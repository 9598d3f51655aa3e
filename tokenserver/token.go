package tokenserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// serveToken answers the token endpoint (RFC 6749 §3.2).
func (h *Handler) serveToken(w http.ResponseWriter, r *http.Request, at tenant) {
	rec := h.newRecord(r, endpointToken)
	defer h.finish(r.Context(), rec)
	token, err := h.exchange(w, r, at, rec)
	if err != nil {
		rec.err = oauth.AsError(err)
		rec.failed(rec.err)
		refuse(w, rec.err)
		return
	}
	rec.err, rec.tokenID, rec.scope = nil, token.ID, token.Scope
	rec.enter(r.Context(), stepRespond)
	writeToken(w, token, rec.grantType)
}

// issued is what a successful request gets.
type issued struct {
	accesstoken.Token

	// refreshToken is the text of a refresh token, or empty.
	refreshToken string
}

// exchange is the whole of a token request, in order. The trust snapshot is loaded once: a change that arrives meanwhile
// counts for the next request. The one exception are keys that the request itself has made the server fetch.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request, at tenant, rec *record) (issued, error) {
	snapshot := h.config.Trust.Snapshot()
	if !snapshot.Ready() {
		return issued{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	rec.enter(r.Context(), stepParse)
	form, err := oauth.ParseForm(w, r)
	if err != nil {
		return issued{}, err
	}
	c, err := h.authenticate(snapshot, r, at, form, rec)
	if err != nil {
		return issued{}, err
	}
	rec.enter(r.Context(), stepSelectGrant)
	g, err := h.selectGrant(c.Client, form, rec)
	if err != nil {
		return issued{}, err
	}
	token, err := h.grantToken(r.Context(), g, c, form, rec)
	if err != nil && g.refuse != nil {
		err = g.refuse(err)
	}
	return token, err
}

// grantToken decides, uses up what the decision rests on, and mints.
func (h *Handler) grantToken(ctx context.Context, g grant, c caller, form oauth.Form, rec *record) (issued, error) {
	c, decision, err := g.decide(ctx, c, form, rec)
	if err != nil {
		return issued{}, err
	}
	rec.subject, rec.actor = decision.Subject(), decision.Actor()
	if c.snapshot.Ring().Current(c.now) == nil { // Who is told to try again must still be able to use the assertion.
		return issued{}, oauth.Refuse(oauth.ReasonNoSigningKey, nil)
	}
	rec.enter(ctx, stepRedeem)
	redeemed, err := replay.Redeem(ctx, h.config.Replay, decision, c.now)
	if err != nil {
		return issued{}, err
	}
	rec.enter(ctx, stepMint)
	return h.mint(c, redeemed, rec)
}

// mint makes the tokens that a redeemed decision allows.
func (h *Handler) mint(c caller, redeemed replay.Redeemed, rec *record) (issued, error) {
	token, err := accesstoken.Mint(c.snapshot.Ring(), c.issuer, redeemed, c.now)
	if err != nil {
		return issued{}, err
	}
	g := issued{Token: token}
	next, ok := redeemed.Decision().RefreshToken()
	if !ok {
		return g, nil
	}
	rec.refreshFamily = next.Family().Digest()
	switch g.refreshToken, err = refresh.Seal(c.snapshot.DigestKeys(), c.issuer, next); {
	case errors.Is(err, refresh.ErrTooLarge): // RFC 6749 §5.1: a refresh token is OPTIONAL; the access token is what was asked for.
		rec.refreshWithheld = true
	case err != nil:
		return issued{}, oauth.Refuse(oauth.ReasonInternal, err)
	}
	return g, nil
}

// caller is an authenticated client, with the issuer from which it asks, and the snapshot and the time by which it is judged.
type caller struct {
	clientauth.Client

	issuer   string
	snapshot *trust.Snapshot
	now      time.Time
}

func (h *Handler) authenticate(snapshot *trust.Snapshot, r *http.Request, at tenant, form oauth.Form, rec *record) (caller, error) {
	rec.enter(r.Context(), stepAuthenticate)
	namespace, err := h.narrow(r, at)
	if err != nil {
		return caller{}, err
	}
	rec.tenant = namespace
	credentials, err := clientauth.FromRequest(r.Header, form)
	rec.snapshot, rec.untrustedClientID = snapshot, credentials.UntrustedClientID()
	if err != nil {
		return caller{}, err
	}
	c := caller{issuer: at.issuer, snapshot: snapshot, now: h.config.Now()}
	place := clientauth.Place{Issuer: at.issuer, Namespace: namespace, From: rec.from.Caller, UntrustedClaim: rec.from.UntrustedClaim}
	client, trail, err := h.clients.Authenticate(r.Context(), c.snapshot, credentials, place, c.now)
	if err != nil {
		h.requestKeys(r.Context(), snapshot, trail)
	}
	rec.untrustedClientID, rec.untrustedClientIssuer = trail.UntrustedClientID, trail.UntrustedIssuer
	if err != nil {
		return caller{}, err
	}
	rec.client, rec.method, c.Client = client.Object(), client.Method(), client
	return c, nil
}

// narrow returns the namespace whose clients a request is for: that of the path, or the one that the query names. The query
// narrows the whole server and leaves its issuer. Empty means that all clients are there.
func (h *Handler) narrow(r *http.Request, at tenant) (string, error) {
	name, err := oauth.Tenant(r.URL)
	if err != nil || name == "" {
		return at.namespace, err
	}
	namespace := h.tenants.namespace(name)
	if at.namespace != "" && namespace != at.namespace {
		return "", oauth.Refuse(oauth.ReasonTenantMismatch, nil)
	}
	return namespace, nil
}

// requestKeys asks for newer keys of whoever was to have signed a client assertion. Who has not authenticated does not wait
// for them: that would take places from those who have, and show who exists.
func (h *Handler) requestKeys(ctx context.Context, snapshot *trust.Snapshot, trail clientauth.Trail) {
	if h.maybeNewer(trail.Trail) {
		h.config.KeyRefresher.Request(ctx, trail.Provider)
		return
	}
	client := snapshot.Client(trail.UntrustedClientID)
	if h.config.KeyRefresher != nil && trail.UnknownKey && client != nil && client.RemoteKeys {
		h.config.KeyRefresher.RequestClient(ctx, client)
	}
}

// maybeNewer reports whether the provider that was found lacks the key that the assertion names, and has its keys from
// where there may be newer ones.
func (h *Handler) maybeNewer(trail assertion.Trail) bool {
	return h.config.KeyRefresher != nil && trail.UnknownKey && trail.Provider.RemoteKeys
}

// newerKeys returns a snapshot with newer keys of the provider that was found, when there may be some and they came; and nil
// otherwise.
func (h *Handler) newerKeys(ctx context.Context, trail assertion.Trail) *trust.Snapshot {
	if !h.maybeNewer(trail) || !h.config.KeyRefresher.Refresh(ctx, trail.Provider) {
		return nil
	}
	if snapshot := h.config.Trust.Snapshot(); snapshot.Ready() {
		return snapshot
	}
	return nil
}
