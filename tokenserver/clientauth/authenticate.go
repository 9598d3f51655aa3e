package clientauth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Redeemer uses up a client assertion that may be used once. Its errors are refusals.
type Redeemer interface {
	RedeemClient(ctx context.Context, verified assertion.VerifiedClient, now time.Time) error
}

// Failures bounds how often the authentication of a client may fail at an address.
type Failures interface {
	// Wait returns for how long the client is to wait there, 0 for not at all. claim tells apart those who come from one
	// address; it is not valid where nothing does.
	Wait(clientID string, from, claim netip.Addr, now time.Time) time.Duration
	// Count counts a failure.
	Count(clientID string, from, claim netip.Addr, now time.Time)
}

// Authenticator authenticates clients. It is safe for concurrent use.
type Authenticator struct {
	verifier *assertion.Verifier
	redeemer Redeemer
	failures Failures
}

// New returns an authenticator.
func New(verifier *assertion.Verifier, redeemer Redeemer, failures Failures) *Authenticator {
	return &Authenticator{verifier: verifier, redeemer: redeemer, failures: failures}
}

// Place is where credentials are presented.
type Place struct {
	// Issuer is the one of ours that is asked: a client assertion names it as its audience.
	Issuer string
	// Namespace is the one whose clients there are; empty for those of all.
	Namespace string
	// From is the address of the caller. It is not valid where there is none.
	From netip.Addr
	// UntrustedClaim is for whom the caller claims to speak: see [peer.Address]. It only ever makes two callers of one.
	UntrustedClaim netip.Addr
}

// Trail is how far an authentication came, also when it refused.
type Trail struct {
	assertion.Trail

	// UntrustedClientID is the client id that the request claims, by parameter, header or client assertion.
	UntrustedClientID string
}

// Authenticate finds the client that the credentials are of. Where the place has a namespace, it must be the client's: a
// client of another one does not exist there. Errors are refusals.
//
// Who has failed too often is refused before anything is found out about the client, whether it exists or not; only a
// client assertion has been read by then, to learn whose it claims to be.
func (a *Authenticator) Authenticate(ctx context.Context, snapshot *trust.Snapshot, c Credentials, at Place, now time.Time) (
	Client, Trail, error,
) {
	trail := Trail{UntrustedClientID: c.untrustedID}
	var unverified assertion.Unverified
	var err error
	if c.method == MethodPrivateKeyJWT {
		unverified, err = a.verifier.Read(ctx, c.assertion)
		trail.UntrustedClientID = cmp.Or(c.untrustedID, unverified.UntrustedSubject())
		trail.UntrustedIssuer = unverified.UntrustedIssuer()
	}
	claimed := trail.UntrustedClientID
	if wait := a.failures.Wait(claimed, at.From, at.UntrustedClaim, now); wait > 0 {
		return Client{}, trail, oauth.RefuseFor(oauth.ReasonTooManyFailures, wait)
	}
	var client Client
	switch {
	case err != nil:
		err = oauth.RefuseClient(err)
	case c.method == MethodPrivateKeyJWT:
		client, trail.Trail, err = a.byAssertion(ctx, snapshot, unverified, claimed, at, now)
	case c.method == MethodSecretBasic, c.method == MethodSecretPost:
		client, err = bySecret(snapshot, c, at)
	case c.method == MethodNone:
		client, err = byName(snapshot, c, at)
	default:
		err = oauth.Refuse(oauth.ReasonNoCredentials, nil)
	}
	if err != nil && oauth.AsError(err).Code == oauth.InvalidClient {
		a.failures.Count(claimed, at.From, at.UntrustedClaim, now)
	}
	return client, trail, err
}

func byName(snapshot *trust.Snapshot, c Credentials, at Place) (Client, error) {
	client := snapshot.Client(c.untrustedID)
	reason := refusal(client, at, trust.AuthenticationNone)
	if reason == oauth.ReasonOtherMethod {
		reason = oauth.ReasonNoCredentials // It is the same, said so that it helps.
	}
	if reason != "" {
		return Client{}, oauth.Refuse(reason, nil)
	}
	return Client{client: client, method: MethodNone}, nil
}

