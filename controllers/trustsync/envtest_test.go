package trustsync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// realServer is a syncer in front of a real API server, reached through a line that can be cut.
type realServer struct {
	t      *testing.T
	client client.Client
	line   *line
	store  *trust.Store
	stop   func()
}

func startReal(t *testing.T) *realServer {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name the folder with kube-apiserver and etcd, as hack/controlplane.sh prints it")
	}
	env := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	r := &realServer{t: t, store: trust.NewStore()}
	if r.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"team-a", ownNamespace} {
		r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	}
	r.line = newLine(t, config.Host)
	r.run(config)
	return r
}

func (r *realServer) run(config *rest.Config) {
	r.t.Helper()
	config = rest.CopyConfig(config)
	config.Host = "https://" + r.line.listener.Addr().String()
	s, err := New(Options{
		Config: config, Namespace: ownNamespace, Identity: "one", Store: r.store,
		Metrics: prometheus.NewRegistry(), Clock: time.Now, Log: logr.Discard(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	r.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	r.t.Cleanup(r.stop)
}

// create makes an object with its status.
func (r *realServer) create(o client.Object) {
	r.t.Helper()
	wanted, ok := o.DeepCopyObject().(client.Object)
	if !ok {
		r.t.Fatalf("%T is no object", o)
	}
	if err := r.client.Create(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
	if !ours(wanted) {
		return
	}
	wanted.SetResourceVersion(o.GetResourceVersion())
	wanted.SetUID(o.GetUID())
	if err := r.client.Status().Update(r.t.Context(), wanted); err != nil {
		r.t.Fatal(err)
	}
	o.SetResourceVersion(wanted.GetResourceVersion())
}

func ours(o client.Object) bool {
	_, provider := o.(*v1alpha1.IdentityProvider)
	_, oac := o.(*v1alpha1.OAuthClient)
	return provider || oac
}

func (r *realServer) eventually(what string, timeout time.Duration, check func() error) {
	r.t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(r.t.Context(), 10*time.Millisecond, timeout, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		r.t.Fatalf("%s: %v: %v", what, err, last)
	}
}

// published waits until the Lease says that a version is loaded.
func (r *realServer) published(kind, version string) {
	r.t.Helper()
	r.eventually("published "+kind+" "+version, 10*time.Second, func() error {
		var l coordinationv1.Lease
		if err := r.client.Get(r.t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: leaseName}, &l); err != nil {
			return err
		}
		loaded, err := release.ParseLoaded(l.Annotations[release.LoadedAnnotation])
		if err != nil {
			return err
		}
		if !loaded.Has(kind, "", version) {
			return fmt.Errorf("loaded %v", loaded)
		}
		return nil
	})
}

func resolved(t *testing.T) (*v1alpha1.IdentityProvider, *v1alpha1.OAuthClient) {
	t.Helper()
	p, c := provider(t), oauthClient()
	p.UID, c.UID = "", ""
	p.Spec.CertificateSecretRef = &v1alpha1.SecretKeyReference{Name: "cert", Key: "tls.crt"}
	p.Status.Trust.Source, p.Status.Trust.KeyCount = "Secret", new(int32(1))
	p.Status.Trust.Keys[0].Type, p.Status.Trust.Keys[0].ThumbprintSHA256 = "EC", digest("t")
	c.Spec.Authentication.ClientSecret = &v1alpha1.ClientSecretAuthentication{SecretRef: v1alpha1.ClientSecretReference{Name: "app"}}
	return p, c
}

func TestAgainstAnAPIServer(t *testing.T) {
	// Death of a connection is found in two seconds instead of 45.
	t.Setenv("HTTP2_READ_IDLE_TIMEOUT_SECONDS", "1")
	t.Setenv("HTTP2_PING_TIMEOUT_SECONDS", "1")
	r := startReal(t)
	p, c := resolved(t)
	keys := signingKeys(t)
	r.create(p)
	r.create(c)
	r.create(keys)
	if r.store.Snapshot().Ready() {
		t.Error("ready without digest key")
	}
	r.create(digestKey())
	r.eventually("ready", 10*time.Second, func() error {
		if s := r.store.Snapshot(); !s.Ready() || s.Client("team-a.app") == nil || s.Provider("team-a", issuer) == nil {
			return errors.New("not loaded")
		}
		return nil
	})
	r.published(release.KindIdentityProviders, p.ResourceVersion)
	r.published(release.KindOAuthClients, c.ResourceVersion)
	r.published(release.KindSigningKeys, keys.ResourceVersion)

	t.Run("a change is published when it counts", func(*testing.T) {
		p.Spec.GrantEnabled = new(false)
		if err := r.client.Update(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		r.published(release.KindIdentityProviders, p.ResourceVersion)
		if r.store.Snapshot().Provider("team-a", issuer).Enabled {
			t.Error("enabled")
		}
	})
	t.Run("the keys are watched by name", func(*testing.T) {
		before := r.store.Snapshot().Ring()
		keys.Data = signingKeys(t).Data
		if err := r.client.Update(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		r.published(release.KindSigningKeys, keys.ResourceVersion)
		if r.store.Snapshot().Ring() == before {
			t.Error("the old keys are in force")
		}
	})
	for name, cut := range map[string]func(){"a line that is cut": r.line.cut, "a line that is silent": r.line.silence} {
		t.Run(name, func(*testing.T) { r.missed(cut) })
	}
	t.Run("the Lease goes with the process", func(*testing.T) {
		r.stop()
		err := r.client.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: leaseName}, &coordinationv1.Lease{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("error %v", err)
		}
	})
}

// missed deletes a client while the API server cannot be reached: F03, F04.
func (r *realServer) missed(cut func()) {
	r.t.Helper()
	_, c := resolved(r.t)
	cut()
	if err := r.client.Delete(r.t.Context(), c); err != nil {
		r.t.Fatal(err)
	}
	before := r.line.refused()
	r.eventually("noticed", 20*time.Second, func() error {
		if r.line.refused() == before {
			return errors.New("no new connection was tried")
		}
		return nil
	})
	if r.store.Snapshot().Client("team-a.app") == nil {
		r.t.Error("the cut line lets something through")
	}
	r.line.heal()
	r.eventually("deleted", 10*time.Second, func() error {
		if r.store.Snapshot().Client("team-a.app") != nil {
			return errors.New("the client is there")
		}
		return nil
	})
	_, c = resolved(r.t)
	r.create(c)
	r.published(release.KindOAuthClients, c.ResourceVersion)
}

// line forwards TCP connections to a server, or not.
type line struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	broken chan struct{} // closed by heal
	open   []net.Conn
	tried  int
}

func newLine(t *testing.T, host string) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: strings.Trim(strings.TrimPrefix(host, "https:"), "/")}
	t.Cleanup(func() {
		_ = listener.Close()
		l.heal()
		l.closeAll()
	})
	go l.accept()
	return l
}

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		l.mu.Lock()
		if l.broken != nil {
			l.tried++
		}
		l.open = append(l.open, near, far)
		l.mu.Unlock()
		go l.forward(near, far)
		go l.forward(far, near)
	}
}

func (l *line) forward(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			break
		}
		l.mu.Lock()
		broken := l.broken
		l.mu.Unlock()
		if broken != nil {
			// What was sent meanwhile is lost.
			<-broken
			break
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
}

// silence lets nothing through, and breaks no connection.
func (l *line) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = make(chan struct{})
}

// cut is silence after all connections were broken.
func (l *line) cut() {
	l.silence()
	l.closeAll()
}

func (l *line) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// heal lets new connections through again.
func (l *line) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		close(l.broken)
		l.broken = nil
	}
}

// refused returns how many connections were made while nothing was let through.
func (l *line) refused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tried
}
