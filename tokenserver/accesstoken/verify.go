package accesstoken

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// maxAhead is how far the clock of the replica that minted a token may be ahead.
const maxAhead = 30 * time.Second

// Verified is an access token of this server that passed every step. There is no other way to make one than Verify.
type Verified struct {
	claims *verifiedClaims
}

// ID is its jti.
func (v Verified) ID() string { return v.claims.id }

// ClientID is the client that it was issued to.
func (v Verified) ClientID() string { return v.claims.clientID }

// Audience is its aud, not empty.
func (v Verified) Audience() []string { return slices.Clone(v.claims.audience) }

// IssuedAt and Expiry are its iat and exp.
func (v Verified) IssuedAt() time.Time { return v.claims.issuedAt }

// Expiry is its exp.
func (v Verified) Expiry() time.Time { return v.claims.expiry }

// Claims are all of its claims, those that a provider mapped among them, as one JSON object.
func (v Verified) Claims() json.RawMessage { return append(slices.Clone(v.claims.members), '}') }

// verification is one run through the steps; each reads what earlier ones left.
type verification struct {
	ring   *keyring.Ring
	issuer string
	text   string
	now    time.Time

	jws    *jose.Compact
	key    *jose.PublicKey
	signed bool // set by verifySignature only
	claims verifiedClaims
}

// step is one check of an access token. Its error is a refusal.
type step struct {
	name string
	run  func(*verification) error
}

// steps verify an access token as RFC 9068 §4 has a resource server do, but for the audience, which is not ours. The
// claims are read when the signature has been verified.
func steps() []step {
	return []step{
		{"form", (*verification).parseForm},
		{"type", (*verification).checkType},
		{"content type", (*verification).checkContentType},
		{"key", (*verification).findKey},
		{"signature", (*verification).verifySignature},
		{"claims set", (*verification).parseClaims},
		{"claims present", (*verification).checkClaimsPresent},
		{"issuer", (*verification).checkIssuer},
		{"expiry", (*verification).checkExpiry},
		{"issued at", (*verification).checkIssuedAt},
		{"order of times", (*verification).checkOrderOfTimes},
	}
}

// Verify runs every step on what may be an access token of the authorization server with that issuer. Its errors are
// refusals (*oauth.Error).
func Verify(ring *keyring.Ring, issuer, token string, now time.Time) (Verified, error) {
	return verify(steps(), &verification{ring: ring, issuer: issuer, text: token, now: now})
}

func verify(list []step, v *verification) (Verified, error) {
	for _, s := range list {
		if err := s.run(v); err != nil {
			return Verified{}, err
		}
	}
	// Invariant: signed is set by verifySignature and nowhere else.
	if !v.signed || v.claims.members == nil {
		return Verified{}, oauth.Refuse(oauth.ReasonInternal, nil)
	}
	return Verified{claims: &v.claims}, nil
}

// parseForm reads the compact form. What this server minted may be longer than what it accepts of others: as long as a
// request can carry.
func (v *verification) parseForm() (err error) {
	if v.jws, err = jose.ParseCompactUpTo(v.text, oauth.MaxBodyBytes); err != nil {
		return oauth.Refuse(oauth.ReasonTokenMalformed, err)
	}
	return nil
}

// checkType: RFC 9068 §4: "MUST verify that the typ header value is at+jwt or application/at+jwt and reject tokens
// carrying any other value".
func (v *verification) checkType() error {
	if v.jws.UntrustedHeader.Type != jose.TypeAccessToken {
		return oauth.Refuse(oauth.ReasonTokenType, nil)
	}
	return nil
}

// checkContentType: RFC 7519 §5.2: with cty the payload is another JWT and no claims set.
func (v *verification) checkContentType() error {
	if v.jws.UntrustedHeader.ContentType != "" {
		return oauth.Refuse(oauth.ReasonTokenMalformed, nil)
	}
	return nil
}

// findKey takes the published key that the header names. Every access token of this server names one; that of a key which
// is no longer published does not count any more.
func (v *verification) findKey() error {
	if v.ring == nil {
		return oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	for _, k := range v.ring.PublicKeys() {
		if k.KeyID() == v.jws.UntrustedHeader.KeyID {
			v.key = k
			return nil
		}
	}
	return oauth.Refuse(oauth.ReasonTokenKeyUnknown, nil)
}

// verifySignature: RFC 9068 §4: "MUST validate the signature of all incoming JWT access tokens". The key decides which
// algorithm there is (RFC 8725 §3.1).
func (v *verification) verifySignature() error {
	if v.key == nil || !v.key.Verify(jose.Algorithm(v.jws.UntrustedHeader.Algorithm), v.jws.SigningInput, v.jws.Signature) {
		return oauth.Refuse(oauth.ReasonTokenSignature, nil)
	}
	v.signed = true
	return nil
}

// checkIssuer: RFC 9068 §4: "MUST exactly match the value of the iss claim". One ring may sign for several issuers.
func (v *verification) checkIssuer() error {
	if v.claims.issuer != v.issuer {
		return oauth.Refuse(oauth.ReasonTokenIssuer, nil)
	}
	return nil
}

// checkExpiry: RFC 7519 §4.1.4: on or after exp is too late. There is no skew: the clock is that of this server, and a
// resource server that allows for some does so itself.
func (v *verification) checkExpiry() error {
	if !v.now.Before(v.claims.expiry) {
		return oauth.Refuse(oauth.ReasonTokenExpired, nil)
	}
	return nil
}

// checkIssuedAt refuses a token from the future, but for what the clocks of replicas may differ by.
func (v *verification) checkIssuedAt() error {
	if v.claims.issuedAt.After(v.now.Add(maxAhead)) {
		return oauth.Refuse(oauth.ReasonTokenTimes, nil)
	}
	return nil
}

// checkOrderOfTimes refuses a token that was never valid.
func (v *verification) checkOrderOfTimes() error {
	if !v.claims.issuedAt.Before(v.claims.expiry) {
		return oauth.Refuse(oauth.ReasonTokenTimes, nil)
	}
	return nil
}
