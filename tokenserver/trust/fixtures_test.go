package trust

import (
	"strconv"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// noon is the time of all fixtures.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func key(namespace, name string) ObjectKey { return ObjectKey{Namespace: namespace, Name: name} }

// client returns a client that was created the given number of seconds after noon.
func client(k ObjectKey, id string, created int) *Client {
	return &Client{Key: k, UID: k.String(), ID: id, Created: noon.Add(time.Duration(created) * time.Second)}
}

func provider(k ObjectKey, issuer string, created int) *Provider {
	return &Provider{Key: k, Issuer: issuer, Created: noon.Add(time.Duration(created) * time.Second)}
}

// filled returns a ready store with n clients and as many providers.
func filled(tb testing.TB, n int) *Store {
	tb.Helper()
	s := NewStore()
	ring := must(keyring.Generate(noon))
	s.Update(func(t *Tx) {
		for i := range n {
			name := strconv.Itoa(i)
			t.PutClient(client(key("team-a", name), "client-"+name, i))
			t.PutProvider(provider(key("team-a", name), "https://issuer.example.com/"+name, i))
		}
		t.SetRing(ring)
		t.SetDigestKeys(keyring.NewDigestKeys(keyring.GenerateDigestKey()))
		t.MarkLoaded()
	})
	return s
}

// name returns what a lookup found, as text.
func name[T *Client | *Provider](found T) string {
	switch o := any(found).(type) {
	case *Client:
		if o != nil {
			return o.Key.String()
		}
	case *Provider:
		if o != nil {
			return o.Key.String()
		}
	}
	return "none"
}
