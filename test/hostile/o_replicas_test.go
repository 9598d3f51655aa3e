package hostile

import (
	"net/http"
	"testing"
	"time"
)

// replicaRows: what one of three replicas that share a real Valkey or Redis has revoked.
func replicaRows() []row {
	return []row{
		{id: "O-02", name: "rev-rt-on-every-replica", run: func(t *testing.T, _ *world) {
			all, _ := replicas(t, 3)
			revokedFamily(t, all[0], all[1], all[2])
		}},
		{id: "O-03", name: "rev-at-on-every-replica", run: revokedEverywhere},
		{id: "O-06", name: "rev-store-error", run: revocationWithoutStore},
		{id: "O-07", name: "rev-crash-durability", run: revocationSurvives},
	}
}

// revokedEverywhere: no replica calls active what another one has revoked, from the moment on that it says so.
func revokedEverywhere(t *testing.T, _ *world) {
	all, _ := replicas(t, 3)
	for i := range 20 {
		token, other := all[i%3].accessToken(t), all[(i+2)%3].accessToken(t)
		for _, w := range all {
			w.ask(t, "api", token, isActive)
		}
		all[(i+1)%3].revoke(t, "resources", token, done)
		for _, w := range all {
			w.ask(t, "api", token, notActive)
			w.ask(t, "api", other, isActive)
		}
	}
	for _, w := range all {
		w.checkAfter(t)
	}
}

// revocationWithoutStore: while the store is down or frozen, nothing is said to be revoked, and nothing to be active. When it
// is back, what was acknowledged before holds, and what was not can be repeated.
func revocationWithoutStore(t *testing.T, _ *world) {
	all, store := replicas(t, 2, durable...)
	for name, fault := range map[string]struct{ begin, end func() error }{
		"down":   {func() error { store.Stop(); return nil }, store.Start},
		"frozen": {store.Pause, store.Resume},
	} {
		acknowledged, refused, untouched := all[0].accessToken(t), all[0].accessToken(t), all[0].accessToken(t)
		all[0].revoke(t, "resources", acknowledged, done)
		if err := fault.begin(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, r := range []*request{revocation("resources", refused), introspection("api", untouched), introspection("api", acknowledged)} {
				if got := all[1].send(t, r); got.outcome() != (outcome{http.StatusServiceUnavailable, "temporarily_unavailable"}) || got.header.Get("Retry-After") == "" || got.took > slow(1500*time.Millisecond) {
					t.Errorf("%s: %s is %d %s after %s", name, r.target, got.status, got.body, got.took)
				}
			}
			// What needs no store is answered.
			all[1].ask(t, "api", "x.y.z", notActive)
			all[1].revoke(t, "resources", "x.y.z", done)
			all[1].revoke(t, "c1", untouched, unauthorizedClient)
		}
		if err := fault.end(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the store is used again", func() bool {
			return all[1].send(t, revocation("resources", refused)).outcome() == done[0]
		})
		for _, w := range all {
			eventually(t, 5*time.Second, "every replica uses it again", func() bool {
				return w.send(t, introspection("api", untouched)).outcome() == isActive[0]
			})
			w.ask(t, "api", acknowledged, notActive)
			w.ask(t, "api", refused, notActive)
		}
	}
}

// revocationSurvives: what was acknowledged is on disk: nothing brings the token back.
func revocationSurvives(t *testing.T, _ *world) {
	all, store := replicas(t, 2, durable...)
	for range 3 {
		revoked, other := all[0].accessToken(t), all[0].accessToken(t)
		all[1].revoke(t, "resources", revoked, done)
		for _, w := range all {
			w.client.CloseIdleConnections()
			w.kill(t)
		}
		store.Stop()
		if err := store.Start(); err != nil {
			t.Fatal(err)
		}
		for i, w := range all {
			w.start(t)
			w = attach(t, w.server)
			because("token_revoked")(t, w, w.ask(t, "api", revoked, notActive))
			w.ask(t, "api", other, isActive)
			all[i] = w
		}
	}
}
