package operator

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/netns"
)

const (
	// effect is how long a change may take to have its effect everywhere.
	effect = 5 * time.Second
	// patience is how long to wait for what is not a matter of time.
	patience = 90 * time.Second
	// replicas is the number of token servers.
	replicas = 2
)

// world is a cluster with Grantor, and the network that it could reach.
type world struct {
	cp      *harness.ControlPlane
	api     client.Client
	binary  string
	dir     string
	grantor *harness.Grantor
	traps   *traps
	zone    *zone
	site    *site
	// host is the name of the site that the operator may fetch from.
	host string
	// healthy is the tenant that no row touches.
	healthy *tenant
	client  *http.Client
	// goroutines is how many the operator has at first.
	goroutines float64

	mu sync.Mutex
	// secret is what must not be seen anywhere.
	secret []string
}

// slow stretches a budget of time when the race detector is on.
func slow(budget time.Duration) time.Duration {
	if raceDetector {
		return 6 * budget
	}
	return budget
}

// newWorld starts a control plane, and everything that the operator could be led to.
func newWorld(t *testing.T) *world {
	t.Helper()
	netns.Require(t)
	log.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "grantor-hostile-operator-") //nolint:usetesting // Logs outlive a test that fails.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
			return
		}
		t.Logf("logs are kept in %s", dir)
	})
	w := &world{dir: dir, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: harness.IdleConnTimeout}, Timeout: time.Minute}}
	w.site = newSite(t)
	w.traps = newTraps(t)
	w.zone = newZone(t)
	advertise(t, dir)
	if w.binary, err = harness.Build(t.Context(), dir, raceDetector); err != nil {
		t.Fatal(err)
	}
	if w.cp, err = harness.StartControlPlane(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	w.api = w.cp.Client
	return w
}

// start starts Grantor for one test, and a tenant that uses it.
func (w *world) start(t *testing.T, host string, flags ...string) {
	t.Helper()
	w.host = host
	dir := filepath.Join(w.dir, host)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// There is one operator: starved of time it must not give way to another.
	flags = append(flags, "--leader-elect=false")
	grantor, err := harness.StartGrantor(t.Context(), w.cp, w.binary, dir, replicas, flags...)
	for try := 1; try < 3 && err != nil && strings.Contains(err.Error(), "no configuration has been provided"); try++ {
		// The kubeconfig of the first token server was being written again, for the second one.
		if dir = filepath.Join(dir, "again"); os.Mkdir(dir, 0o700) != nil {
			t.Fatal("cannot make a folder for logs")
		}
		grantor, err = harness.StartGrantor(t.Context(), w.cp, w.binary, dir, replicas, flags...)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.grantor = grantor
	t.Cleanup(grantor.Stop)
	w.healthy = w.tenant(t)
	w.healthy.certProvider("idp")
	w.healthy.waitReady("idp")
	w.healthy.wait(w.healthy.fresh("idp"), http.StatusOK)
	w.goroutines = w.metrics(t, grantor.Operator.OpsURL)["go_goroutines"]
}

// remember notes what must not be seen anywhere.
func (w *world) remember(texts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secret = append(w.secret, texts...)
}

// config returns the configuration of one who has all permissions, changed as the caller wants.
func (w *world) config(t *testing.T, change func(*rest.Config)) client.Client {
	t.Helper()
	return w.clientFrom(t, w.cp.Kubeconfig, change)
}

// accountOf returns a client with the permissions of a ServiceAccount of Grantor.
func (w *world) accountOf(t *testing.T, name string) client.Client {
	t.Helper()
	file, err := w.cp.KubeconfigFor(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return w.clientFrom(t, file, func(*rest.Config) {})
}

func (w *world) clientFrom(t *testing.T, kubeconfig string, change func(*rest.Config)) client.Client {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	change(config)
	c, err := client.New(config, client.Options{Scheme: w.api.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually tries until the attempt succeeds, and fails with its last error when the time is over.
func eventually(t *testing.T, within time.Duration, attempt func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := attempt(t.Context())
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", within, err)
		case <-tick.C:
		}
	}
}

// await waits until the time has come.
func await(t *testing.T, at time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal("the test has ended")
	}
}

// providerOf and clientOf read an object.
func (w *world) providerOf(ctx context.Context, namespace, name string) (*v1alpha1.IdentityProvider, error) {
	p := &v1alpha1.IdentityProvider{}
	if err := w.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, p); err != nil {
		return nil, fmt.Errorf("get provider: %w", err)
	}
	return p, nil
}

func (w *world) clientOf(ctx context.Context, namespace, name string) (*v1alpha1.OAuthClient, error) {
	c := &v1alpha1.OAuthClient{}
	if err := w.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, c); err != nil {
		return nil, fmt.Errorf("get client: %w", err)
	}
	return c, nil
}

func (w *world) secretOf(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{}
	if err := w.api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, s); err != nil {
		t.Fatal(err)
	}
	return s
}
