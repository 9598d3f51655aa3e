//go:build faults

package process

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // With a seed, the same faults come again.
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

const (
	soakRate     = 100
	soakReplicas = 3
	// soakUsual is how long the soak takes where the environment variable SOAK says nothing.
	soakUsual = 2 * time.Minute
	// soakStall is how long the machine has to be busy with other things to excuse that a decision takes too long.
	soakStall = 200 * time.Millisecond
	// soakMostLeft is how many more goroutines than at first a replica may have at the end.
	soakMostLeft = 20
	// soakSlope is by how much the memory of a replica may grow in an hour, which is told only of hours; soakGrowth by how
	// much at most in all, however long it takes.
	soakSlope, soakGrowth = 1 << 20, 16 << 20
)

// soak is replicas that share a store, and what breaks them.
type soak struct {
	*site

	stranger *ecdsa.PrivateKey
	stalls   *harness.Stalls
	excuses  excuses
	launches []harness.Launch
	replicas []*server
	store    *harness.Valkey
	proxy    *harness.Proxy
}

// TestF40Soak: for hours, or minutes, at random: the store or a replica dies, freezes or is slow, crowds come and go, manifests
// change. Right requests get tokens, wrong ones never, no assertion is used twice; what is hit by a fault says 503, or
// nothing, while it lasts. In the end, everything is as at first. SOAK=2h makes it last so long, and SOAK_SEED=n makes the same
// faults come in the same order.
func TestF40Soak(t *testing.T) {
	lasts, seed := soakUsual, rand.Uint64()
	var err error
	if text := os.Getenv("SOAK"); text != "" {
		lasts, err = time.ParseDuration(text)
		try(t, err)
	}
	if text := os.Getenv("SOAK_SEED"); text != "" {
		seed, err = strconv.ParseUint(text, 10, 64)
		try(t, err)
	}
	t.Logf("%s, with seed %d", lasts, seed)
	s := newSoak(t)
	random := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- the order of faults is no secret
	load := openloop.Start(t.Context(), soakRate, s.shoot)
	await(t, 10*time.Second)
	goroutines := s.goroutines()
	var memory []int64
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		await(t, min(time.Minute, lasts/24))
		memory = append(memory, s.replicas[0].memory())
		f := s.faults()[random.IntN(len(s.faults()))]
		t.Logf("%s", f.name)
		s.excuses.begin(f)
		try(t, f.begin())
		await(t, time.Duration(2+random.IntN(6))*time.Second)
		try(t, f.end())
		s.excuses.end(f)
	}
	await(t, 15*time.Second)
	report := load.Stop()
	t.Logf("%s", report)
	for outcome, n := range report.Outcomes {
		if strings.HasPrefix(outcome, "wrong") {
			t.Errorf("%d times: %s", n, outcome)
		}
	}
	if right := report.Outcomes["right"]; right < report.Sent/4 {
		t.Errorf("only %d of %d requests were answered as they should be without faults", right, report.Sent)
	}
	s.client.CloseIdleConnections()
	within(t, time.Minute, "no goroutines are left", func() error {
		for i, n := range s.goroutines() {
			if n > goroutines[i]+soakMostLeft {
				return fmt.Errorf("replica %d has %v goroutines, at first it had %v", i, n, goroutines[i])
			}
		}
		return nil
	})
	checkGrowth(t, memory, lasts)
}

// checkGrowth judges the memory of a replica that was never restarted, from the time on when it had seen most faults once.
func checkGrowth(t *testing.T, memory []int64, lasts time.Duration) {
	t.Helper()
	quarter := len(memory) / 4
	if quarter == 0 {
		t.Fatalf("in %s there were only %d faults", lasts, len(memory))
	}
	early, late := slices.Min(memory[quarter:2*quarter]), slices.Min(memory[3*quarter:])
	perHour := float64(late-early) / (lasts.Hours() / 2)
	t.Logf("memory: %d MiB in the second quarter, %d MiB in the last", early>>20, late>>20)
	if late-early > soakGrowth || lasts >= time.Hour && perHour > soakSlope {
		t.Errorf("the memory grows by %.1f MiB in an hour, from %d MiB to %d MiB", perHour/(1<<20), early>>20, late>>20)
	}
}

