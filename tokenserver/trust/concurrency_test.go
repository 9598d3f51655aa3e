package trust

import (
	"slices"
	"strconv"
	"sync"
	"testing"
)

// A snapshot that a request holds does not change, whatever is published meanwhile.
func TestSnapshotIsImmutable(t *testing.T) {
	s := NewStore()
	s.Update(func(tx *Tx) {
		tx.PutClient(client(key("a", "c"), "id-1", 5))
		tx.PutClient(client(key("a", "d"), "id-1", 6))
		tx.PutProvider(provider(key("a", "p"), "iss-1", 5))
	})
	old := s.Snapshot()
	oldClaimants := claimed(old)
	for i, change := range []func(*Tx){
		func(tx *Tx) { tx.PutClient(client(key("b", "older"), "id-1", 1)) },
		func(tx *Tx) { tx.PutClient(client(key("a", "c"), "id-2", 5)) },
		func(tx *Tx) { tx.DeleteClient(key("a", "d")) },
		func(tx *Tx) { tx.PutProvider(provider(key("a", "older"), "iss-1", 1)) },
		func(tx *Tx) { tx.DeleteProvider(key("a", "p")) },
		(*Tx).MarkLoaded,
		(*Tx).Clear,
	} {
		s.Update(change)
		if name(old.Client("id-1")) != "a/c" || name(old.Client("id-2")) != "none" || name(old.Provider("a", "iss-1")) != "a/p" {
			t.Fatalf("change %d shows in an old snapshot: %v", i, stateOf(old))
		}
		if got := claimed(old)["id-1"]; len(got) != 2 || got[0] != oldClaimants["id-1"][0] || got[1] != oldClaimants["id-1"][1] {
			t.Fatalf("change %d changed the claimants of an old snapshot to %v", i, got)
		}
		if providers, clients := old.Counts(); providers != 1 || clients != 2 || old.Ready() {
			t.Fatalf("change %d shows in the counts of an old snapshot: %d, %d", i, providers, clients)
		}
	}
}

// Lists of claimants of every length, with and without room to grow, stay as they were published.
func TestClaimantsAreImmutable(t *testing.T) {
	s := NewStore()
	for n := range 20 {
		s.Update(func(tx *Tx) { tx.PutClient(client(key("a", strconv.Itoa(n)), "id", 100-n)) })
		old := s.Snapshot()
		want := claimed(old)["id"]
		s.Update(func(tx *Tx) { tx.PutClient(client(key("a", "oldest"), "id", 0)) })
		s.Update(func(tx *Tx) { tx.DeleteClient(key("a", strconv.Itoa(n))) })
		if got := claimed(old)["id"]; !slices.Equal(got, want) {
			t.Fatalf("a list of %d became %v, was %v", n+1, got, want)
		}
		s.Update(func(tx *Tx) {
			tx.PutClient(client(key("a", strconv.Itoa(n)), "id", 100-n))
			tx.DeleteClient(key("a", "oldest"))
		})
	}
}

func torn(s *Snapshot) bool {
	one, two := s.Client("one"), s.Client("two")
	_ = s.Provider("a", "shared")
	return (one == nil) != (two == nil) || one != nil && one.UID != two.UID
}

// changeBoth gives two clients a new UID and adds a provider, every second time only for the moment.
func changeBoth(tx *Tx, uid string, i int) {
	one, two := client(key("a", "one"), "one", 0), client(key("a", "two"), "two", 0)
	one.UID, two.UID = uid, uid
	tx.PutClient(one)
	tx.PutClient(two)
	tx.PutProvider(provider(key("a", uid), "shared", i))
	if i%2 == 0 {
		tx.DeleteProvider(key("a", uid))
	}
}

// Under writers and readers at once, a snapshot is one world: two clients that are always changed together are equal in
// it. Run with -race.
func TestConcurrentUse(t *testing.T) {
	const writers, rounds, kept = 4, 200, 100
	s := NewStore()
	done := make(chan struct{})
	var readers, writing sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if torn(s.Snapshot()) {
					t.Error("a snapshot holds half an update")
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range rounds {
				s.Update(func(tx *Tx) { changeBoth(tx, strconv.Itoa(w*rounds+i), i) })
			}
		})
	}
	writing.Wait()
	close(done)
	readers.Wait()
	if providers, clients := s.Snapshot().Counts(); clients != 2 || providers != writers*kept {
		t.Errorf("%d providers and %d clients in the end, want %d and 2: updates were lost", providers, clients, writers*kept)
	}
}
