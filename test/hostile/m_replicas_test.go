package hostile

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// familyReplicaRows: refresh tokens where three replicas share a real Valkey or Redis.
func familyReplicaRows() []row {
	return []row{
		{id: "M-02", name: "rt-reuse-at-another-replica", run: reuseAtAnotherReplica},
		{id: "M-02", name: "rt-race-across-replicas", run: refreshRaceAcrossReplicas},
		{id: "M-11", name: "rt-dump", run: nothingUsableInTheStore},
		{id: "M-12", name: "rt-crash-between", run: killedWhileRefreshing},
	}
}

// reuseAtAnotherReplica: a token that one replica has exchanged ends its family at another, and with it the access tokens.
func reuseAtAnotherReplica(t *testing.T, _ *world) {
	all, _ := replicas(t, 3)
	first, access := all[0].family(t, "rt")
	second, _ := all[1].granted(t, renewal("rt", first))
	all[2].ask(t, "rt", access, isActive)
	all[2].refused(t, renewal("rt", first), invalidGrant, "refresh_token_reused")
	for _, w := range all {
		w.ask(t, "rt", access, notActive)
		w.refused(t, renewal("rt", second), invalidGrant, "refresh_token_revoked")
	}
}

// refreshRaceAcrossReplicas, F28: it makes no difference that they come to several replicas.
func refreshRaceAcrossReplicas(t *testing.T, _ *world) {
	all, _ := replicas(t, 3)
	oneWins(t, all, raceRounds, racePosts)
}

// nothingUsableInTheStore: who reads the store gets neither a token nor what names one.
func nothingUsableInTheStore(t *testing.T, _ *world) {
	all, store := replicas(t, 1)
	w := all[0]
	token, access := w.family(t, "rt")
	renewed := w.send(t, renewal("rt", token))
	renewed.check(t, w, granted)
	next, _ := renewed.members["refresh_token"].(string)
	w.revoke(t, "rt", access, done)
	names, err := store.Do("KEYS", "*")
	if err != nil {
		t.Fatal(err)
	}
	dump := names
	for name := range strings.SplitSeq(names, "\n") {
		value, err := store.Do("GET", name)
		if err != nil {
			t.Fatal(err)
		}
		dump += "\n" + value
	}
	jti, _ := renewed.claims(t, w)["jti"].(string)
	family, unique, _ := strings.Cut(jti, ".")
	for _, secret := range []string{token, next, access, jti, family, unique, "alice"} {
		if secret == "" || strings.Contains(dump, secret) {
			t.Errorf("the store holds %q:\n%s", secret, dump)
		}
	}
}

// chain is a client that goes on with its refresh token at any replica, whatever happens to them.
type chain struct {
	token string
	// used are the tokens that it has got others for.
	used []string
	// revoked are access tokens whose revocation was acknowledged.
	revoked []string
	ended   bool
}

// step refreshes at one replica, and revokes the access token at another. An answer that does not come, or is 503, says nothing:
// the client tries again with what it has.
func (c *chain) step(t *testing.T, at, other *world) {
	got := at.send(t, renewal("rt", c.token))
	switch {
	case got.status == http.StatusOK:
		c.used = append(c.used, c.token)
		c.token, _ = got.members["refresh_token"].(string)
	case got.status == http.StatusBadRequest:
		got.check(t, at, invalidGrant)
		c.ended = true // The answer before was lost, and what it held with it.
		return
	case got.status != 0:
		got.check(t, at, unavailable)
		return
	default:
		return
	}
	access, _ := got.members["access_token"].(string)
	if other.send(t, revocation("rt", access)).status == http.StatusOK {
		c.revoked = append(c.revoked, access)
	}
}

// check: what was acknowledged as revoked is not active anywhere, and a family has one live token at most: any other one ends it.
func (c *chain) check(t *testing.T, all []*world) {
	t.Helper()
	for i, access := range c.revoked {
		all[i%len(all)].ask(t, "rt", access, notActive)
	}
	if c.ended {
		all[0].refused(t, renewal("rt", c.token), invalidGrant, "refresh_token_revoked")
		return
	}
	if len(c.used) > 0 {
		// It is revoked already where a retry was answered so, and that answer was lost too.
		got := all[1].send(t, renewal("rt", c.used[len(c.used)/2]))
		got.check(t, all[1], invalidGrant)
		because("refresh_token_reused", "refresh_token_revoked")(t, all[1], got)
		all[2].refused(t, renewal("rt", c.token), invalidGrant, "refresh_token_revoked")
	}
}

// killedWhileRefreshing, F18: while clients refresh and revoke, a replica is killed, or the store, each with what it is about to
// write.
func killedWhileRefreshing(t *testing.T, _ *world) {
	all, store := replicas(t, 3, durable...)
	steps, revoked, ended := 0, 0, 0
	for round := range killRounds {
		chains := make([]*chain, 6)
		for i := range chains {
			chains[i] = &chain{}
			chains[i].token, _ = all[i%3].family(t, "rt")
		}
		stop, refreshed := refreshAll(t, all, chains)
		// However slow the machine is, so much has happened before the fault, which comes at another moment of a write each time.
		eventually(t, time.Minute, "the clients go on", func() bool { return refreshed.Load() >= 16 })
		killAfter := time.NewTimer(time.Duration(7*round%30) * time.Millisecond)
		<-killAfter.C
		killOne(t, all, store, round%4, stop)
		for _, c := range chains {
			c.check(t, all)
			steps, revoked = steps+len(c.used), revoked+len(c.revoked)
			if c.ended {
				ended++
			}
		}
	}
	t.Logf("%d kills, %d refreshes, %d revocations; %d families ended because an answer was lost", killRounds, steps, revoked, ended)
	if steps < 10*killRounds || revoked < 5*killRounds {
		t.Errorf("only %d refreshes and %d revocations", steps, revoked)
	}
}

// refreshAll lets every client go on until stop is called, which waits for them, and counts how often all of them have refreshed.
func refreshAll(t *testing.T, all []*world, chains []*chain) (stop func(), refreshed *atomic.Int64) {
	done := make(chan struct{})
	refreshed = &atomic.Int64{}
	var clients sync.WaitGroup
	for i, c := range chains {
		clients.Go(func() {
			for n := i; !c.ended; n++ {
				select {
				case <-done:
					return
				default:
					before := len(c.used)
					c.step(t, all[n%3], all[(n+1)%3])
					refreshed.Add(int64(len(c.used) - before))
				}
			}
		})
	}
	return func() {
		close(done)
		clients.Wait()
	}, refreshed
}

// killOne kills a replica, or the store if there is no replica of that number, and starts it again when stop has returned.
func killOne(t *testing.T, all []*world, store *harness.Valkey, victim int, stop func()) {
	t.Helper()
	if victim < len(all) {
		w := all[victim]
		w.kill(t)
		stop()
		w.client.CloseIdleConnections()
		w.start(t)
		all[victim] = attach(t, w.server)
	} else {
		store.Stop()
		stop()
		if err := store.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range all {
		eventually(t, 5*time.Second, "every replica uses the store", func() bool {
			return w.send(t, exchange(assertion(fromB()))).status == http.StatusOK
		})
		_ = w.log.next(t) // While the store was away, the log said so as an error.
	}
}
