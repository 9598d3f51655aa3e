package trust

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

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
	tx := &Tx{old: old, next: *old}
	tx.next.providers, tx.next.issuers, tx.next.marks = old.providers.copy(), old.issuers.copy(), old.marks.copy()
	tx.next.clients, tx.next.clientIDs = old.clients.copy(), old.clientIDs.copy()
	change(tx)
	s.current.Store(&tx.next)
}

// Tx collects the changes of one Update.
type Tx struct {
	old  *Snapshot
	next Snapshot
}

// PutProvider adds or replaces a provider.
func (t *Tx) PutProvider(p *Provider) {
	if old, ok := t.old.providers.get(p.Key); ok {
		keepUsage(&p.Usage, old.Usage)
	} else {
		keepUsage(&p.Usage, nil)
	}
	if old, ok := t.next.providers.put(p.Key, p); ok {
		t.withdrawProvider(old)
	}
	t.next.issuers.add(p)
	t.next.marks.add(p)
}

// DeleteProvider removes a provider, if it is there.
func (t *Tx) DeleteProvider(k ObjectKey) {
	if old, ok := t.next.providers.remove(k); ok {
		t.withdrawProvider(old)
	}
}

func (t *Tx) withdrawProvider(old *Provider) {
	t.next.issuers.remove(old)
	t.next.marks.remove(old)
}

// PutClient adds or replaces a client.
func (t *Tx) PutClient(c *Client) {
	if old, ok := t.old.clients.get(c.Key); ok {
		keepUsage(&c.Usage, old.Usage)
	} else {
		keepUsage(&c.Usage, nil)
	}
	if old, ok := t.next.clients.put(c.Key, c); ok {
		t.next.clientIDs.remove(old)
	}
	t.next.clientIDs.add(c)
}

// DeleteClient removes a client, if it is there.
func (t *Tx) DeleteClient(k ObjectKey) {
	if old, ok := t.next.clients.remove(k); ok {
		t.next.clientIDs.remove(old)
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

// The oldest object has the best right to what several claim, then the first by namespace and name.

func (p *Provider) byRight(other *Provider) int {
	return byRight(p.Created, other.Created, p.Key, other.Key)
}

func (c *Client) byRight(other *Client) int {
	return byRight(c.Created, other.Created, c.Key, other.Key)
}

func byRight(createdA, createdB time.Time, a, b ObjectKey) int {
	return cmp.Or(createdA.Compare(createdB), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
