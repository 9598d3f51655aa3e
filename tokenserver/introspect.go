package tokenserver

import (
	"encoding/json"
	"net/http"

	"github.com/grantor-dev/grantor/tokenserver/accesstoken"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/tokenstatus"
)

// serveIntrospection answers the introspection endpoint (RFC 7662). Nothing is kept from one answer to the next.
func (h *Handler) serveIntrospection(w http.ResponseWriter, r *http.Request, at tenant) {
	rec := h.newRecord(r, endpointIntrospection)
	defer h.finish(r.Context(), rec)
	active, err := h.introspect(w, r, at, rec)
	if err == nil {
		rec.err = nil
		rec.enter(r.Context(), stepRespond)
		writeActive(w, active)
		return
	}
	rec.err = oauth.AsError(err)
	rec.failed(rec.err)
	if !rec.nothing {
		refuse(w, rec.err)
		return
	}
	writeInactive(w)
}

// introspect is the whole of an introspection request, in order. What is wrong before the token is looked at is an error of
// the caller; from there on, an error says why the token does not count.
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request, at tenant, rec *record) (tokenstatus.Active, error) {
	c, form, err := h.enter(w, r, at, rec)
	if err != nil {
		return tokenstatus.Active{}, err
	}
	// RFC 7662 §2.1: "the endpoint MUST also require some form of authorization", so that nobody can scan for tokens.
	if c.Method() == clientauth.MethodNone {
		return tokenstatus.Active{}, oauth.Refuse(oauth.ReasonPublicIntrospection, nil)
	}
	presented := form.Get("token")
	if presented == "" {
		return tokenstatus.Active{}, oauth.Refuse(oauth.ReasonMissingToken, nil)
	}
	// token_type_hint is not looked at: RFC 7662 §2.1: the server "MAY ignore this parameter". Access tokens are the only
	// ones that are ever active, so that nobody takes another kind for one.
	rec.enter(r.Context(), stepVerify)
	token, err := accesstoken.Verify(c.snapshot.Ring(), c.issuer, presented, c.now)
	if err == nil {
		rec.tokenID, rec.tokenClientID = token.ID(), token.ClientID()
		rec.enter(r.Context(), stepJudge)
		var active tokenstatus.Active
		if active, err = tokenstatus.Judge(r.Context(), c.snapshot, h.config.Revocations, c.Client, token, c.now); err == nil {
			return active, nil
		}
	}
	// RFC 7662 §2.2: a token that is not active, does not exist, or is not for the caller, is no error. What is not known
	// must not read as either.
	rec.nothing = isKnown(err)
	return tokenstatus.Active{}, err
}

// isKnown reports whether a refusal says something about the token, and not that the server does not know.
func isKnown(err error) bool {
	return oauth.AsError(err).Code.Status() < http.StatusInternalServerError
}

// enter is how a request begins that is about a token: load snapshot, parse request, authenticate client.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, at tenant, rec *record) (caller, oauth.Form, error) {
	snapshot := h.config.Trust.Snapshot()
	if !snapshot.Ready() {
		return caller{}, oauth.Form{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	rec.enter(r.Context(), stepParse)
	form, err := oauth.ParseForm(w, r)
	if err != nil {
		return caller{}, oauth.Form{}, err
	}
	c, err := h.authenticate(snapshot, r, at, form, rec)
	return c, form, err
}

// writeActive writes the claims of the token beside what RFC 7662 §2.2 adds. No claim has one of those names.
func writeActive(w http.ResponseWriter, a tokenstatus.Active) {
	noStore(w)
	writeJSON(w, http.StatusOK, json.RawMessage(`{"active":true,"token_type":"Bearer",`+string(a.Claims()[1:])))
}

// writeInactive: RFC 7662 §2.2: "the authorization server SHOULD NOT include any additional information about an inactive
// token, including why the token is inactive".
func writeInactive(w http.ResponseWriter) {
	noStore(w)
	writeJSON(w, http.StatusOK, struct {
		Active bool `json:"active"`
	}{})
}
