package trust

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Store publishes snapshots. Any number of readers and writers may use it at once.
type Store struct {
	writers sync.Mutex
	current atomic.Pointer[Snapshot]
}

// NewStore returns an empty store that is not ready.
func NewStore() *Store {
	s := &Store{}
	s.current.Store(emptySnapshot())
	return s
}

// Snapshot returns the current snapshot. It takes no lock and allocates nothing.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Update runs change and publishes its effect as one new snapshot. Writers run one at a time, and what change reads
// from its source while it runs is never older than what an earlier writer read.
func (s *Store) Update(change func(*Tx)) {
	s.writers.Lock()
	defer s.writers.Unlock()
	old := s.current.Load()
	tx := &Tx{
		next:      *old,
		providers: old.providers.Txn(),
		issuers:   old.issuers.Txn(),
		marks:     old.marks.Txn(),
		clients:   old.clients.Txn(),
		clientIDs: old.clientIDs.Txn(),
	}
	change(tx)
	tx.next.providers, tx.next.issuers = tx.providers.Commit(), tx.issuers.Commit()
	tx.next.marks = tx.marks.Commit()
	tx.next.clients, tx.next.clientIDs = tx.clients.Commit(), tx.clientIDs.Commit()
	s.current.Store(&tx.next)
}

// Tx collects the changes of one Update.
type Tx struct {
	next      Snapshot
	providers *iradix.Txn[*Provider]
	issuers   *iradix.Txn[[]*Provider]
	marks     *iradix.Txn[[]*Provider]
	clients   *iradix.Txn[*Client]
	clientIDs *iradix.Txn[[]*Client]
}

// PutProvider adds or replaces a provider.
func (t *Tx) PutProvider(p *Provider) {
	if old, ok := t.providers.Insert(objectKey(p.Key), p); ok {
		withdraw(t.issuers, issuerKey(old.Key.Namespace, old.Issuer), func(o *Provider) bool { return o.Key == p.Key })
		t.unmark(old)
	}
	t.mark(p)
	claim(t.issuers, issuerKey(p.Key.Namespace, p.Issuer), p, func(a, b *Provider) int {
		return byRight(a.Created, b.Created, a.Key, b.Key)
	})
}

// DeleteProvider removes a provider, if it is there.
func (t *Tx) DeleteProvider(k ObjectKey) {
	if old, ok := t.providers.Delete(objectKey(k)); ok {
		withdraw(t.issuers, issuerKey(k.Namespace, old.Issuer), func(o *Provider) bool { return o.Key == k })
		t.unmark(old)
	}
}

// PutClient adds or replaces a client.
func (t *Tx) PutClient(c *Client) {
	if old, ok := t.clients.Insert(objectKey(c.Key), c); ok {
		withdraw(t.clientIDs, []byte(old.ID), func(o *Client) bool { return o.Key == c.Key })
	}
	claim(t.clientIDs, []byte(c.ID), c, func(a, b *Client) int { return byRight(a.Created, b.Created, a.Key, b.Key) })
}

// DeleteClient removes a client, if it is there.
func (t *Tx) DeleteClient(k ObjectKey) {
	if old, ok := t.clients.Delete(objectKey(k)); ok {
		withdraw(t.clientIDs, []byte(old.ID), func(o *Client) bool { return o.Key == k })
	}
}

// Clear removes every provider and client.
func (t *Tx) Clear() {
	t.ReplaceProviders("", nil)
	t.ReplaceClients("", nil)
}

// SetRing replaces the signing keys.
func (t *Tx) SetRing(r *keyring.Ring) { t.next.ring = r }

// SetDigestKeys replaces the keys of client secret digests.
func (t *Tx) SetDigestKeys(k keyring.DigestKeys) { t.next.digestKeys = &k }

// MarkLoaded says that the store now holds everything there is.
func (t *Tx) MarkLoaded() { t.next.loaded = true }

// claim adds an object to those that claim a key. Published lists are never changed in place.
func claim[T any](tree *iradix.Txn[[]T], key []byte, object T, compare func(a, b T) int) {
	claimants, _ := tree.Get(key)
	claimants = append(slices.Clone(claimants), object)
	slices.SortFunc(claimants, compare)
	tree.Insert(key, claimants)
}

func withdraw[T any](tree *iradix.Txn[[]T], key []byte, is func(T) bool) {
	claimants, _ := tree.Get(key)
	claimants = slices.DeleteFunc(slices.Clone(claimants), is)
	if len(claimants) == 0 {
		tree.Delete(key)
		return
	}
	tree.Insert(key, claimants)
}

// byRight orders claimants: the oldest first, then by namespace and name.
func byRight(createdA, createdB time.Time, a, b ObjectKey) int {
	return cmp.Or(createdA.Compare(createdB), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
