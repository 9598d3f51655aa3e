package trust

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Lookups are on the path of every request: they must not allocate, however long the names are.
func TestLookupsDoNotAllocate(t *testing.T) {
	longIssuer := "https://issuer.example.com/" + strings.Repeat("x", 450)
	namespace := strings.Repeat("n", 63)
	s := filled(t, 100)
	s.Update(func(tx *Tx) {
		tx.PutProvider(provider(key(namespace, "long"), longIssuer, 0))
		tx.PutClient(client(key(namespace, "long"), strings.Repeat("c", 200), 0))
	})
	id := strings.Repeat("c", 200)
	for name, lookup := range map[string]func() bool{
		"snapshot":          func() bool { return s.Snapshot() != nil },
		"client":            func() bool { return s.Snapshot().Client("client-42") != nil },
		"client, long id":   func() bool { return s.Snapshot().Client(id) != nil },
		"client, unknown":   func() bool { return s.Snapshot().Client("client-4x") == nil },
		"provider":          func() bool { return s.Snapshot().Provider("team-a", "https://issuer.example.com/42") != nil },
		"provider, long":    func() bool { return s.Snapshot().Provider(namespace, longIssuer) != nil },
		"provider, unknown": func() bool { return s.Snapshot().Provider("team-b", "https://issuer.example.com/42") == nil },
		"keys": func() bool {
			return s.Snapshot().Ready() && s.Snapshot().Ring() != nil && s.Snapshot().DigestKeys() != nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !lookup() {
				t.Fatal("the lookup does not find what it should")
			}
			if n := testing.AllocsPerRun(100, func() { lookup() }); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}

// Both indexes of a client are small, in bytes and in pieces of memory: the garbage collector goes through all of them on the
// core that answers.
func TestIndexesAreSmall(t *testing.T) {
	const n, bytesEach, piecesEach = 20_000, 200, 0.33
	clients := make([]*Client, n)
	for i := range clients {
		clients[i] = client(key("team-"+strconv.Itoa(i%100), strconv.Itoa(i)), "client-"+strconv.Itoa(i), i)
		clients[i].Usage = &Usage{}
	}
	s := NewStore()
	before := heap()
	s.Update(func(tx *Tx) { tx.ReplaceClients("", clients) })
	after := heap()
	if _, got := s.Snapshot().Counts(); got != n {
		t.Fatalf("%d clients", got)
	}
	if got := (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / n; got <= 0 || got > bytesEach {
		t.Errorf("the indexes hold %.0f bytes for a client, want at most %d", got, bytesEach)
	}
	if got := (float64(after.HeapObjects) - float64(before.HeapObjects)) / n; got <= 0 || got > piecesEach {
		t.Errorf("the indexes hold %.2f pieces of memory for a client, want at most %.2f", got, piecesEach)
	}
	runtime.KeepAlive(clients)
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // The first may leave what the one before it was to sweep.
	runtime.ReadMemStats(&m)
	return m
}

// BenchmarkUpdate: one change costs about the same whatever the number of objects.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%dk", n/1_000), func(b *testing.B) {
			s := filled(b, n)
			changed := client(key("team-a", strconv.Itoa(n/2)), "client-"+strconv.Itoa(n/2), n/2)
			b.ReportAllocs()
			for b.Loop() {
				s.Update(func(t *Tx) { t.PutClient(changed) })
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%dk", n/1_000), func(b *testing.B) {
			s := filled(b, n)
			b.ReportAllocs()
			for b.Loop() {
				snapshot := s.Snapshot()
				if snapshot.Client("client-500") == nil || snapshot.Provider("team-a", "https://issuer.example.com/500") == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
