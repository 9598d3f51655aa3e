package hostile

import (
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

var unavailable = want{{503, "temporarily_unavailable"}}

// sharedStateRows: token servers that share their state in a Valkey or Redis, which is real.
func sharedStateRows() []row {
	return []row{
		{id: "H-10", name: "jti-replay-other-replica", run: replayOtherReplica},
		{id: "H-23", name: "replay-store-down", run: stateServerDown},
		{id: "H-x11", name: "jti-replay-race-across-replicas", run: replayRace},
		{id: "H-x12", name: "jti-restart-of-all-replicas", run: allReplicasRestart},
		{id: "H-x13", name: "replay-store-forgets", run: stateServerForgets},
		{id: "H-x14", name: "replay-store-full", run: stateServerFull},
		{id: "H-x15", name: "replay-store-evicts", run: stateServerEvicts},
	}
}

// refusedAs checks that an assertion is refused for the reason.
func refusedAs(t *testing.T, w *world, va, reason string) {
	t.Helper()
	got := w.send(t, exchange(va))
	got.check(t, w, invalidGrant)
	because(reason)(t, w, got)
}

// replayOtherReplica: what one replica has taken, no other takes a moment later.
func replayOtherReplica(t *testing.T, _ *world) {
	all, _ := replicas(t, 3, durable...)
	for round := range 12 {
		va := assertion(fromB())
		all[round%3].send(t, exchange(va)).check(t, all[round%3], granted)
		for _, w := range all {
			refusedAs(t, w, va, "replayed")
		}
	}
}

// eventuallyGranted waits until fresh assertions are taken.
func eventuallyGranted(t *testing.T, w *world) {
	t.Helper()
	eventually(t, time.Minute, "a fresh assertion is taken", func() bool { return w.send(t, r0fast()).status == http.StatusOK })
}

// replayRace, F27: one assertion posted by many at once, to all replicas, is taken once.
func replayRace(t *testing.T, _ *world) {
	all, _ := replicas(t, 3, durable...)
	for round := range raceRounds {
		va := assertion(fromB())
		var taken atomic.Int32
		var posts sync.WaitGroup
		start := make(chan struct{})
		for i := range racePosts {
			w := all[i%len(all)]
			posts.Go(func() {
				<-start
				got := w.send(t, exchange(va))
				got.check(t, w, granted.or(invalidGrant))
				if got.status == http.StatusOK {
					taken.Add(1)
				}
			})
		}
		close(start)
		posts.Wait()
		if n := taken.Load(); n != 1 {
			t.Fatalf("round %d: the assertion was taken %d times", round, n)
		}
	}
}

// allReplicasRestart, H-20 and H-22: after kill -9 of all replicas, what was used stays used; what was not is taken, although
// it was made before. A rolling upgrade is the same, one by one.
func allReplicasRestart(t *testing.T, _ *world) {
	all, v := replicas(t, 3, durable...)
	used, unused := assertion(fromB()), assertion(fromB())
	all[0].send(t, exchange(used)).check(t, all[0], granted)
	for _, w := range all {
		w.kill(t)
	}
	v.Stop()
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		w.start(t)
		w.keys = w.publishedKeys(t)
		refusedAs(t, w, used, "replayed")
	}
	all[1].send(t, exchange(unused)).check(t, all[1], granted)
	refusedAs(t, all[2], unused, "replayed")
}

// stateServerDown, F12: while the state server is down or hangs, what must be remembered is answered with 503 within a
// second, all else goes on, and the replica stays Ready. When it is back, requests succeed again.
func stateServerDown(t *testing.T, _ *world) {
	for name, tc := range map[string]struct{ breakIt, mend func(*harness.Valkey) error }{
		"kill -9": {func(v *harness.Valkey) error { v.Stop(); return nil }, (*harness.Valkey).Start},
		"hangs":   {(*harness.Valkey).Pause, (*harness.Valkey).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			all, v := replicas(t, 1, durable...)
			w := all[0]
			eventuallyGranted(t, w)
			used := assertion(fromB())
			w.send(t, exchange(used)).check(t, w, granted)
			if err := tc.breakIt(v); err != nil {
				t.Fatal(err)
			}
			downBehaviour(t, w, used)
			if err := tc.mend(v); err != nil {
				t.Fatal(err)
			}
			back := stalls.Stopwatch()
			eventuallyGranted(t, w)
			took := back()
			t.Logf("requests succeed %s after the server is back", took.Round(10*time.Millisecond))
			if took > 2*time.Second+stateSlack {
				t.Errorf("requests succeed only %s after the server is back", took)
			}
			refusedAs(t, w, used, "replayed")
		})
	}
}

func downBehaviour(t *testing.T, w *world, used string) {
	t.Helper()
	for _, va := range []string{assertion(fromB()), used, assertion(), assertion(fromB())} {
		got := w.send(t, exchange(va))
		got.check(t, w, unavailable)
		if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
		if got.took > time.Second+stateSlack {
			t.Errorf("the answer took %s", got.took)
		}
	}
	w.send(t, exchange(assertion(fromNamed("idp-reuse")))).check(t, w, granted)
	w.send(t, exchange(assertion(without("jti")))).check(t, w, granted)
	if got := w.get(t, "/oauth2/jwks"); got.status != http.StatusOK {
		t.Errorf("the key set is answered with %d", got.status)
	}
	if !w.ready(t.Context()) {
		t.Error("the replica is not Ready, though it can do much")
	}
}

// stateServerForgets, F14: after FLUSHALL nothing from before is taken, by any replica; later ones are good.
func stateServerForgets(t *testing.T, _ *world) {
	all, v := replicas(t, 2, durable...)
	used, unused := assertion(fromB()), assertion(fromB())
	all[0].send(t, exchange(used)).check(t, all[0], granted)
	if _, err := v.Do("FLUSHALL"); err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		refusedAs(t, w, used, "issued_before_start")
		refusedAs(t, w, unused, "issued_before_start")
	}
	for _, w := range all {
		eventuallyGranted(t, w)
		refusedAs(t, w, used, "issued_before_start")
	}
}

// stateServerFull, F15: when there is no room for what is new, nothing new is taken, and what was used stays used.
func stateServerFull(t *testing.T, _ *world) {
	all, v := replicas(t, 1, durable...)
	w := all[0]
	used, unused := assertion(fromB()), assertion(fromB())
	w.send(t, exchange(used)).check(t, w, granted)
	if _, err := v.Do("CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	w.send(t, exchange(unused)).check(t, w, unavailable)
	refusedAs(t, w, used, "replayed")
	if _, err := v.Do("CONFIG", "SET", "maxmemory", "0"); err != nil {
		t.Fatal(err)
	}
	w.send(t, exchange(unused)).check(t, w, granted)
}

// stateServerEvicts, F15: a token server does not start with a state server that may forget, and says what to do.
func stateServerEvicts(t *testing.T, _ *world) {
	v := startStore(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	s := &server{manifests: t.TempDir()}
	s.write(t, usualObjects(alias))
	cmd := exec.CommandContext(t.Context(), binary, "standalone", "--manifests", s.manifests, "--issuer", "http://127.0.0.1:1",
		"--listen", freeAddress(t), "--ops-listen", freeAddress(t), "--state", "valkey", "--valkey-address", v.Address)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "set maxmemory-policy noeviction") {
		t.Errorf("%v: %s", err, out)
	}
}
