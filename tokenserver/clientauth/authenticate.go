package clientauth

import (
	"crypto/subtle"
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Client is a client that has proved who it is. There is no other way to make one than Authenticate.
type Client struct {
	client *trust.Client
	method string
}

// Object returns the client as the trust store holds it.
func (c Client) Object() *trust.Client { return c.client }

// Method is the registered name of the method that the client used.
func (c Client) Method() string { return c.method }

// decoyUID stands in for the UID of a client that may not authenticate: as long as a real one, so that the digest takes
// as many blocks.
const decoyUID = "00000000-0000-0000-0000-000000000000"

// Authenticate finds the client that the credentials are of. A tenant that is not empty must be the client's namespace:
// a client of another tenant does not exist there.
func Authenticate(snapshot *trust.Snapshot, c Credentials, tenant string) (Client, error) {
	digestKey := snapshot.DigestKey()
	if digestKey == nil {
		return Client{}, oauth.Refuse(oauth.ReasonNotReady, nil)
	}
	client := snapshot.Client(c.untrustedID)
	// The same work whether the client exists or not: a digest under some UID, compared with some digest.
	reason, uid, credentials := oauth.Reason(""), decoyUID, []trust.Credential{{DigestKeyID: digestKey.ID()}}
	switch {
	case client == nil:
		reason = oauth.ReasonUnknownClient
	case tenant != "" && client.Key.Namespace != tenant:
		reason = oauth.ReasonOtherTenant
	case !client.Enabled:
		reason = oauth.ReasonDisabledClient
	case len(client.Credentials) == 0:
		reason = oauth.ReasonNoClientCredentials
	default:
		uid, credentials = client.UID, client.Credentials
	}
	if len(c.secret) > maxSecretBytes {
		return Client{}, oauth.Refuse(oauth.ReasonWrongSecret, nil)
	}
	digest := digestKey.Digest(uid, c.secret)
	match := 0
	for _, known := range credentials {
		same := subtle.ConstantTimeCompare(known.Digest[:], digest[:])
		match |= same & subtle.ConstantTimeCompare([]byte(known.DigestKeyID), []byte(digestKey.ID()))
	}
	if reason == "" && match != 1 {
		reason = oauth.ReasonWrongSecret
	}
	if reason != "" {
		return Client{}, oauth.Refuse(reason, nil)
	}
	return Client{client: client, method: c.method}, nil
}

// MayUse reports whether the client may use a grant, by the exact grant_type value.
func (c Client) MayUse(grantType string) bool { return slices.Contains(c.client.GrantTypes, grantType) }
