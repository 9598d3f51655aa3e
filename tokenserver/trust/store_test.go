package trust

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

func TestReady(t *testing.T) {
	ring := must(keyring.Generate(noon))
	setRing := func(t *Tx) { t.SetRing(ring) }
	setDigestKey := func(t *Tx) { t.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey())) }
	for name, tc := range map[string]struct {
		changes []func(*Tx)
		want    bool
	}{
		"empty":                   {nil, false},
		"loaded only":             {[]func(*Tx){(*Tx).MarkLoaded}, false},
		"without ring":            {[]func(*Tx){(*Tx).MarkLoaded, setDigestKey}, false},
		"without digest key":      {[]func(*Tx){(*Tx).MarkLoaded, setRing}, false},
		"not loaded":              {[]func(*Tx){setRing, setDigestKey}, false},
		"everything":              {[]func(*Tx){setRing, setDigestKey, (*Tx).MarkLoaded}, true},
		"in another order":        {[]func(*Tx){(*Tx).MarkLoaded, setDigestKey, setRing}, true},
		"cleared to be reloaded":  {[]func(*Tx){setRing, setDigestKey, (*Tx).MarkLoaded, (*Tx).Clear}, true},
		"ring taken away":         {[]func(*Tx){setRing, setDigestKey, (*Tx).MarkLoaded, func(t *Tx) { t.SetRing(nil) }}, false},
		"objects without loading": {[]func(*Tx){setRing, setDigestKey, func(t *Tx) { t.PutClient(client(key("a", "a"), "a", 0)) }}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStore()
			for _, change := range tc.changes {
				s.Update(change)
			}
			if got := s.Snapshot().Ready(); got != tc.want {
				t.Errorf("ready is %v, want %v", got, tc.want)
			}
		})
	}
}

func TestKeysOfTheServer(t *testing.T) {
	s := NewStore()
	if s.Snapshot().Ring() != nil || s.Snapshot().DigestKeys() != nil {
		t.Error("an empty store has keys")
	}
	ring, digestKey := must(keyring.Generate(noon)), keyring.GenerateDigestKey()
	s.Update(func(t *Tx) { t.SetRing(ring); t.SetDigestKeys(keyring.NewDigestKeys(digestKey)) })
	if s.Snapshot().Ring() != ring || s.Snapshot().DigestKeys().Active().ID() != digestKey.ID() {
		t.Error("the store does not give the keys that were set")
	}
}

// stateOf is what a snapshot says about two namespaces, two issuers and two client ids.
func stateOf(s *Snapshot) map[string]string {
	got := map[string]string{}
	for _, id := range []string{"id-1", "id-2", ""} {
		got["client "+id] = name(s.Client(id))
	}
	for _, namespace := range []string{"a", "b"} {
		for _, issuer := range []string{"iss-1", "iss-2"} {
			got["provider "+namespace+" "+issuer] = name(s.Provider(namespace, issuer))
		}
	}
	providers, clients := s.Counts()
	got["counts"] = fmt.Sprint(providers, clients)
	for k, v := range got {
		if v == "none" || v == "0 0" {
			delete(got, k)
		}
	}
	return got
}

