package assertion

import (
	"time"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Verified is an assertion that passed every step. There is no other way to make one than Verify.
type Verified struct {
	proof
}

// VerifiedClient is a client assertion that passed every step. There is no other way to make one than VerifyClient.
type VerifiedClient struct {
	proof
}

type proof struct {
	client   *trust.Client
	claims   *Claims
	provider *trust.Provider
	key      *jose.PublicKey
	mapped   *claimrules.Result // nil when the rules made nothing
}

// Client returns the client that the assertion was verified for.
func (p proof) Client() *trust.Client { return p.client }

// Claims returns the claims, which the provider's issuer vouches for.
func (p proof) Claims() *Claims { return p.claims }

// Provider returns the provider whose key verified the signature.
func (p proof) Provider() *trust.Provider { return p.provider }

// Key returns the key that verified the signature.
func (p proof) Key() *jose.PublicKey { return p.key }

// Subject is who the assertion is about: what the provider's subject expression made, or sub.
func (p proof) Subject() string {
	if p.mapped != nil && p.mapped.Subject != "" {
		return p.mapped.Subject
	}
	return p.claims.Subject
}

// MappedClaims are what the provider's claim mappings made for the access token.
func (p proof) MappedClaims() []claimrules.Claim {
	if p.mapped == nil {
		return nil
	}
	return p.mapped.Claims
}

// Once names an assertion that may be used once, and says how long that matters.
type Once struct {
	// Issuer, Key and JWTID tell the assertion apart from others. Key is the thumbprint of the key that signed.
	Issuer, Key, JWTID string
	// From is the earliest time that the assertion can have been used, or zero when that is unknown. Until is when it is
	// refused for its age alone: exp and the skew that is allowed.
	From, Until time.Time
	// Skew is how much of Until is allowed for clocks.
	Skew time.Duration
	// Proven says that the assertion must prove by its times that it is newer than the memory of used ones: a provider
	// that demands one-time use demands that.
	Proven bool
}

// Once returns what there is to remember of an assertion that may be used once, and false for one that may be used again.
func (p proof) Once() (Once, bool) {
	if mayReplay(p.provider, p.claims) {
		return Once{}, false
	}
	skew := p.provider.ClockSkew
	once := Once{
		Issuer: p.claims.Issuer, Key: p.key.Thumbprint(), JWTID: p.claims.JWTID,
		From: p.claims.IssuedAt, Until: p.claims.Expiry.Add(skew), Skew: skew, Proven: p.provider.Replay == trust.ReplayOneTime,
	}
	if p.claims.NotBefore.After(once.From) {
		once.From = p.claims.NotBefore
	}
	// Where one-time use is demanded, an issuer whose clock is ahead counts as well.
	if once.Proven && !once.From.IsZero() {
		once.From = once.From.Add(-skew)
	}
	return once, true
}

// Once is that of an assertion. A client that signs with a key of its own need send neither iat nor nbf (RFC 7523 §3): it
// cannot have used the assertion before the longest lifetime that is accepted began to include exp.
func (v VerifiedClient) Once() (Once, bool) {
	once, ok := v.proof.Once()
	if ok && once.From.IsZero() && v.client.Authentication == trust.AuthenticationPrivateKey {
		once.From = v.claims.Expiry.Add(-v.provider.MaxLifetime)
	}
	return once, ok
}

// mayReplay reports whether the provider lets an assertion with these claims be used more than once (RFC 7523 §3(7)).
func mayReplay(p *trust.Provider, c *Claims) bool {
	return p.Replay == trust.ReplayReuse || p.Replay == trust.ReplayOneTimeIfPresent && c.JWTID == ""
}
