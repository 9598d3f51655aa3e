package trust

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Snapshot is one consistent state of the store. It is immutable.
type Snapshot struct {
	loaded    bool
	ring      *keyring.Ring
	digestKey *keyring.DigestKey
	// The trees by object key hold every object; those by claim hold the objects that claim an issuer or a client id,
	// in the order of their right to it.
	providers *iradix.Tree[*Provider]
	issuers   *iradix.Tree[[]*Provider]
	clients   *iradix.Tree[*Client]
	clientIDs *iradix.Tree[[]*Client]
}

func emptySnapshot() *Snapshot {
	return &Snapshot{
		providers: iradix.New[*Provider](),
		issuers:   iradix.New[[]*Provider](),
		clients:   iradix.New[*Client](),
		clientIDs: iradix.New[[]*Client](),
	}
}

// Ready reports whether the store has been loaded in full once and holds the server's own keys.
func (s *Snapshot) Ready() bool { return s.loaded && s.ring != nil && s.digestKey != nil }

// Ring returns the signing keys, or nil before they are loaded.
func (s *Snapshot) Ring() *keyring.Ring { return s.ring }

// DigestKey returns the key of client secret digests, or nil before it is loaded.
func (s *Snapshot) DigestKey() *keyring.DigestKey { return s.digestKey }

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