// refusal says why a client may not authenticate by one of the methods at all, or is empty. RFC 7591 §2: a client has one
// method; what it could do by others does not count.
func refusal(client *trust.Client, at Place, methods ...trust.Authentication) oauth.Reason {
	switch {
	case client == nil:
		return oauth.ReasonUnknownClient
	case at.Namespace != "" && client.Key.Namespace != at.Namespace:
		return oauth.ReasonOtherTenant
	case !client.Enabled:
		return oauth.ReasonDisabledClient
	case !slices.Contains(methods, client.Authentication):
		return oauth.ReasonOtherMethod
	default:
		return ""
	}
}

// decoyUID stands in for the UID of a client that may not authenticate: as long as a real one, so that the digest takes
// as many blocks.
const decoyUID = "00000000-0000-0000-0000-000000000000"

func bySecret(snapshot *trust.Snapshot, c Credentials, at Place) (Client, error) {
	digestKeys := snapshot.DigestKeys()
	if digestKeys == nil {
		return Client{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	client := snapshot.Client(c.untrustedID)
	reason := refusal(client, at, trust.AuthenticationSecret)
	if reason == "" && len(client.Credentials) == 0 {
		reason = oauth.ReasonNoClientCredentials
	}
	// The same work whether the client exists or not: a digest of some UID under each key, compared with some digest.
	uid, credentials := decoyUID, []trust.Credential{{DigestKeyID: digestKeys.Active().ID()}}
	if reason == "" {
		uid, credentials = client.UID, client.Credentials
	}
	if len(c.secret) > maxSecretBytes {
		return Client{}, oauth.Refuse(oauth.ReasonWrongSecret, nil)
	}
	matches := anyDigestMatches(digestKeys, uid, c.secret, credentials)
	if reason == "" && !matches {
		reason = oauth.ReasonWrongSecret
	}
	if reason != "" {
		return Client{}, oauth.Refuse(reason, nil)
	}
	return Client{client: client, method: c.method}, nil
}

// anyDigestMatches compares with every digest under every key, whether one has matched or not.
func anyDigestMatches(keys *keyring.DigestKeys, uid, secret string, credentials []trust.Credential) bool {
	match := 0
	for key := range keys.All() {
		digest := key.Digest(uid, secret)
		for _, known := range credentials {
			same := subtle.ConstantTimeCompare(known.Digest[:], digest[:])
			match |= same & subtle.ConstantTimeCompare([]byte(known.DigestKeyID), []byte(key.ID()))
		}
	}
	return match == 1
}

// byAssertion: RFC 7521 §4.2. The client is that of client_id or, without it, of the sub of the client assertion, which is
// the same where the client signs it (RFC 7523 §3(2)(B)); where a provider does, client_id is needed to find the client.
func (a *Authenticator) byAssertion(
	ctx context.Context, snapshot *trust.Snapshot, unverified assertion.Unverified, claimed string, at Place, now time.Time,
) (Client, assertion.Trail, error) {
	trail := assertion.Trail{UntrustedIssuer: unverified.UntrustedIssuer()}
	client := snapshot.Client(claimed)
	if reason := refusal(client, at, trust.AuthenticationPrivateKey, trust.AuthenticationFederated); reason != "" {
		a.verifier.Decoy(unverified)
		return Client{}, trail, oauth.Refuse(reason, nil)
	}
	verified, trail, err := a.verifier.VerifyClient(ctx, snapshot, client, unverified, at.Issuer, now)
	if err != nil {
		if !trail.SignatureTried {
			a.verifier.Decoy(unverified)
		}
		return Client{}, trail, oauth.RefuseClient(err)
	}
	// Last: whoever cannot sign for the client must not be able to use up what it signed.
	if err := a.redeemer.RedeemClient(ctx, verified, now); err != nil {
		return Client{}, trail, oauth.RefuseClient(err)
	}
	if client.Authentication == trust.AuthenticationFederated {
		return Client{client: client, method: MethodFederated, voucher: verified.Provider()}, trail, nil
	}
	return Client{client: client, method: MethodPrivateKeyJWT}, trail, nil
}