func TestUpdate(t *testing.T) {
	put := func(c *Client) func(*Tx) { return func(t *Tx) { t.PutClient(c) } }
	putP := func(p *Provider) func(*Tx) { return func(t *Tx) { t.PutProvider(p) } }
	del := func(namespace, name string) func(*Tx) { return func(t *Tx) { t.DeleteClient(key(namespace, name)) } }
	delP := func(namespace, name string) func(*Tx) { return func(t *Tx) { t.DeleteProvider(key(namespace, name)) } }
	for name, tc := range map[string]struct {
		changes []func(*Tx)
		want    map[string]string
	}{
		"nothing": {nil, map[string]string{}},
		"put": {
			[]func(*Tx){put(client(key("a", "c"), "id-1", 0)), putP(provider(key("a", "p"), "iss-1", 0))},
			map[string]string{"client id-1": "a/c", "provider a iss-1": "a/p", "counts": "1 1"},
		},
		"replace under another claim": {
			[]func(*Tx){
				put(client(key("a", "c"), "id-1", 0)), put(client(key("a", "c"), "id-2", 0)),
				putP(provider(key("a", "p"), "iss-1", 0)), putP(provider(key("a", "p"), "iss-2", 0)),
			},
			map[string]string{"client id-2": "a/c", "provider a iss-2": "a/p", "counts": "1 1"},
		},
		"delete": {
			[]func(*Tx){put(client(key("a", "c"), "id-1", 0)), putP(provider(key("a", "p"), "iss-1", 0)), del("a", "c"), delP("a", "p")},
			map[string]string{},
		},
		"delete what is not there": {
			[]func(*Tx){put(client(key("a", "c"), "id-1", 0)), del("a", "d"), del("b", "c"), delP("a", "c")},
			map[string]string{"client id-1": "a/c", "counts": "0 1"},
		},
		"contested client id, oldest wins": {
			[]func(*Tx){put(client(key("a", "young"), "id-1", 2)), put(client(key("b", "old"), "id-1", 1))},
			map[string]string{"client id-1": "b/old", "counts": "0 2"},
		},
		"contested at one time, namespace decides": {
			[]func(*Tx){put(client(key("b", "a"), "id-1", 1)), put(client(key("a", "z"), "id-1", 1))},
			map[string]string{"client id-1": "a/z", "counts": "0 2"},
		},
		"contested at one time in one namespace, name decides": {
			[]func(*Tx){putP(provider(key("a", "z"), "iss-1", 1)), putP(provider(key("a", "y"), "iss-1", 1))},
			map[string]string{"provider a iss-1": "a/y", "counts": "2 0"},
		},
		"winner goes, loser is promoted": {
			[]func(*Tx){put(client(key("a", "young"), "id-1", 2)), put(client(key("b", "old"), "id-1", 1)), del("b", "old")},
			map[string]string{"client id-1": "a/young", "counts": "0 1"},
		},
		"winner turns to another claim": {
			[]func(*Tx){
				putP(provider(key("a", "old"), "iss-1", 1)), putP(provider(key("a", "young"), "iss-1", 2)),
				putP(provider(key("a", "old"), "iss-2", 1)),
			},
			map[string]string{"provider a iss-1": "a/young", "provider a iss-2": "a/old", "counts": "2 0"},
		},
		"winner is made anew and is now the youngest": {
			[]func(*Tx){
				putP(provider(key("a", "p"), "iss-1", 1)), putP(provider(key("a", "q"), "iss-1", 2)), putP(provider(key("a", "p"), "iss-1", 3)),
			},
			map[string]string{"provider a iss-1": "a/q", "counts": "2 0"},
		},
		"one issuer in two namespaces is no contest": {
			[]func(*Tx){putP(provider(key("a", "p"), "iss-1", 1)), putP(provider(key("b", "p"), "iss-1", 2))},
			map[string]string{"provider a iss-1": "a/p", "provider b iss-1": "b/p", "counts": "2 0"},
		},
		"several changes in one update": {
			[]func(*Tx){func(t *Tx) {
				t.PutClient(client(key("a", "c"), "id-1", 0))
				t.PutClient(client(key("a", "d"), "id-1", 1))
				t.DeleteClient(key("a", "c"))
			}},
			map[string]string{"client id-1": "a/d", "counts": "0 1"},
		},
		"clear, then put": {
			[]func(*Tx){put(client(key("a", "c"), "id-1", 0)), func(t *Tx) {
				t.Clear()
				t.PutClient(client(key("a", "d"), "id-2", 0))
			}},
			map[string]string{"client id-2": "a/d", "counts": "0 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStore()
			for _, change := range tc.changes {
				s.Update(change)
			}
			if diff := cmp.Diff(tc.want, stateOf(s.Snapshot())); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		})
	}
}

// A change that panics publishes nothing and blocks nobody.
func TestUpdateThatPanics(t *testing.T) {
	s := NewStore()
	func() {
		defer func() { _ = recover() }()
		s.Update(func(t *Tx) {
			t.PutClient(client(key("a", "c"), "id-1", 0))
			panic("boom")
		})
	}()
	if got := name(s.Snapshot().Client("id-1")); got != "none" {
		t.Errorf("half an update is published: %s", got)
	}
	s.Update(func(t *Tx) { t.PutClient(client(key("a", "d"), "id-1", 0)) })
	if got := name(s.Snapshot().Client("id-1")); got != "a/d" {
		t.Errorf("client is %s, want a/d", got)
	}
}

// Keys of the trees are unambiguous: no namespace and issuer read like another namespace and issuer.
func TestIssuerKeysDoNotCollide(t *testing.T) {
	s := NewStore()
	s.Update(func(t *Tx) { t.PutProvider(provider(key("team", "p"), "a-https://x", 0)) })
	for _, other := range [][2]string{{"team-a", "-https://x"}, {"tea", "ma-https://x"}, {"", "team\x00a-https://x"}, {"team", "a-https://x/"}, {"team", "a-https://"}} {
		if got := s.Snapshot().Provider(other[0], other[1]); got != nil {
			t.Errorf("Provider(%q, %q) is %s, want none", other[0], other[1], got.Key)
		}
	}
}
