package state

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

// clustered starts a Cluster of three nodes and returns them and a configuration for it.
func clustered(t *testing.T) ([]*harness.Valkey, valkey.Config) {
	t.Helper()
	nodes, err := harness.StartValkeyCluster(t.Context(), t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, n := range nodes {
		t.Cleanup(n.Stop)
		addresses = append(addresses, n.Address)
	}
	c := config(addresses...)
	c.Cluster = true
	return nodes, c
}

// In a Cluster the contract holds too, whichever node an entry is on.
func TestCluster(t *testing.T) {
	nodes, c := clustered(t)
	rejected(t, config(nodes[0].Address), "node of a Cluster")
	single := config(server(t).Address)
	single.Cluster = true
	rejected(t, single, "no node of a Cluster")
	n := 0
	for name, tries := range contract {
		c.Prefix, c.Metrics = "contract-"+strconv.Itoa(n), prometheus.NewRegistry()
		n++
		s := open(t, c)
		begin := s.Since()
		for i, try := range tries {
			if got, want := try(t, s, begin); !errors.Is(got, want) {
				t.Errorf("%s: operation %d: got %v, want %v", name, i, got, want)
			}
		}
	}
}

// What one node of a Cluster forgets or does not answer is refused; the others go on.
func TestClusterNodeFails(t *testing.T) {
	nodes, c := clustered(t)
	c.Addresses = c.Addresses[:1]
	s := open(t, c)
	past(t, s.Since())
	uses := make([]state.Use, 300)
	for n := range uses {
		uses[n] = fresh(n)
		if err := s.Consume(t.Context(), uses[n], time.Now()); err != nil {
			t.Fatalf("assertion %d: %v", n, err)
		}
	}
	for _, n := range nodes {
		if err := command(n, "EVAL", "return assert(#redis.call('KEYS', 'grantor:v1:*:use:*') > 30)", "0"); err != nil {
			t.Errorf("%s has too few entries: %v", n.Address, err)
		}
	}
	if err := command(nodes[1], "FLUSHALL"); err != nil {
		t.Fatal(err)
	}
	if answered := again(t, s, uses); answered != len(uses) {
		t.Errorf("when a node has forgotten, %d of %d are answered", answered, len(uses))
	}
	if err := nodes[2].Pause(); err != nil {
		t.Fatal(err)
	}
	if answered := again(t, s, uses[:20]); answered < 5 || answered == 20 {
		t.Errorf("when a node hangs, %d of 20 are answered", answered)
	}
	if err := nodes[2].Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() error {
		if again(t, s, uses[:20]) != 20 {
			return errors.New("not all are answered again")
		}
		return nil
	})
}

// again uses assertions once more, and returns for how many there was an answer.
func again(t *testing.T, s store, uses []state.Use) (answered int) {
	t.Helper()
	for n := range uses {
		net := stalls.Stopwatch()
		err := s.Consume(t.Context(), uses[n], time.Now())
		if err == nil {
			t.Fatalf("assertion %d was used twice", n)
		}
		if took := net(); took > time.Second+slack {
			t.Errorf("the answer took %s", took)
		}
		if decided(err) {
			answered++
		}
	}
	return answered
}

// F14: Sentinels make a replica the master. What it has copied is remembered, and decisions go on soon.
func TestSentinel(t *testing.T) {
	dir := t.TempDir()
	master := server(t)
	replica, err := harness.StartValkeyReplica(t.Context(), dir, master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Stop)
	sentinel, err := harness.StartSentinel(t.Context(), dir, "grantor", master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.Stop)
	rejected(t, config(sentinel.Address), "name the master")
	wrong := config(sentinel.Address)
	wrong.SentinelMaster = "other"
	rejected(t, wrong, "No such master")
	c := config(sentinel.Address)
	c.SentinelMaster = "grantor"
	s := open(t, c)
	usable(t, s)
	assertion := fresh(1)
	if err := s.Consume(t.Context(), assertion, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, err := master.Do("WAIT", "1", "2000"); err != nil || got != "1" {
		t.Fatalf("the replica has copied nothing: %s, %v", got, err)
	}
	master.Stop()
	usable(t, s)
	if err := s.Consume(t.Context(), assertion, time.Now()); !errors.Is(err, state.ErrUsed) {
		t.Errorf("after the fail-over: %v, want %v", err, state.ErrUsed)
	}
}

// A server that becomes a replica is no longer used; once its address belongs to a master, that is used.
func TestServerIsReplica(t *testing.T) {
	master := begun(t)
	replica, err := harness.StartValkeyReplica(t.Context(), t.TempDir(), master)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Stop)
	proxy, err := harness.StartProxy(t.Context(), replica.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s := open(t, config(proxy.Address))
	if err := s.Consume(t.Context(), fresh(1), time.Now()); decided(err) {
		t.Errorf("a replica decides: %v", err)
	}
	if err := command(replica, "REPLICAOF", "NO", "ONE"); err != nil {
		t.Fatal(err)
	}
	usable(t, s)
	host, port, _ := strings.Cut(master.Address, ":")
	if err := command(replica, "REPLICAOF", host, port); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() error {
		if _, err := s.Revoked(t.Context(), time.Now(), []state.ID{id(1)}, time.Now()); err == nil {
			_ = s.Consume(t.Context(), fresh(2), time.Now())
			return errors.New("a replica still answers")
		}
		return nil
	})
	proxy.Retarget(master.Address)
	usable(t, s)
}
