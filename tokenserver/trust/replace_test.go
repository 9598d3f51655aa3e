package trust

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

func TestReplace(t *testing.T) {
	s := NewStore()
	s.Update(func(tx *Tx) {
		tx.PutProvider(provider(key("a", "gone"), "issuer", 0))
		tx.PutProvider(provider(key("a", "moves"), "old", 0))
		tx.PutClient(client(key("a", "gone"), "id", 0))
		tx.PutClient(client(key("a", "moves"), "old", 0))
	})
	before := s.Snapshot()
	s.Update(func(tx *Tx) {
		tx.ReplaceProviders("", []*Provider{
			provider(key("a", "moves"), "new", 0), provider(key("a", "later"), "issuer", 2), provider(key("a", "sooner"), "issuer", 1),
		})
	})
	if _, clients := s.Snapshot().Counts(); clients != 2 {
		t.Errorf("%d clients", clients)
	}
	s.Update(func(tx *Tx) {
		tx.ReplaceClients("", []*Client{
			client(key("a", "moves"), "new", 0), client(key("a", "later"), "id", 2), client(key("a", "sooner"), "id", 1),
		})
	})
	for what, snapshot := range map[string]*Snapshot{"before": before, "after": s.Snapshot()} {
		got := map[string]string{}
		for _, id := range []string{"issuer", "id", "old", "new"} {
			got["provider "+id] = name(snapshot.Provider("a", id))
			got["client "+id] = name(snapshot.Client(id))
		}
		want := map[string]map[string]string{
			"before": {
				"provider issuer": "a/gone", "provider old": "a/moves", "provider new": "none", "provider id": "none",
				"client id": "a/gone", "client old": "a/moves", "client new": "none", "client issuer": "none",
			},
			"after": {
				"provider issuer": "a/sooner", "provider old": "none", "provider new": "a/moves", "provider id": "none",
				"client id": "a/sooner", "client old": "none", "client new": "a/moves", "client issuer": "none",
			},
		}[what]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(what, diff)
		}
	}
	// What was replaced can be changed as any other.
	s.Update(func(tx *Tx) {
		tx.DeleteProvider(key("a", "sooner"))
		tx.DeleteClient(key("a", "sooner"))
	})
	if got := name(s.Snapshot().Provider("a", "issuer")) + " " + name(s.Snapshot().Client("id")); got != "a/later a/later" {
		t.Errorf("after the first claimants: %s", got)
	}
	s.Update(func(tx *Tx) { tx.ReplaceProviders("", nil); tx.ReplaceClients("", nil) })
	if p, c := s.Snapshot().Counts(); p != 0 || c != 0 || s.Snapshot().marks.tree.Len() != 0 {
		t.Errorf("%d providers, %d marks of them and %d clients", p, s.Snapshot().marks.tree.Len(), c)
	}
}

// What is listed of one namespace says nothing about another, not even about one whose name begins the same.
func TestReplaceOfANamespace(t *testing.T) {
	s := NewStore()
	s.Update(func(tx *Tx) {
		for _, namespace := range []string{"a", "ab", "b"} {
			tx.PutProvider(provider(key(namespace, "gone"), "issuer", 0))
			tx.PutClient(client(key(namespace, "gone"), "id", 0))
		}
	})
	s.Update(func(tx *Tx) {
		tx.ReplaceProviders("a", []*Provider{provider(key("a", "new"), "issuer", 1)})
		tx.ReplaceClients("a", []*Client{client(key("a", "new"), "id", 1)})
	})
	got := map[string]string{"client": name(s.Snapshot().Client("id"))}
	for _, namespace := range []string{"a", "ab", "b"} {
		got[namespace] = name(s.Snapshot().Provider(namespace, "issuer"))
	}
	want := map[string]string{"client": "ab/gone", "a": "a/new", "ab": "ab/gone", "b": "b/gone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p, c := s.Snapshot().Counts(); p != 3 || c != 3 || s.Snapshot().marks.tree.Len() != 3 {
		t.Errorf("%d providers, %d marks of them and %d clients", p, s.Snapshot().marks.tree.Len(), c)
	}
	s.Update(func(tx *Tx) { tx.ReplaceProviders("ab", nil); tx.ReplaceClients("ab", nil) })
	if got := name(s.Snapshot().Client("id")); got != "b/gone" {
		t.Errorf("the next claimant is %s", got)
	}
}

func TestReplaceLeavesTheRestAlone(t *testing.T) {
	s := filled(t, 1)
	before := s.Snapshot()
	s.Update(func(tx *Tx) { tx.ReplaceProviders("", nil); tx.ReplaceClients("", nil) })
	if after := s.Snapshot(); !after.Ready() || after.Ring() != before.Ring() || after.DigestKeys() != before.DigestKeys() {
		t.Error("the server's keys changed")
	}
}

func TestMarkUnloaded(t *testing.T) {
	s := filled(t, 1)
	s.Update((*Tx).MarkUnloaded)
	if s.Snapshot().Ready() {
		t.Error("ready")
	}
	s.Update(func(tx *Tx) { tx.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey())) })
	if s.Snapshot().Ready() {
		t.Error("ready")
	}
	s.Update((*Tx).MarkLoaded)
	if _, clients := s.Snapshot().Counts(); !s.Snapshot().Ready() || clients != 1 {
		t.Errorf("ready %v with %d clients", s.Snapshot().Ready(), clients)
	}
}
