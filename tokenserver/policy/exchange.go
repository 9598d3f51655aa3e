package policy

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// AuthorizeExchange decides about a token exchange (RFC 8693). actor is who acts for the subject, or nil where nobody else
// does. Errors are refusals.
func AuthorizeExchange(client clientauth.Client, subject assertion.Verified, actor *assertion.Verified, request Request, defaultAudience string, now time.Time) (
	Decision, error,
) {
	d, err := authorize(client, subject, request, defaultAudience, now)
	if err != nil {
		return Decision{}, err
	}
	if !mayAct(subject.Claims(), actor) {
		return Decision{}, oauth.Refuse(oauth.ReasonActorNotAllowed, nil)
	}
	if actor == nil {
		return d.withRefreshToken(request, now, subject), nil
	}
	if d, err = d.delegated(*actor, now); err != nil {
		return Decision{}, err
	}
	return d.withRefreshToken(request, now, subject, *actor), nil
}

// mayAct: RFC 8693 §4.4: may_act says who is authorized to become the actor, and so that nobody else is, nor the client by
// itself. A subject of which it does not say the issuer is one of the same issuer.
func mayAct(subject *assertion.Claims, actor *assertion.Verified) bool {
	party := subject.MayAct()
	if party == nil {
		return true
	}
	if actor == nil || party.Subject == "" {
		return false
	}
	issuer := party.Issuer
	if issuer == "" {
		issuer = subject.Issuer
	}
	return actor.Claims().Subject == party.Subject && actor.Claims().Issuer == issuer
}

// delegated is the decision for an actor. What may be granted is a matter of the subject; the actor's token is used up as
// well, and first: should one of the two have been used before, the other is rather spent that is easier to replace.
func (d Decision) delegated(actor assertion.Verified, now time.Time) (Decision, error) {
	if actor.Client() != d.client {
		return Decision{}, oauth.Refuse(oauth.ReasonInternal, errOtherClient)
	}
	subject, err := mapSubject(d.client, actor.Provider(), actor.Subject())
	if err != nil {
		return Decision{}, err
	}
	d.actor = subject
	ofSubject := d.once
	d.once = nil
	d = d.vouchedBy(actor.Provider()).usingUp(actor)
	d.once = slices.Concat(d.once, ofSubject)
	return d.cappedTo(actor, now)
}
