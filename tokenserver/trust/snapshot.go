package trust

import (
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Snapshot is one consistent state of the store. It is immutable.
type Snapshot struct {
	loaded     bool
	ring       *keyring.Ring
	digestKeys *keyring.DigestKeys
	// The trees by object key hold every object; those by claim hold the objects that claim an issuer or a client id,
	// in the order of their right to it; that by mark holds the providers with a mark.
	providers *iradix.Tree[*Provider]
	issuers   *iradix.Tree[[]*Provider]
	marks     *iradix.Tree[[]*Provider]
	clients   *iradix.Tree[*Client]
	clientIDs *iradix.Tree[[]*Client]
}

func emptySnapshot() *Snapshot {
	return &Snapshot{
		providers: iradix.New[*Provider](),
		issuers:   iradix.New[[]*Provider](),
		marks:     iradix.New[[]*Provider](),
		clients:   iradix.New[*Client](),
		clientIDs: iradix.New[[]*Client](),
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
	claimants, ok := s.clientIDs.Get([]byte(id))
	if !ok {
		return nil
	}
	return claimants[0]
}

// Provider returns the provider of a namespace that makes an issuer trusted, or nil. Where several objects claim the
// issuer, the one with the best right counts: never the keys of either.
func (s *Snapshot) Provider(namespace, issuer string) *Provider {
	var buf [maxLookupKeyBytes]byte // On the stack: every request comes here.
	claimants, ok := s.issuers.Get(appendIssuerKey(buf[:0], namespace, issuer))
	if !ok {
		return nil
	}
	return claimants[0]
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
	p, ok := s.providers.Get(objectKey(k))
	if !ok || s.Provider(k.Namespace, p.Issuer) != p {
		return nil
	}
	return p
}

// HasProvider reports whether there is a provider of that name, whatever right it has to its issuer.
func (s *Snapshot) HasProvider(k ObjectKey) bool {
	_, ok := s.providers.Get(objectKey(k))
	return ok
}

// HasClient reports whether there is a client of that name, whatever right it has to its id.
func (s *Snapshot) HasClient(k ObjectKey) bool {
	_, ok := s.clients.Get(objectKey(k))
	return ok
}

// Counts returns the numbers of providers and clients.
func (s *Snapshot) Counts() (providers, clients int) { return s.providers.Len(), s.clients.Len() }

// maxLookupKeyBytes holds the longest namespace and the longest iss that an assertion may have.
const maxLookupKeyBytes = 63 + 1 + 512

// issuerKey is unambiguous: a namespace holds no NUL.
func issuerKey(namespace, issuer string) []byte { return appendIssuerKey(nil, namespace, issuer) }

func appendIssuerKey(b []byte, namespace, issuer string) []byte {
	b = append(b, namespace...)
	b = append(b, 0)
	return append(b, issuer...)
}

func objectKey(k ObjectKey) []byte { return []byte(k.Namespace + "\x00" + k.Name) }
