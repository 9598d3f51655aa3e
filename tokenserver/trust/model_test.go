package trust

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// model is what a store must do, written as plainly as can be.
type model struct {
	clients   map[ObjectKey]*Client
	providers map[ObjectKey]*Provider
}

func (m *model) client(id string) *Client {
	var best *Client
	for _, c := range m.clients {
		if c.ID == id && (best == nil || older(c.Created, best.Created, c.Key, best.Key)) {
			best = c
		}
	}
	return best
}

func (m *model) provider(namespace, issuer string) *Provider {
	var best *Provider
	for _, p := range m.providers {
		if p.Key.Namespace == namespace && p.Issuer == issuer && (best == nil || older(p.Created, best.Created, p.Key, best.Key)) {
			best = p
		}
	}
	return best
}

func older(createdA, createdB time.Time, a, b ObjectKey) bool {
	switch {
	case !createdA.Equal(createdB):
		return createdA.Before(createdB)
	case a.Namespace != b.Namespace:
		return a.Namespace < b.Namespace
	default:
		return a.Name < b.Name
	}
}

// step reads one change from three bytes and makes it in both. Few names, claims and times make for many contests.
func step(op [3]byte, tx *Tx, m *model) {
	k := key(string('a'+rune(op[0]>>2&1)), string('a'+rune(op[0]>>3&3)))
	created := int(op[1] & 3)
	claim := strconv.Itoa(int(op[2] & 3))
	switch op[0] & 3 {
	case 0:
		c := client(k, claim, created)
		tx.PutClient(c)
		m.clients[k] = c
	case 1:
		p := provider(k, claim, created)
		tx.PutProvider(p)
		m.providers[k] = p
	case 2:
		tx.DeleteClient(k)
		delete(m.clients, k)
	default:
		tx.DeleteProvider(k)
		delete(m.providers, k)
	}
	if op == [3]byte{255, 255, 255} {
		tx.Clear()
		clear(m.clients)
		clear(m.providers)
	}
}

func (m *model) compare(t *testing.T, s *Snapshot) {
	t.Helper()
	for claim := range 4 {
		id := strconv.Itoa(claim)
		if got, want := s.Client(id), m.client(id); got != want {
			t.Fatalf("client %s is %s, want %s", id, name(got), name(want))
		}
		for _, namespace := range []string{"a", "b"} {
			if got, want := s.Provider(namespace, id), m.provider(namespace, id); got != want {
				t.Fatalf("provider %s of %s is %s, want %s", id, namespace, name(got), name(want))
			}
		}
	}
	for _, p := range m.providers {
		want := p
		if m.provider(p.Key.Namespace, p.Issuer) != p {
			want = nil
		}
		if got := s.ProviderMarked(p.Mark()); got != want {
			t.Fatalf("the provider with the mark of %s is %s, want %s", name(p), name(got), name(want))
		}
	}
	if n := s.marks.tree.Len(); n != len(m.providers) {
		t.Fatalf("there are %d marks of %d providers", n, len(m.providers))
	}
	providers, clients := s.Counts()
	if providers != len(m.providers) || clients != len(m.clients) {
		t.Fatalf("%d providers and %d clients, want %d and %d", providers, clients, len(m.providers), len(m.clients))
	}
}

// replay makes the changes, several in one update where a byte says so, and compares after every update.
func replay(t *testing.T, ops []byte) *model {
	t.Helper()
	s, m := NewStore(), &model{map[ObjectKey]*Client{}, map[ObjectKey]*Provider{}}
	for len(ops) >= 3 {
		s.Update(func(tx *Tx) {
			for more := true; more && len(ops) >= 3; ops = ops[3:] {
				step([3]byte(ops), tx, m)
				more = ops[1]&0x40 != 0
			}
		})
		m.compare(t, s.Snapshot())
	}
	return m
}

// random returns bytes that are the same for the same seed.
func random(seed uint32, n int) []byte {
	var b []byte
	for i := uint32(0); len(b) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, seed), i))
		b = append(b, sum[:]...)
	}
	return b[:n]
}

func FuzzStore(f *testing.F) {
	f.Add([]byte{0, 0, 0, 4, 1, 0, 2, 0, 0})
	f.Add([]byte{255, 255, 255})
	for seed := range uint32(50) {
		f.Add(random(seed, 900))
	}
	f.Fuzz(func(t *testing.T, ops []byte) { replay(t, ops) })
}

// The order in which objects arrive does not matter.
func TestOrderOfArrival(t *testing.T) {
	for seed := range uint32(50) {
		m := replay(t, random(seed, 300))
		want := NewStore()
		want.Update(func(tx *Tx) {
			for _, c := range m.clients {
				tx.PutClient(c)
			}
			for _, p := range m.providers {
				tx.PutProvider(p)
			}
		})
		m.compare(t, want.Snapshot())
		if diff := cmp.Diff(claimed(want.Snapshot()), claimed(reversed(m))); diff != "" {
			t.Fatalf("seed %d: claimants depend on the order (-one +other):\n%s", seed, diff)
		}
	}
}

func reversed(m *model) *Snapshot {
	clients := make([]*Client, 0, len(m.clients))
	for _, c := range m.clients {
		clients = append(clients, c)
	}
	slices.SortFunc(clients, func(a, b *Client) int { return b.Created.Compare(a.Created) })
	s := NewStore()
	for _, c := range clients {
		s.Update(func(tx *Tx) { tx.PutClient(c) })
	}
	return s.Snapshot()
}

// claimed are the clients that claim each id, in the order of their right.
func claimed(s *Snapshot) map[string][]string {
	found := map[string][]string{}
	s.clientIDs.tree.Scan(func(_ uint64, list claimants[Client]) bool {
		for _, c := range list.all() {
			found[c.ID] = append(found[c.ID], c.Key.String())
		}
		return true
	})
	return found
}
