package tokenserver

import (
	"context"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/policy"
)

// The parameters of a token exchange that hold tokens; each has another for its type.
const (
	subjectToken = "subject_token"
	actorToken   = "actor_token"
	typeOf       = "_type"
)

// tokenExchange is the token exchange grant (RFC 8693 §2.1).
func (h *Handler) tokenExchange(ctx context.Context, c caller, form oauth.Form, rec *record) (caller, policy.Decision, error) {
	subjectKind, actorKind, err := tokenKinds(form)
	if err != nil {
		return c, policy.Decision{}, err
	}
	rec.assertion = form.Get(subjectToken)
	look := func(parameter string, kind assertion.TokenKind) look {
		return func(ctx context.Context, c caller) (assertion.Verified, assertion.Trail, error) {
			verified, trail, err := h.verifier.VerifyToken(ctx, c.snapshot, c.Object(), kind, form.Get(parameter), c.now)
			if err != nil {
				err = oauth.RefuseToken(parameter, err)
			}
			return verified, trail, err
		}
	}
	c, subject, err := h.verify(ctx, c, look(subjectToken, subjectKind), form, rec, &rec.voucher)
	if err != nil {
		return c, policy.Decision{}, err
	}
	var actor *assertion.Verified
	if actorKind != 0 {
		newer, verified, err := h.verify(ctx, c, look(actorToken, actorKind), form, rec, &rec.actorVoucher)
		if err != nil {
			return c, policy.Decision{}, err
		}
		actor = &verified
		if newer.snapshot != c.snapshot { // Everything is judged by one snapshot.
			if subject, _, err = look(subjectToken, subjectKind)(ctx, newer); err != nil {
				return newer, policy.Decision{}, err
			}
			c, rec.provider = newer, subject.Provider()
		}
	}
	request := h.request(form)
	request.Resources = append(request.Resources, form.Audiences()...)
	rec.enter(ctx, stepAuthorize)
	decision, err := policy.AuthorizeExchange(c.Client, subject, actor, request, c.issuer, c.now)
	return c, decision, err
}

// tokenKinds reads what the tokens are said to be; the second is 0 where there is no actor_token.
func tokenKinds(form oauth.Form) (subject, actor assertion.TokenKind, err error) {
	// RFC 8693 §2.1: requested_token_type is OPTIONAL; only access tokens are issued.
	if t := form.Get("requested_token_type"); t != "" && t != oauth.TokenTypeAccessToken {
		return 0, 0, oauth.Refuse(oauth.ReasonUnknownRequestedTokenType, nil)
	}
	switch {
	case form.Get(subjectToken) == "":
		return 0, 0, oauth.Refuse(oauth.ReasonMissingSubjectToken, nil)
	case form.Get(subjectToken+typeOf) == "":
		return 0, 0, oauth.Refuse(oauth.ReasonMissingSubjectTokenType, nil)
	case (form.Get(actorToken) == "") != (form.Get(actorToken+typeOf) == ""):
		// RFC 8693 §2.1: REQUIRED when actor_token is present, and MUST NOT be included otherwise.
		return 0, 0, oauth.Refuse(oauth.ReasonIncompleteActorToken, nil)
	}
	if subject, err = tokenKind(form.Get(subjectToken + typeOf)); err != nil || form.Get(actorToken) == "" {
		return subject, 0, err
	}
	actor, err = tokenKind(form.Get(actorToken + typeOf))
	return subject, actor, err
}

func tokenKind(tokenType string) (assertion.TokenKind, error) {
	switch tokenType {
	case oauth.TokenTypeJWT:
		return assertion.KindJWT, nil
	case oauth.TokenTypeIDToken:
		return assertion.KindIDToken, nil
	case oauth.TokenTypeAccessToken:
		return assertion.KindAccessToken, nil
	default:
		return 0, oauth.Refuse(oauth.ReasonUnknownTokenType, nil)
	}
}

// refuseToken refuses what is wrong with one of the tokens after they have been looked at.
func refuseToken(err error) error { return oauth.RefuseToken("", err) }
