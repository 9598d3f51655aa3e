package clientauth

import (
	"cmp"
	"context"
	"crypto/subtle"
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

// Authenticator authenticates clients. It is immutable and safe for concurrent use.
type Authenticator struct {
	verifier *assertion.Verifier
	redeemer Redeemer
}

// New returns an authenticator.
func New(verifier *assertion.Verifier, redeemer Redeemer) *Authenticator {
	return &Authenticator{verifier: verifier, redeemer: redeemer}
}

// Trail is how far an authentication came, also when it refused.
type Trail struct {
	assertion.Trail

	// UntrustedClientID is the client id that the request claims, by parameter, header or client assertion.
	UntrustedClientID string
}

// Authenticate finds the client that the credentials are of. A tenant that is not empty must be the client's namespace: a
// client of another tenant does not exist there. Errors are refusals.
func (a *Authenticator) Authenticate(ctx context.Context, snapshot *trust.Snapshot, c Credentials, tenant string, now time.Time) (
	Client, Trail, error,
) {
	trail := Trail{UntrustedClientID: c.untrustedID}
	switch c.method {
	case MethodSecretBasic, MethodSecretPost:
		client, err := bySecret(snapshot, c, tenant)
		return client, trail, err
	case MethodPrivateKeyJWT:
		return a.byAssertion(ctx, snapshot, c, tenant, now)
	case MethodNone:
		client := snapshot.Client(c.untrustedID)
		reason := refusal(client, tenant, trust.AuthenticationNone)
		if reason == oauth.ReasonOtherMethod {
			reason = oauth.ReasonNoCredentials // It is the same, said so that it helps.
		}
		if reason != "" {
			return Client{}, trail, oauth.Refuse(reason, nil)
		}
		return Client{client: client, method: MethodNone}, trail, nil
	default:
		return Client{}, trail, oauth.Refuse(oauth.ReasonNoCredentials, nil)
	}
}

// refusal says why a client may not authenticate by one of the methods at all, or is empty. RFC 7591 §2: a client has one
// method; what it could do by others does not count.
func refusal(client *trust.Client, tenant string, methods ...trust.Authentication) oauth.Reason {
	switch {
	case client == nil:
		return oauth.ReasonUnknownClient
	case tenant != "" && client.Key.Namespace != tenant:
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

func bySecret(snapshot *trust.Snapshot, c Credentials, tenant string) (Client, error) {
	digestKeys := snapshot.DigestKeys()
	if digestKeys == nil {
		return Client{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	client := snapshot.Client(c.untrustedID)
	reason := refusal(client, tenant, trust.AuthenticationSecret)
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
func (a *Authenticator) byAssertion(ctx context.Context, snapshot *trust.Snapshot, c Credentials, tenant string, now time.Time) (
	Client, Trail, error,
) {
	unverified, err := a.verifier.Read(ctx, c.assertion)
	trail := Trail{UntrustedClientID: cmp.Or(c.untrustedID, unverified.UntrustedSubject())}
	trail.UntrustedIssuer = unverified.UntrustedIssuer()
	if err != nil {
		return Client{}, trail, oauth.RefuseClient(err)
	}
	client := snapshot.Client(trail.UntrustedClientID)
	if reason := refusal(client, tenant, trust.AuthenticationPrivateKey, trust.AuthenticationFederated); reason != "" {
		a.verifier.Decoy(unverified)
		return Client{}, trail, oauth.Refuse(reason, nil)
	}
	var verified assertion.VerifiedClient
	verified, trail.Trail, err = a.verifier.VerifyClient(ctx, snapshot, client, unverified, now)
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
	method := MethodPrivateKeyJWT
	if client.Authentication == trust.AuthenticationFederated {
		method = MethodFederated
	}
	return Client{client: client, method: method}, trail, nil
}
