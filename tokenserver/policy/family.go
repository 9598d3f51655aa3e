package policy

import (
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/refresh"
)

// withRefreshToken is the decision with the first refresh token of a family, when everybody wants one: the client, the
// server, and the providers of what the decision rests on. RFC 7521 §4.1: "SHOULD NOT be issued" where nobody does.
func (d Decision) withRefreshToken(request Request, now time.Time, restsOn ...assertion.Verified) Decision {
	c := d.client
	start := now.Truncate(time.Second)
	end := start.Add(c.RefreshTokenLifetime.Truncate(time.Second))
	wanted := slices.Contains(c.GrantTypes, oauth.GrantTypeRefreshToken) && end.After(start)
	if !wanted || slices.Contains(request.Disabled, oauth.GrantTypeRefreshToken) {
		return d
	}
	g := refresh.Grant{
		Origin: request.GrantType, ClientUID: c.UID, ClientID: c.ID, Subject: d.subject, Actor: d.actor, Claims: d.claims,
		Scopes: d.scopes, Audience: d.audience, Start: start,
	}
	for i, verified := range restsOn {
		p := verified.Provider()
		if p.NoRefresh {
			return d
		}
		g.Vouchers = append(g.Vouchers, refresh.Voucher{
			Provider: p.Key, UID: p.UID, Issuer: p.Issuer, Key: verified.Key().Thumbprint(), RulesID: p.RulesID,
		})
		if exp := verified.Claims().Expiry.Truncate(time.Second); i == 0 || exp.Before(g.AssertionEnd) {
			g.AssertionEnd = exp
		}
	}
	if g.End = end; c.CapToAssertion && g.AssertionEnd.Before(end) {
		g.End = g.AssertionEnd
	}
	t := refresh.New(g, now)
	d.refresh = &t
	return d.endingBy(g.End)
}

// endingBy is the decision with an access token that ends no later than its family: a family that is revoked is remembered
// until it is over, and all that came from it must be over by then.
func (d Decision) endingBy(end time.Time) Decision {
	if end.Before(d.expiresAt) {
		d.expiresAt = end
	}
	return d
}
