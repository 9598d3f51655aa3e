package faults

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

// TestReadyMeansReady: whoever waits for Ready of a new provider and a new client, and then asks, gets a token from every
// token server, also from one that is slow to hear of them.
func TestReadyMeansReady(t *testing.T) {
	for name, tc := range map[string]struct {
		delay  time.Duration
		rounds int
	}{
		"all alike":   {0, readyRounds * 4 / 5},
		"one is slow": {100 * time.Millisecond, readyRounds / 5},
	} {
		t.Run(name, func(t *testing.T) {
			slow := world.links["grantor-tokenserver"][replicas-1]
			slow.Delay(tc.delay)
			defer slow.Heal()
			r := repeat(t, tc.rounds)
			t.Logf("%d times Ready: p50 %s, p99 %s after the objects were made", r.Sent, r.Quantile(0.5).Round(time.Millisecond), r.Quantile(0.99).Round(time.Millisecond))
			if r.Quantile(0) < tc.delay {
				t.Errorf("Ready after %s, and one token server hears of it after %s", r.Quantile(0), tc.delay)
			}
		})
	}
}

// repeat runs so many rounds, a few at a time, and reports how long it took until Ready.
func repeat(t *testing.T, times int) openloop.Report {
	t.Helper()
	const workers = 4
	rounds := make(chan int)
	var mu sync.Mutex
	var waits []time.Duration
	var working sync.WaitGroup
	for range workers {
		tn := newNamespace(t)
		working.Go(func() {
			for n := range rounds {
				took, err := tn.readyRound(t.Context(), n)
				if err != nil {
					t.Errorf("round %d: %v", n, err)
					continue
				}
				mu.Lock()
				waits = append(waits, took)
				mu.Unlock()
			}
		})
	}
	for n := range times {
		rounds <- n
	}
	close(rounds)
	working.Wait()
	slices.Sort(waits)
	return openloop.Report{Sent: len(waits), Latencies: waits}
}

// readyRound makes a provider and a client, waits until both are Ready, and asks every token server at once.
func (tn *tenant) readyRound(ctx context.Context, n int) (time.Duration, error) {
	name := fmt.Sprint("round-", n)
	round := *tn
	round.issuer = fmt.Sprintf("https://%s.test/%d", tn.namespace, n)
	provider, oauthClient := round.provider(name), round.client(name)
	begin := time.Now()
	for _, o := range []client.Object{
		round.secret(name+"-cert", "tls.crt", certificate(tn.key)), round.secret(name, "client_secret", []byte(clientSecret)), provider, oauthClient,
	} {
		if err := world.cp.Client.Create(ctx, o); err != nil {
			return 0, err
		}
	}
	err := harness.Poll(ctx, soon, func() error {
		for _, o := range []client.Object{provider, oauthClient} {
			if c, err := condition(ctx, o, client.ObjectKeyFromObject(o), v1alpha1.ConditionReady); err != nil || c == nil || c.Reason != v1alpha1.ReasonReady {
				return fmt.Errorf("%T is %+v: %w", o, c, orElse(err))
			}
		}
		return nil
	})
	took := time.Since(begin)
	if err != nil {
		return 0, err
	}
	for replica, base := range world.URLs {
		a, err := exchange(ctx, base, tn.namespace+"."+name, clientSecret, round.assertion())
		if err != nil || a.outcome() != granted {
			return 0, fmt.Errorf("Ready, and replica %d answers %s: %w", replica, a.outcome(), orElse(err))
		}
	}
	return took, nil
}
