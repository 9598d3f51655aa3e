package faults

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

// standBy starts a second operator, which waits for the first one's Lease.
func standBy(t *testing.T) *harness.Process {
	t.Helper()
	world.keepOperator(t)
	p, err := world.StartAnotherOperator(t.Context(), fmt.Sprint("operator-", serial.Add(1)))
	try(t, err)
	try(t, p.WaitReady(t.Context()))
	return p
}

// takeOver waits until somebody else leads, and returns how long that took.
func takeOver(t *testing.T, before string, limit time.Duration) {
	t.Helper()
	within(t, limit, "another operator leads", func() error {
		holder, _, err := leader(t.Context())
		if err != nil || holder == before || holder == "" {
			return fmt.Errorf("%q leads: %w", holder, orElse(err))
		}
		return nil
	})
}

// TestF21LeaderEnds: the leading operator is killed, or stopped in order. Another takes over, exchanges go on, and what is
// in order is not written again.
func TestF21LeaderEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		end   func(*harness.Process)
		limit time.Duration
	}{
		"killed":  {(*harness.Process).Kill, 17 * time.Second},
		"stopped": {(*harness.Process).Stop, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTenant(t)
			second := standBy(t)
			load := tn.load(50)
			before, _, err := leader(t.Context())
			try(t, err)
			versions := statusVersions(t)
			writes := watchWrites(t, tn)
			first := world.Operator
			world.Operator = second
			tc.end(first)
			takeOver(t, before, tc.limit)
			late := tn.client("latecomer")
			tn.create(tn.secret("latecomer", "client_secret", []byte(clientSecret)))
			tn.create(late)
			within(t, 5*time.Second, "the new leader works", func() error {
				return tn.is(late, "latecomer", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			})
			tn.flawless(load)
			unchanged(t, versions)
			if n := writes(); n[types.NamespacedName{Namespace: tn.namespace, Name: "latecomer"}] > 3 {
				t.Errorf("the latecomer's status was written %v times", n)
			}
		})
	}
}

// statusVersions are the resourceVersions of all our objects.
func statusVersions(t *testing.T) map[types.UID]string {
	t.Helper()
	versions := map[types.UID]string{}
	providers, clients := &v1alpha1.IdentityProviderList{}, &v1alpha1.OAuthClientList{}
	try(t, world.cp.Client.List(t.Context(), providers))
	try(t, world.cp.Client.List(t.Context(), clients))
	for _, p := range providers.Items {
		versions[p.UID] = p.ResourceVersion
	}
	for _, c := range clients.Items {
		versions[c.UID] = c.ResourceVersion
	}
	return versions
}

// unchanged fails when an object was written since.
func unchanged(t *testing.T, before map[types.UID]string) {
	t.Helper()
	after := statusVersions(t)
	written := 0
	for uid, version := range before {
		if now, ok := after[uid]; ok && now != version {
			written++
		}
	}
	t.Logf("%d objects were in order, %d of them were written", len(before), written)
	if written > 0 {
		t.Errorf("%d of %d objects that were in order were written", written, len(before))
	}
}

// watchWrites follows the clients of a tenant, and returns how often each was written.
func watchWrites(t *testing.T, tn *tenant) func() map[types.NamespacedName]int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	known := &v1alpha1.OAuthClientList{}
	try(t, world.cp.Client.List(ctx, known, client.InNamespace(tn.namespace)))
	w, err := world.cp.Watch(ctx, &v1alpha1.OAuthClientList{}, known.ResourceVersion, tn.namespace)
	try(t, err)
	var mu sync.Mutex
	count := map[types.NamespacedName]int{}
	go func() {
		for event := range w.ResultChan() {
			if o, ok := event.Object.(client.Object); ok {
				mu.Lock()
				count[client.ObjectKeyFromObject(o)]++
				mu.Unlock()
			}
		}
	}()
	return func() map[types.NamespacedName]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(count)
	}
}
