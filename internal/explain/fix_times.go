package explain

import (
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// fixTimes is about clocks.
func (j *judgement) fixTimes(reason oauth.Reason) string {
	p, c := j.trace.Provider, j.trace.UntrustedClaims
	if p == nil || c == nil {
		return ""
	}
	now := j.options.At
	switch reason { //nolint:exhaustive // The others are about other things.
	case oauth.ReasonExpired:
		return "Obtain a new assertion and exchange it at once." + fixClocks(p, now.Sub(c.Expiry))
	case oauth.ReasonNotYetValid:
		return "Wait until it is valid." + fixClocks(p, c.NotBefore.Sub(now))
	case oauth.ReasonIssuedInFuture:
		return "The issuer's clock is ahead, or this one is behind." + fixClocks(p, c.IssuedAt.Sub(now))
	case oauth.ReasonIssuedAtMissing:
		if p.IDJAG {
			return "Have the issuer say when the token was made, in iat."
		}
		return "Have the issuer say when the token was made, in iat: spec.maxAge of " + p.Key.String() + " cannot be held to without."
	case oauth.ReasonTooOld:
		return "Obtain a new assertion and exchange it at once. If older ones are good, raise spec.maxAge:\n" + edit("idp", p.Key)
	case oauth.ReasonLifetimeTooLong:
		return "Have the issuer make tokens that live no longer than wanted. If these are good, raise spec.maxLifetime:\n" + edit("idp", p.Key)
	}
	return ""
}

// fixClocks is about clocks that are off by so much at least, by which a provider may allow more.
func fixClocks(p *trust.Provider, off time.Duration) string {
	for _, skew := range []time.Duration{2 * time.Minute, trust.MaxClockSkew} {
		if off < skew && skew > p.ClockSkew {
			minutes := fmt.Sprintf("%dm", skew/time.Minute)
			return fmt.Sprintf(" If the clocks of issuer and server differ, set them right, or allow more than %s, up to 5m:\n%s", span(p.ClockSkew), patch("idp", p.Key, `{"spec":{"clockSkew":"`+minutes+`"}}`))
		}
	}
	return " If the clocks of issuer and server differ, set them right: no clock skew that may be allowed, up to 5m, makes up for that."
}

// fixTimeLeft is about an assertion that counts by the allowed clock skew alone, for a client whose tokens end with it.
func (j *judgement) fixTimeLeft() string {
	return "Obtain a new assertion and exchange it at once. Its exp has passed, and counts by the allowed clock skew alone; with spec.accessToken.capToAssertion no access token of OAuthClient " +
		j.client.Key.String() + " outlives it. If tokens may outlive their assertion, switch that off:\n" + patch("oac", j.client.Key, `{"spec":{"accessToken":{"capToAssertion":false}}}`)
}
