package faults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

// drain is how long a token server goes on after SIGTERM, as it does by default.
const drain = 5 * time.Second

// TestF19RollingRestart: three token servers behind a balancer with health checks are restarted one by one, at a hundred requests
// per second or two. Half of them come on connections that are kept, half on one each; of both, half are balanced by request and
// half by connection, as a Service of Kubernetes does. Nobody repeats anything, and no request fails.
func TestF19RollingRestart(t *testing.T) {
	tn := newTenant(t)
	launches := make([]harness.Launch, replicas)
	servers := make([]*harness.Process, replicas)
	var backends []harness.Backend
	for i := range launches {
		l, endpoint, err := world.AnotherTokenServer(t.Context(), fmt.Sprint("tokenserver-rolling-", i), "--drain", drain.String())
		try(t, err)
		launches[i] = l
		backends = append(backends, harness.Backend{Address: endpoint[len("http://"):], OpsAddress: l.OpsAddress})
		servers[i], err = l.Start(t.Context())
		try(t, err)
		t.Cleanup(func() { servers[i].Stop() })
	}
	for _, s := range servers {
		try(t, s.WaitReady(t.Context()))
	}
	balancer, err := harness.StartBalancer(t.Context(), t.TempDir(), backends...)
	try(t, err)
	defer balancer.Stop()
	loads := map[string]*openloop.Load{}
	for how, base := range map[string]string{"balanced by request": balancer.ByRequest, "balanced by connection": balancer.ByConnection} {
		for name, alone := range map[string]bool{"connections are kept": false, "a connection each": true} {
			loads[how+", "+name] = tn.loadBy(&http.Client{
				Timeout: 30 * time.Second,
				Transport: &http.Transport{
					DisableKeepAlives: alone, MaxIdleConnsPerHost: 100, IdleConnTimeout: harness.IdleConnTimeout,
					DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
				},
			}, base, restartRate/4)
		}
	}
	for i := range servers {
		begin := time.Now()
		servers[i].Stop()
		if took := time.Since(begin); took < drain {
			t.Errorf("token server %d ended after %s", i, took)
		}
		servers[i], err = launches[i].Start(t.Context())
		try(t, err)
		try(t, servers[i].WaitReady(t.Context()))
		t.Logf("token server %d is restarted after %s", i, time.Since(begin).Round(time.Millisecond))
		during(t, 2*time.Second, func() error { return nil }) // the balancer has seen it
	}
	for name, load := range loads {
		t.Log(name)
		tn.flawless(load)
	}
}

// loadBy sends fresh assertions by a client of HTTP to one place.
func (tn *tenant) loadBy(client *http.Client, base string, perSecond int) *openloop.Load {
	tn.t.Cleanup(client.CloseIdleConnections)
	return openloop.Start(tn.t.Context(), perSecond, func(ctx context.Context, _ int) string {
		a, err := exchangeBy(ctx, client, base, tn.clientID(), clientSecret, tn.assertion())
		if err != nil {
			return err.Error()
		}
		return a.outcome()
	})
}