// newSoak starts a store, a proxy before it, and replicas.
func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{site: newSite(t), stranger: jwttest.EC("stranger", elliptic.P256()), stalls: harness.WatchStalls(t.Context())}
	s.client = newClient(t, 50)
	s.client.Timeout = 5 * time.Second
	var err error
	s.store, err = harness.StartValkey(t.Context(), t.TempDir(), "--appendonly", "yes", "--appendfsync", "always")
	try(t, err)
	t.Cleanup(s.store.Stop)
	s.proxy, err = harness.StartProxy(t.Context(), s.store.Address)
	try(t, err)
	t.Cleanup(s.proxy.Close)
	for i := range soakReplicas {
		r := s.start(func(l *harness.Launch) {
			l.Args = append(l.Args, "--state", "valkey", "--valkey-address", s.proxy.Address,
				"--digest-key", filepath.Join(s.dir, "digest"), "--signing-keys", filepath.Join(s.dir, "signing"))
			s.launches = append(s.launches, *l)
		})
		s.replicas = append(s.replicas, r)
		within(t, 10*time.Second, fmt.Sprintf("replica %d answers", i), func() error {
			if got := r.ask(t.Context(), r.fresh()); got != granted {
				return errors.New(got)
			}
			return nil
		})
	}
	return s
}

func (s *soak) goroutines() (all []float64) {
	for _, r := range s.replicas {
		all = append(all, r.metric("go_goroutines"))
	}
	return all
}

// shoot sends one request of some kind, and judges the answer.
func (s *soak) shoot(ctx context.Context, n int) string {
	begin, net, i := time.Now(), s.stalls.Stopwatch(), n%soakReplicas
	r := &server{site: s.site, url: s.replicas[i].url}
	judge := func(got, want string) string {
		switch {
		case got == want:
			return "right"
		case s.excuses.of("store", begin) && got == "503 temporarily_unavailable" && want != "401 invalid_client":
			return "excused by the store"
		case s.excuses.of(fmt.Sprint("replica ", i), begin) && (got == "503 temporarily_unavailable" || got[0] < '0' || got[0] > '9'):
			return "excused by the replica"
		case time.Since(begin)-net() > soakStall && got == "503 temporarily_unavailable":
			return "excused by the machine"
		default:
			return fmt.Sprintf("wrong: after %q, %.60s instead of %s", s.excuses.latest(), got, want)
		}
	}
	switch kind := n / soakReplicas % 8; kind {
	case 0:
		return judge(r.ask(ctx, s.signed(s.stranger, s.issuer, lasting)), "400 invalid_grant")
	case 1:
		return judge(r.askAs(ctx, "nobody", s.fresh()), "401 invalid_client")
	case 2:
		used := s.fresh()
		first, second := r.ask(ctx, used), (&server{site: s.site, url: s.replicas[(i+1)%soakReplicas].url}).ask(ctx, used)
		if first == granted && second == granted {
			return "wrong: an assertion is used twice"
		}
		return judge(first, granted)
	default:
		return judge(r.ask(ctx, s.fresh()), granted)
	}
}

// breakage is something that goes wrong for some time, with what it hits.
type breakage struct {
	name, hits string
	begin, end func() error
}

func nothing() error { return nil }

// faults are all that happen.
func (s *soak) faults() []breakage {
	do := func(f func()) func() error {
		return func() error {
			f()
			return nil
		}
	}
	all := []breakage{
		{"the store is killed", "store", do(s.store.Stop), s.store.Start},
		{"the store freezes", "store", s.store.Pause, s.store.Resume},
		{"the store is slow", "store", do(func() { s.proxy.Delay(2 * time.Second) }), do(s.proxy.Heal)},
		{"connections to the store are reset", "store", do(s.proxy.Reset), do(s.proxy.Heal)},
		{"packets to the store are lost", "store", do(s.proxy.Drop), do(s.proxy.Heal)},
		{"the store talks nonsense", "store", do(func() { s.proxy.Inject("+OK\r\n$-5\r\n") }), nothing},
		{"replica 0 freezes", "replica 0", s.replicas[0].Pause, s.replicas[0].Resume},
		{"replica 1 is killed", "replica 1", do(s.replicas[1].Kill), func() error { return s.restart(1) }},
		{"replica 2 is stopped", "replica 2", do(s.replicas[2].Stop), func() error { return s.restart(2) }},
		{"manifests change", "nothing", do(func() { s.declare("more", s.oauthClient("more")...) }), do(func() { s.declare("more") })},
	}
	var crowd []func()
	come := func() error {
		for _, kind := range slowKinds[:2] {
			for _, conn := range s.replicas[0].connect(100, kind.begin) {
				crowd = append(crowd, func() { _ = conn.Close() })
			}
		}
		return nil
	}
	return append(all, breakage{"slow callers come", "nothing", come, func() error {
		for _, leave := range crowd {
			leave()
		}
		return nil
	}})
}

// restart starts a replica again that has ended.
func (s *soak) restart(i int) error {
	p, err := s.launches[i].Start(s.t.Context())
	if err != nil {
		return err
	}
	s.t.Cleanup(p.Stop)
	s.replicas[i].Process = p
	return p.WaitReady(s.t.Context())
}
