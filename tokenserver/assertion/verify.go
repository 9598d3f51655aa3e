package assertion

import (
	"context"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Verifier verifies assertions, tokens and client assertions. It is immutable and safe for concurrent use.
type Verifier struct {
	ownIssuer   string
	ownPrefixes []string
	// reading comes before any of the others.
	reading, grant, token, client []step
	decoy                         decoy
	remembered                    *signatures
}

// TokenKind is what a token that is exchanged is said to be (RFC 8693 §3).
type TokenKind int

// The kinds. The zero value is none that is accepted.
const (
	// KindJWT is a JWT of the kind that the provider's assertions are.
	KindJWT TokenKind = iota + 1
	// KindIDToken is an ID token (OpenID Connect Core §2).
	KindIDToken
	// KindAccessToken is a JWT access token (RFC 9068).
	KindAccessToken
)

// step is one check of an assertion. Its error is a refusal.
type step struct {
	name string
	run  func(context.Context, *verification) error
}

// check is a step that does not wait.
func check(name string, run func(*verification) error) step {
	return step{name, func(_ context.Context, v *verification) error { return run(v) }}
}

// Unverified is an assertion that has been read and of which nothing is verified.
type Unverified struct {
	jws    *jose.Compact
	claims *Claims
}

// UntrustedIssuer is the iss that the assertion claims, or empty.
func (u Unverified) UntrustedIssuer() string {
	if u.claims == nil {
		return ""
	}
	return u.claims.Issuer
}

// UntrustedSubject is the sub that the assertion claims, or empty.
func (u Unverified) UntrustedSubject() string {
	if u.claims == nil {
		return ""
	}
	return u.claims.Subject
}

// verification is one run through the steps; each reads what earlier ones left.
type verification struct {
	Unverified

	ownIssuer   string
	ownPrefixes []string
	remembered  *signatures
	audience    string // the issuer that the client asks
	text        string
	snapshot    *trust.Snapshot
	client      *trust.Client
	kind        TokenKind // of a token that is exchanged
	now         time.Time

	provider   *trust.Provider
	candidates []*jose.PublicKey
	few        [2]*jose.PublicKey // what candidates are kept in as long as they are few
	unknownKey bool
	tried      bool            // whether a signature was verified, with whatever outcome
	key        *jose.PublicKey // set by the signature step only
	mapped     claimrules.Result
}

// Trail is how far a verification came, also when it refused.
type Trail struct {
	// UntrustedIssuer is the iss that the assertion claims, for the audit log, or empty.
	UntrustedIssuer string
	// Provider is the provider whose keys were to verify the signature, or nil.
	Provider *trust.Provider
	// UnknownKey reports whether it ended because the assertion names a key that the provider does not have.
	UnknownKey bool
	// SignatureTried reports whether the work of verifying a signature was done.
	SignatureTried bool
}

// NewVerifier returns a verifier for an authorization server with the given issuer. All issuers that begin with one
// of the prefixes are its own too.
func NewVerifier(ownIssuer string, ownPrefixes ...string) *Verifier {
	return &Verifier{
		ownIssuer: ownIssuer, ownPrefixes: ownPrefixes, reading: readingSteps(), grant: grantSteps(), token: tokenSteps(),
		client: clientSteps(), decoy: newDecoy(),
	}
}

func readingSteps() []step {
	return []step{
		check("form", (*verification).parseForm),
		check("content type", (*verification).checkContentType),
		check("claims set", (*verification).parseClaims),
	}
}

// grantSteps are for assertions.
func grantSteps() []step {
	return append(vouchingSteps(check("type", (*verification).checkType)), check("ID-JAG", (*verification).checkIDJAG))
}

// tokenSteps are for tokens that are exchanged: what makes an assertion good makes a token good, but for its type.
func tokenSteps() []step {
	steps := vouchingSteps(check("token type", (*verification).checkTokenType))
	return append(steps, check("not bound to a key", (*verification).checkNotBound))
}

// vouchingSteps are for what a provider says of a subject.
func vouchingSteps(ofType step) []step {
	return []step{
		check("issuer present", (*verification).checkIssuerPresent),
		check("not self-issued", (*verification).checkNotSelfIssued),
		check("provider", (*verification).findProvider),
		check("provider allowed", (*verification).checkProviderAllowed),
		check("provider enabled", (*verification).checkProviderEnabled),
		ofType,
		check("key", (*verification).findKeys),
		check("signature", (*verification).verifySignature),
		check("subject", (*verification).checkSubject),
		check("subject form", (*verification).checkSubjectForm),
		check("client id claim", (*verification).checkClientIDClaim),
		check("audience present", (*verification).checkAudiencePresent),
		check("audience", (*verification).checkAudience),
		check("expiry present", (*verification).checkExpiryPresent),
		check("expiry", (*verification).checkExpiry),
		check("not before", (*verification).checkNotBefore),
		check("issued at", (*verification).checkIssuedAt),
		check("order of times", (*verification).checkOrderOfTimes),
		check("age", (*verification).checkAge),
		check("lifetime", (*verification).checkLifetime),
		{"claim rules", holdClaimRules},
		check("jti", (*verification).checkJWTID),
	}
}

// clientSteps are for client assertions.
func clientSteps() []step {
	return []step{
		check("issuer present", (*verification).checkIssuerPresent),
		check("not self-issued", (*verification).checkNotSelfIssued),
		check("authority", (*verification).findAuthority),
		check("authority admits", (*verification).checkAuthorityAdmits),
		check("provider enabled", (*verification).checkProviderEnabled),
		check("issuer", (*verification).checkIssuer),
		check("type", (*verification).checkClientType),
		check("key", (*verification).findKeys),
		check("signature", (*verification).verifySignature),
		check("subject", (*verification).checkClientSubject),
		check("subject form", (*verification).checkSubjectForm),
		check("client id claim", (*verification).checkClientIDClaim),
		check("audience present", (*verification).checkAudiencePresent),
		check("audience", (*verification).checkClientAudience),
		check("expiry present", (*verification).checkExpiryPresent),
		check("expiry", (*verification).checkExpiry),
		check("not before", (*verification).checkNotBefore),
		check("issued at", (*verification).checkIssuedAt),
		check("order of times", (*verification).checkOrderOfTimes),
		check("age", (*verification).checkAge),
		check("lifetime", (*verification).checkLifetime),
		{"claim rules", holdClaimRules},
		check("jti", (*verification).checkJWTID),
	}
}

// Verify runs every step on an assertion that a client presents as a grant. The audience is the issuer that the client asks.
// Its errors are refusals (*oauth.Error).
func (vr *Verifier) Verify(ctx context.Context, snapshot *trust.Snapshot, client *trust.Client, assertion, audience string, now time.Time) (
	Verified, Trail, error,
) {
	v := &verification{
		ownIssuer: vr.ownIssuer, ownPrefixes: vr.ownPrefixes, remembered: vr.remembered, text: assertion, audience: audience,
		snapshot: snapshot, client: client, now: now,
	}
	return v.verified(ctx, vr.reading, vr.grant)
}

// VerifyToken runs every step on a token that a client presents to be exchanged. Its errors are refusals of an assertion;
// [oauth.RefuseToken] makes them refusals of a token.
func (vr *Verifier) VerifyToken(ctx context.Context, snapshot *trust.Snapshot, client *trust.Client, kind TokenKind, token string, now time.Time) (
	Verified, Trail, error,
) {
	v := &verification{
		ownIssuer: vr.ownIssuer, ownPrefixes: vr.ownPrefixes, remembered: vr.remembered, text: token, snapshot: snapshot, client: client, kind: kind, now: now,
	}
	return v.verified(ctx, vr.reading, vr.token)
}

func (v *verification) verified(ctx context.Context, reading, vouching []step) (Verified, Trail, error) {
	err := v.run(ctx, reading)
	if err == nil {
		err = v.run(ctx, vouching)
	}
	p, err := v.proof(err)
	return Verified{p}, v.trail(), err
}

// Read reads a client assertion, so that its client can be found. Its errors are refusals.
func (vr *Verifier) Read(ctx context.Context, clientAssertion string) (Unverified, error) {
	v := &verification{text: clientAssertion}
	err := v.run(ctx, vr.reading)
	return v.Unverified, err
}

// VerifyClient runs the remaining steps on what Read returned: is it the client that says so to this audience, by a key of
// its own or by the provider of its workload? The audience is the issuer that the client asks. Errors are refusals of an
// assertion; [oauth.RefuseClient] makes them refusals of a client.
func (vr *Verifier) VerifyClient(
	ctx context.Context, snapshot *trust.Snapshot, client *trust.Client, u Unverified, audience string, now time.Time,
) (VerifiedClient, Trail, error) {
	v := &verification{Unverified: u, ownIssuer: vr.ownIssuer, ownPrefixes: vr.ownPrefixes, remembered: vr.remembered, audience: audience, snapshot: snapshot, client: client, now: now}
	err := oauth.Refuse(oauth.ReasonInternal, nil)
	if u.jws != nil && u.claims != nil {
		err = v.run(ctx, vr.client)
	}
	p, err := v.proof(err)
	return VerifiedClient{p}, v.trail(), err
}

func (v *verification) run(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := s.run(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// proof is what the steps have found, unless one of them refused.
func (v *verification) proof(err error) (proof, error) {
	if err != nil {
		return proof{}, err
	}
	// Invariant: key is set by verifySignature and nowhere else.
	if v.key == nil || v.provider == nil || v.claims == nil {
		return proof{}, oauth.Refuse(oauth.ReasonInternal, nil)
	}
	p := proof{client: v.client, claims: v.claims, provider: v.provider, key: v.key}
	if v.mapped.Subject != "" || len(v.mapped.Claims) > 0 {
		p.mapped = &v.mapped
	}
	return p, nil
}

func (v *verification) trail() Trail {
	return Trail{UntrustedIssuer: v.UntrustedIssuer(), Provider: v.provider, UnknownKey: v.unknownKey, SignatureTried: v.tried}
}
