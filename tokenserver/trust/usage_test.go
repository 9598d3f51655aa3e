package trust

import (
	"sync"
	"testing"
)

// What is counted of an object outlives what replaces it, one by one or all at once, and ends with it.
func TestUsage(t *testing.T) {
	s := NewStore()
	put := func(tx *Tx) {
		tx.PutClient(client(key("a", "c"), "id", 0))
		tx.PutProvider(provider(key("a", "p"), "issuer", 0))
	}
	s.Update(put)
	for i, step := range []struct {
		change func(*Tx)
		want   uint64
	}{
		{func(*Tx) {}, 0},
		{put, 1},
		{func(tx *Tx) {
			tx.ReplaceClients("", []*Client{client(key("a", "c"), "id-2", 0)})
			tx.ReplaceProviders("", []*Provider{provider(key("a", "p"), "issuer-2", 0)})
		}, 2},
		{func(tx *Tx) {
			tx.ReplaceClients("a", []*Client{client(key("a", "c"), "id", 0)})
			tx.ReplaceProviders("a", []*Provider{provider(key("a", "p"), "issuer", 0)})
		}, 3},
		{(*Tx).Clear, 0},
		{put, 0},
	} {
		s.Update(step.change)
		clients, providers := 0, 0
		s.Snapshot().Clients(func(c *Client) {
			clients++
			count(t, i, "client", c.Usage, step.want)
		})
		s.Snapshot().Providers(func(p *Provider) {
			providers++
			count(t, i, "provider", p.Usage, step.want)
		})
		if gone := i == 4; gone != (clients == 0) || clients != providers {
			t.Errorf("step %d: %d clients and %d providers", i, clients, providers)
		}
	}
}

// count looks at what has been counted, and counts once more.
func count(t *testing.T, step int, what string, u *Usage, want uint64) {
	t.Helper()
	if granted, refused := u.Counts(); granted != want || refused != want {
		t.Errorf("step %d: a %s counts %d and %d, want %d", step, what, granted, refused, want)
	}
	u.Count(true)
	u.Count(false)
}

// An object that is put once more may be in use: it is not written to. Run with -race.
func TestUsageOfWhatIsThere(t *testing.T) {
	s := NewStore()
	c := client(key("a", "c"), "id", 0)
	s.Update(func(tx *Tx) { tx.PutClient(c) })
	var counting sync.WaitGroup
	counting.Go(func() {
		for range 1000 {
			s.Snapshot().Client("id").Usage.Count(true)
		}
	})
	for range 100 {
		s.Update(func(tx *Tx) { tx.PutClient(c) })
		s.Update(func(tx *Tx) { tx.ReplaceClients("", []*Client{c}) })
	}
	counting.Wait()
	if granted, _ := c.Usage.Counts(); granted != 1000 {
		t.Errorf("%d requests are counted", granted)
	}
}
