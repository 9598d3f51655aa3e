package trust

import (
	"slices"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Snapshot is one consistent state of the store. It is immutable.
type Snapshot struct {
	loaded     bool
	ring       *keyring.Ring
	digestKeys *keyring.DigestKeys
	// Every object is under its own name, and under what it claims: an issuer, a mark, a client id.
	providers index[*Provider]
	issuers   claims[Provider]
	marks     claims[Provider]
	clients   index[*Client]
	clientIDs claims[Client]
}

func emptySnapshot() *Snapshot {
	return &Snapshot{
		providers: newIndex[*Provider](),
		issuers:   newClaims(func(p *Provider) uint64 { return digestWithin(p.Key.Namespace, p.Issuer) }, (*Provider).byRight),
		marks:     newClaims(func(p *Provider) uint64 { return p.Mark().digest() }, (*Provider).byRight),
		clients:   newIndex[*Client](),
		clientIDs: newClaims(func(c *Client) uint64 { return digestOf(c.ID) }, (*Client).byRight),
	}
}

// Ready reports whether the store has been loaded in full once and holds the server's own keys.
func (s *Snapshot) Ready() bool { return s.loaded && s.ring != nil && s.digestKeys != nil }

// Ring returns the signing keys, or nil before they are loaded.
func (s *Snapshot) Ring() *keyring.Ring { return s.ring }

// DigestKeys returns the keys of client secret digests, or nil before they are loaded.
func (s *Snapshot) DigestKeys() *keyring.DigestKeys { return s.digestKeys }

// Client returns the client with the given id, or nil. Where several objects claim the id, the one with the best right
// counts and the others do not exist.
func (s *Snapshot) Client(id string) *Client {
	return s.clientIDs.get(digestOf(id)).best(func(c *Client) bool { return c.ID == id })
}

// Provider returns the provider of a namespace that makes an issuer trusted, or nil. Where several objects claim the
// issuer, the one with the best right counts: never the keys of either.
func (s *Snapshot) Provider(namespace, issuer string) *Provider {
	return s.issuers.get(digestWithin(namespace, issuer)).best(func(p *Provider) bool {
		return p.Issuer == issuer && p.Key.Namespace == namespace
	})
}

// ProviderFor returns the provider that vouches for a client with an issuer, or nil: the first that the client names and
// that admits it, or that of its own namespace. One that the client does not name is returned all the same where it is
// the only one, so that the refusal can say so; [Client.Allows] decides.
func (s *Snapshot) ProviderFor(c *Client, issuer string) *Provider {
	for i, named := range c.Providers {
		if slices.ContainsFunc(c.Providers[:i], func(k ObjectKey) bool { return k.Namespace == named.Namespace }) {
			continue // One namespace has one provider for an issuer, and it has been looked at.
		}
		if p := s.Provider(named.Namespace, issuer); p != nil && c.Allows(p) {
			return p
		}
	}
	return s.Provider(c.Key.Namespace, issuer)
}

// ProviderAt returns the provider with the given name, or nil when there is none or another object has the better right
// to its issuer.
func (s *Snapshot) ProviderAt(k ObjectKey) *Provider {
	p, ok := s.providers.get(k)
	if !ok || s.Provider(k.Namespace, p.Issuer) != p {
		return nil
	}
	return p
}

// Providers calls visit with each provider, whatever right it has to its issuer.
func (s *Snapshot) Providers(visit func(*Provider)) { s.providers.each(visit) }

// Clients calls visit with each client, whatever right it has to its id.
func (s *Snapshot) Clients(visit func(*Client)) { s.clients.each(visit) }

// HasClients reports whether a namespace has a client.
func (s *Snapshot) HasClients(namespace string) bool { return s.clients.has(namespace) }

// Counts returns the numbers of providers and clients.
func (s *Snapshot) Counts() (providers, clients int) { return s.providers.len(), s.clients.len() }
