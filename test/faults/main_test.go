package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantor-dev/grantor/test/harness"
)

// replicas is how many token servers there are.
const replicas = 3

// world is what all tests of this package share.
var world *installation

// installation is a control plane, and Grantor on it with a proxy between each process and the API server.
type installation struct {
	*harness.Grantor
	cp *harness.ControlPlane
	// links are the proxies by ServiceAccount: first those of the token servers that there are, in their order.
	links map[string][]*harness.Proxy
	dir   string
}

func TestMain(m *testing.M) {
	harness.EnterReadOnly()
	ctrllog.SetLogger(logr.Discard()) // the client's own
	os.Exit(harness.Main("faults", raceEnabled, func(ctx context.Context, s harness.Site) (code int, err error) {
		world = &installation{cp: s.ControlPlane, links: map[string][]*harness.Proxy{}, dir: s.Dir}
		s.ControlPlane.Reroute = world.reroute
		world.Grantor, err = harness.StartGrantor(ctx, s.ControlPlane, s.Binary, s.Dir, replicas, "--allow-key-fetch-from", "127.0.0.0/8")
		if err != nil {
			return 0, err
		}
		defer world.Stop()
		return m.Run(), world.examineLogs()
	}))
}

// reroute puts a proxy in front of the API server.
func (w *installation) reroute(ctx context.Context, serviceAccount, address string) (string, error) {
	p, err := harness.StartProxy(ctx, address)
	if err != nil {
		return "", err
	}
	w.links[serviceAccount] = append(w.links[serviceAccount], p)
	return p.Address, nil
}

// RestartTokenServer is that of the installation. The proxy of the token server is another one then.
func (w *installation) RestartTokenServer(ctx context.Context, i int) error {
	if err := w.Grantor.RestartTokenServer(ctx, i); err != nil {
		return err
	}
	links := w.links["grantor-tokenserver"]
	last := len(links) - 1
	links[i], w.links["grantor-tokenserver"] = links[last], links[:last]
	return nil
}

// allLinks are the proxies of all processes, also of those that have ended.
func (w *installation) allLinks() (all []*harness.Proxy) {
	for _, links := range w.links {
		all = append(all, links...)
	}
	return all
}

// examineLogs fails when a process has panicked, found a data race, or reported an event that was refused.
func (w *installation) examineLogs() error {
	logs, err := filepath.Glob(filepath.Join(w.dir, "*.log"))
	if err != nil {
		return fmt.Errorf("find logs: %w", err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		for _, sign := range []string{"panic: ", "Observed a panic", "DATA RACE", "fatal error: ", "Server rejected event"} {
			if _, after, found := strings.Cut(string(text), sign); found {
				return fmt.Errorf("%s says %s%.300s", log, sign, after)
			}
		}
	}
	return nil
}

// keepOperator waits until an operator leads, and starts the operator again where it ends meanwhile, as a Deployment would.
func (w *installation) keepOperator(t *testing.T) {
	t.Helper()
	begin := time.Now()
	try(t, harness.Poll(t.Context(), time.Minute, func() error {
		if w.Operator.HasEnded() {
			t.Logf("the operator has ended and is started again after %s, as a Deployment does", time.Since(begin).Round(time.Second))
			if err := w.StartOperator(t.Context()); err != nil {
				return harness.Permanent(err)
			}
		}
		holder, renewed, err := leader(t.Context())
		if err != nil || holder == "" || renewed.Before(begin) {
			return fmt.Errorf("%q leads since %s: %w", holder, renewed, orElse(err))
		}
		return nil
	}))
}

// leader is who holds the Lease of the operators, and when it was renewed last.
func leader(ctx context.Context) (holder string, renewed time.Time, err error) {
	lease := &coordinationv1.Lease{}
	if err := world.cp.Client.Get(ctx, client.ObjectKey{Namespace: harness.Namespace, Name: "grantor-operator"}, lease); err != nil {
		return "", time.Time{}, fmt.Errorf("get Lease: %w", err)
	}
	return ptr.Deref(lease.Spec.HolderIdentity, ""), ptr.Deref(lease.Spec.RenewTime, metav1.MicroTime{}).Time, nil
}

// try ends the test where there is an error.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits until check returns nil, and returns how long that took.
func within(t *testing.T, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := harness.Poll(t.Context(), limit, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	took := time.Since(begin).Round(time.Millisecond)
	t.Logf("%s: %s (promised: %s)", what, took, limit)
	return took
}

// during calls check again and again until the time is over, and fails on its first error.
func during(t *testing.T, d time.Duration, check func() error) {
	t.Helper()
	over := time.After(d)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := check(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-over:
			return
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-tick.C:
		}
	}
}
