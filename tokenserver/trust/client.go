package trust

import (
	"crypto/sha256"
	"slices"
	"time"
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
	// Credentials are the keyed digests of the secrets that authenticate the client.
	Credentials []Credential
	// Providers are the names of the providers that may vouch, in the client's own namespace; nil means all of it.
	Providers []string
	// Scopes are what the client may ask for.
	Scopes []string
	// Resources are what the client may ask tokens for (RFC 8707), the default first; empty means this server's issuer.
	Resources []string
	// AccessTokenLifetime is the lifetime of access tokens.
	AccessTokenLifetime time.Duration
	// CapToAssertion ends an access token no later than its assertion.
	CapToAssertion bool
}

// Credential is the keyed digest of one client secret.
type Credential struct {
	DigestKeyID string
	Digest      [sha256.Size]byte
}

// Allows reports whether the provider may vouch for the client. Both live in one namespace, and a client that names
// providers names this one.
func (c *Client) Allows(p *Provider) bool {
	if c.Key.Namespace != p.Key.Namespace {
		return false
	}
	return c.Providers == nil || slices.Contains(c.Providers, p.Key.Name)
}
