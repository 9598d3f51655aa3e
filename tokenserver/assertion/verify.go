package assertion

import (
	"time"

	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Verifier verifies assertions. It is immutable and safe for concurrent use.
type Verifier struct {
	ownIssuer string
	steps     []step
}

// step is one check of an assertion. Its error is a refusal.
type step struct {
	name string
	run  func(*verification) error
}

// verification is one run through the steps; each reads what earlier ones left.
type verification struct {
	ownIssuer string
	assertion string
	snapshot  *trust.Snapshot
	client    *trust.Client
	now       time.Time

	jws        *jose.Compact
	claims     *Claims
	provider   *trust.Provider
	candidates []*jose.PublicKey
	key        *jose.PublicKey // set by the signature step only
}

// Verified is an assertion that passed every step. There is no other way to make one than Verify.
type Verified struct {
	claims   *Claims
	provider *trust.Provider
	key      *jose.PublicKey
}

// Claims returns the claims, which the provider's issuer vouches for.
func (v Verified) Claims() *Claims { return v.claims }

// Provider returns the provider whose key verified the signature.
func (v Verified) Provider() *trust.Provider { return v.provider }

// Key returns the key that verified the signature.
func (v Verified) Key() *jose.PublicKey { return v.key }

// NewVerifier returns a verifier for an authorization server with the given issuer.
func NewVerifier(ownIssuer string) *Verifier {
	return &Verifier{ownIssuer: ownIssuer, steps: []step{
		{"form", (*verification).parseForm},
		{"type", (*verification).checkType},
		{"content type", (*verification).checkContentType},
		{"claims set", (*verification).parseClaims},
		{"issuer present", (*verification).checkIssuerPresent},
		{"not self-issued", (*verification).checkNotSelfIssued},
		{"provider", (*verification).findProvider},
		{"provider allowed", (*verification).checkProviderAllowed},
		{"provider enabled", (*verification).checkProviderEnabled},
		{"key", (*verification).findKeys},
		{"signature", (*verification).verifySignature},
		{"subject", (*verification).checkSubject},
		{"audience present", (*verification).checkAudiencePresent},
		{"audience", (*verification).checkAudience},
		{"expiry present", (*verification).checkExpiryPresent},
		{"expiry", (*verification).checkExpiry},
		{"not before", (*verification).checkNotBefore},
		{"issued at", (*verification).checkIssuedAt},
		{"order of times", (*verification).checkOrderOfTimes},
		{"age", (*verification).checkAge},
		{"lifetime", (*verification).checkLifetime},
		{"jti", (*verification).checkJWTID},
	}}
}

// Verify runs every step on an assertion that an authenticated client presents. Its errors are refusals
// (*oauth.Error). untrustedIssuer is what the assertion claims, for the audit log, as soon as it could be read.
func (vr *Verifier) Verify(snapshot *trust.Snapshot, client clientauth.Client, assertion string, now time.Time) (
	verified Verified, untrustedIssuer string, err error,
) {
	v := &verification{
		ownIssuer: vr.ownIssuer, assertion: assertion, snapshot: snapshot, client: client.Object(), now: now,
	}
	for _, s := range vr.steps {
		if err = s.run(v); err != nil {
			break
		}
	}
	if v.claims != nil {
		untrustedIssuer = v.claims.Issuer
	}
	if err != nil {
		return Verified{}, untrustedIssuer, err
	}
	// Invariant: key is set by verifySignature and nowhere else.
	if v.key == nil || v.provider == nil || v.claims == nil {
		return Verified{}, untrustedIssuer, oauth.Refuse(oauth.ReasonInternal, nil)
	}
	return Verified{claims: v.claims, provider: v.provider, key: v.key}, untrustedIssuer, nil
}
