package trust

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// Client is an OAuth client. It is immutable once it is in a store.
type Client struct {
	Key     ObjectKey
	UID     string
	Created time.Time
	ID      string
	Enabled bool
	// GrantTypes are the grant_type values that the client may use.
	GrantTypes []string
	// Authentication is the one method by which the client proves who it is.
	Authentication Authentication
	// Credentials are the keyed digests of the secrets that authenticate a client with AuthenticationSecret.
	Credentials []Credential
	// Keys verify what a client with AuthenticationPrivateKey signs. A key in a certificate counts only while that is valid.
	Keys []*jose.PublicKey
	// RemoteKeys says that the keys come from a URL, where there may be newer ones.
	RemoteKeys bool
	// Workload is who a client with AuthenticationFederated is.
	Workload Workload
	// Providers are the providers that may vouch, the first of an issuer before others; nil means those of the client's
	// own namespace.
	Providers []ObjectKey
	// Scopes are what the client may ask for.
	Scopes []string
	// Resources are what the client may ask tokens for (RFC 8707), the default first; empty means this server's issuer.
	Resources []string
	// Serves are the resources that the client is a server of: it may ask about the access tokens for them (RFC 7662).
	Serves []string
	// AccessTokenLifetime is the lifetime of access tokens.
	AccessTokenLifetime time.Duration
	// CapToAssertion ends an access token, and a refresh token, no later than its assertion.
	CapToAssertion bool
	// RefreshTokenLifetime is how long refresh tokens follow one another after one assertion.
	RefreshTokenLifetime time.Duration
	// Usage is given by the store.
	Usage *Usage
}

// Credential is the keyed digest of one client secret.
type Credential struct {
	DigestKeyID string
	Digest      [sha256.Size]byte
}

// Authentication is a method of client authentication.
type Authentication int

// The methods. The zero value is none that works.
const (
	// AuthenticationSecret is a shared secret.
	AuthenticationSecret Authentication = iota + 1
	// AuthenticationPrivateKey is a JWT that the client signs.
	AuthenticationPrivateKey
	// AuthenticationFederated is a JWT that a provider signs for the client.
	AuthenticationFederated
	// AuthenticationNone is the client id alone.
	AuthenticationNone
)

// Workload is a subject that a provider vouches for.
type Workload struct {
	Provider ObjectKey
	Subject  string
}

// Allows reports whether the provider may vouch for the client: the client names it, or names none and shares its
// namespace, and the provider admits the client's namespace.
func (c *Client) Allows(p *Provider) bool {
	if c.Providers == nil {
		return c.Key.Namespace == p.Key.Namespace
	}
	return slices.Contains(c.Providers, p.Key) && p.Admits(c.Key.Namespace)
}
