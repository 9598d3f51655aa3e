package trustsync

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func TestRequestsAreBounded(t *testing.T) {
	var r requests
	now := created().Time
	key := func(i int) keysOf { return providerKeys("team-a", strconv.Itoa(i)) }
	for i := range 2 * release.MaxUnknownKeys {
		if got := r.add(key(i), now); got != (i < release.MaxUnknownKeys) {
			t.Errorf("request %d: %v", i, got)
		}
	}
	if n := len(r.list(now)); n != release.MaxUnknownKeys {
		t.Errorf("%d requests", n)
	}
	// What has stood for the cool-down makes room for others.
	if now = now.Add(requestCoolDown); !r.add(key(1000), now) {
		t.Error("no room")
	}
	if got := r.list(now.Add(requestLifetime - 1)); len(got) != 1 || got[0].Of.Name != "1000" {
		t.Errorf("requests %v", got)
	}
	if got := r.list(now.Add(requestLifetime)); len(got) != 0 {
		t.Errorf("requests %v", got)
	}
}

func providerKeys(namespace, name string) keysOf {
	return keysOf{release.KindIdentityProviders, trust.ObjectKey{Namespace: namespace, Name: name}}
}

// A namespace that asks for as much as it can leaves room to each other one, and keeps the rest.
func TestRequestsAreFair(t *testing.T) {
	var r requests
	now := created().Time
	for i := range 2 * release.MaxUnknownKeys {
		r.add(providerKeys("greedy", strconv.Itoa(i)), now.Add(time.Duration(i)))
	}
	for i := range release.MaxUnknownKeys {
		namespace := "team-" + strconv.Itoa(i%4)
		// Five namespaces share 32 places: each of the four gets what the greedy one has, give or take one.
		if got := r.add(providerKeys(namespace, strconv.Itoa(i)), now.Add(time.Millisecond)); got != (i < 25) {
			t.Errorf("request %d: %v", i, got)
		}
	}
	count := map[string]int{}
	for _, k := range r.list(now) {
		count[k.Of.Namespace]++
		if k.Of.Namespace == "greedy" && k.Of.Name < "25" && len(k.Of.Name) == 2 {
			t.Errorf("request %s stands, which is older than others that have gone", k.Of.Name)
		}
	}
	if diff := cmp.Diff(map[string]int{"greedy": 7, "team-0": 7, "team-1": 6, "team-2": 6, "team-3": 6}, count); diff != "" {
		t.Error(diff)
	}
}

// A provider and a client of one name are two objects.
func TestRequestsTellKindsApart(t *testing.T) {
	var r requests
	of := providerKeys("team-a", "partner")
	client := of
	client.kind = release.KindOAuthClients
	if !r.add(of, created().Time) || !r.add(client, created().Time) || r.add(client, created().Time) {
		t.Error("taken for each other")
	}
}

func TestRequestsAreSorted(t *testing.T) {
	r := requests{at: map[keysOf]time.Time{}}
	now := created().Time
	maps.Insert(r.at, maps.All(map[keysOf]time.Time{
		providerKeys("b", "x"): now, providerKeys("a", "y"): now, providerKeys("z", "z"): now.Add(-time.Second),
	}))
	var got []string
	for _, k := range r.list(now) {
		got = append(got, k.Of.String())
	}
	if diff := cmp.Diff([]string{"z/z", "a/y", "b/x"}, got); diff != "" {
		t.Error(diff)
	}
}
