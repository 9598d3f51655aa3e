package operator

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// cluster is a real API server.
type cluster struct {
	config *rest.Config
	scheme *runtime.Scheme
	client client.Client
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name the folder with kube-apiserver and etcd, as hack/controlplane.sh prints it")
	}
	env := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	cfg, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	c := &cluster{config: cfg, scheme: testScheme()}
	if err := eventsv1.AddToScheme(c.scheme); err != nil {
		t.Fatal(err)
	}
	if c.client, err = client.New(cfg, client.Options{Scheme: c.scheme}); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{namespace, "team-b", releaseNamespace} {
		c.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	}
	return c
}

// operatorRun is one run of the operator, with what it read and wrote.
type operatorRun struct {
	stop func()

	mu            sync.Mutex
	read, written []string
}

func (o *operatorRun) snapshot() (read, written []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.read), slices.Clone(o.written)
}

func (c *cluster) startOperator(t *testing.T) *operatorRun {
	t.Helper()
	run := &operatorRun{}
	mgr, err := ctrl.NewManager(c.config, ctrl.Options{
		Scheme:     c.scheme,
		Cache:      cache.Options{ByObject: CacheByObject(releaseNamespace, nil), ReaderFailOnMissingInformer: true},
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
		NewClient:  run.newClient,
	})
	if err != nil {
		t.Fatal(err)
	}
	// The fixtures' certificates are valid at start, so the operator lives there.
	documents, err := APIServerDocuments(c.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetupWithManager(mgr, Options{
		Namespace: releaseNamespace, Clock: func() time.Time { return start }, Metrics: prometheus.NewRegistry(),
		Keys: KeyFetcher{Documents: loopback(), Cluster: documents},
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	run.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(run.stop)
	return run
}

// newClient records the objects of this API that are read, and the status writes.
func (o *operatorRun) newClient(cfg *rest.Config, opts client.Options) (client.Client, error) {
	inner, err := client.NewWithWatch(cfg, opts)
	if err != nil {
		return nil, err
	}
	return interceptor.NewClient(inner, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			o.mu.Lock()
			o.read = append(o.read, key.String())
			o.mu.Unlock()
			return c.Get(ctx, key, obj, opts...)
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			o.mu.Lock()
			o.written = append(o.written, sub)
			o.mu.Unlock()
			return c.SubResource(sub).Update(ctx, obj, opts...)
		},
	}), nil
}

func (c *cluster) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, obj := range objects {
		// The API server gives these itself.
		obj.SetUID("")
		obj.SetGeneration(0)
		obj.SetCreationTimestamp(metav1.Time{})
		if err := c.client.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *cluster) delete(t *testing.T, obj client.Object) {
	t.Helper()
	if err := c.client.Delete(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
}

// eventually polls an object until it is as wanted.
func eventually[T client.Object](t *testing.T, c *cluster, obj T, what string, wanted func(T) bool) T {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		if err := c.client.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		return wanted(obj), nil
	})
	if err != nil {
		t.Fatalf("%s: %v: %+v", what, err, obj)
	}
	return obj
}

func (c *cluster) providerIs(t *testing.T, name, reason string) *v1alpha1.IdentityProvider {
	t.Helper()
	p := &v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return eventually(t, c, p, name+" is "+reason, func(p *v1alpha1.IdentityProvider) bool {
		return len(p.Status.Conditions) == 5 && p.Status.Conditions[4].Reason == reason && p.Status.ObservedGeneration == p.Generation
	})
}

func (c *cluster) clientIs(t *testing.T, ns, name, reason string) *v1alpha1.OAuthClient {
	t.Helper()
	oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	return eventually(t, c, oac, name+" is "+reason, func(oac *v1alpha1.OAuthClient) bool {
		return len(oac.Status.Conditions) == 5 && oac.Status.Conditions[4].Reason == reason
	})
}

func TestAgainstAnAPIServer(t *testing.T) {
	c := startCluster(t)
	c.create(t, tokenServerLease("one", everything()))
	run := c.startOperator(t)
	named := func(name string) *v1alpha1.IdentityProvider {
		return provider(func(p *v1alpha1.IdentityProvider) { p.Name = name })
	}
	t.Run("a provider follows its Secret", func(t *testing.T) {
		c.create(t, named("partner"))
		c.providerIs(t, "partner", v1alpha1.ReasonSecretNotFound)
		c.create(t, certSecret(validCert("x")))
		if p := c.providerIs(t, "partner", v1alpha1.ReasonReady); p.Status.Trust == nil {
			t.Errorf("status %+v", p.Status)
		}
		c.delete(t, certSecret(nil))
		if p := c.providerIs(t, "partner", v1alpha1.ReasonSecretNotFound); p.Status.Trust != nil {
			t.Errorf("status %+v", p.Status)
		}
		c.create(t, certSecret(validCert("y")))
		c.providerIs(t, "partner", v1alpha1.ReasonReady)
	})
	t.Run("a provider reports its transitions", func(t *testing.T) { c.checkEvents(t) })
	t.Run("a contested issuer moves on", func(t *testing.T) {
		c.create(t, named("partner-two"))
		if p := c.providerIs(t, "partner-two", v1alpha1.ReasonDuplicateIssuer); p.Status.Trust != nil {
			t.Errorf("status %+v", p.Status)
		}
		p := c.providerIs(t, "partner", v1alpha1.ReasonReady) // It says so in its last write.
		p.Spec.Issuer += "/moved"
		if err := c.client.Update(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		c.providerIs(t, "partner-two", v1alpha1.ReasonReady)
		c.providerIs(t, "partner", v1alpha1.ReasonReady)
	})
	t.Run("what others write to a status is removed", func(t *testing.T) { c.checkForeignStatus(t) })
	t.Run("a client secret is generated", func(t *testing.T) {
		c.create(t, oauthClient(generates))
		oac := c.clientIs(t, namespace, "app", v1alpha1.ReasonReady)
		s := eventually(t, c, secret("app-secret", nil), "generated Secret", func(s *corev1.Secret) bool { return len(s.Data) == 2 })
		if !metav1.IsControlledBy(s, oac) {
			t.Errorf("owners %v", s.OwnerReferences)
		}
	})
	t.Run("a contested client id is refused", func(t *testing.T) {
		c.create(t, claimant("team-b", "thief", "team-a.app", 0))
		if oac := c.clientIs(t, "team-b", "thief", v1alpha1.ReasonDuplicateClientID); oac.Status.ClientID != "" {
			t.Errorf("status %+v", oac.Status)
		}
		c.clientIs(t, namespace, "app", v1alpha1.ReasonReady)
	})
	t.Run("a client follows its providers and the digest key", func(t *testing.T) { c.checkClientFollows(t) })
	t.Run("a provider waits for every token server", func(t *testing.T) { c.checkProgrammed(t) })
	t.Run("W-04 keys are fetched", func(t *testing.T) { c.checkFetched(t) })
	t.Run("a restart writes nothing", func(t *testing.T) {
		run.stop()
		c.checkRestart(t)
	})
}

func (c *cluster) checkEvents(t *testing.T) {
	t.Helper()
	want := []string{"Normal Pending", "Warning SecretNotFound"}
	var got []string
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		var list eventsv1.EventList
		if err := c.client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return false, err
		}
		got = nil
		for _, e := range list.Items {
			got = append(got, e.Type+" "+e.Reason)
		}
		slices.Sort(got)
		got = slices.Compact(got)
		return cmp.Equal(want, got), nil
	})
	if err != nil {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
}

// checkForeignStatus writes a key into a status as another field manager, which server-side apply alone would leave there.
func (c *cluster) checkForeignStatus(t *testing.T) {
	t.Helper()
	c.create(t, provider(func(p *v1alpha1.IdentityProvider) {
		p.Name, p.Spec.Issuer, p.Spec.CertificateSecretRef.Name = "victim", "https://victim.example", "missing"
	}))
	p := c.providerIs(t, "victim", v1alpha1.ReasonSecretNotFound)
	trust := evaluated(ProviderInput{Provider: provider(inline(jwk("foreign"))), Now: start}).Status.Trust
	// The operator may be about to write that the version has been loaded.
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		p.Status.Trust = trust
		return c.client.Status().Update(t.Context(), p, client.FieldOwner("somebody-else"))
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, c, p, "foreign trust is removed", func(p *v1alpha1.IdentityProvider) bool { return p.Status.Trust == nil })
}

func (c *cluster) checkClientFollows(t *testing.T) {
	t.Helper()
	c.create(t, oauthClient(func(oac *v1alpha1.OAuthClient) {
		oac.Name = "second"
		oac.Spec.Authentication.ClientSecret.SecretRef.Name = "second-secret"
		oac.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "late"}}
	}), secret("second-secret", map[string][]byte{ClientSecretDataKey: []byte(clientValue)}))
	before := c.clientIs(t, namespace, "second", v1alpha1.ReasonIdentityProviderNotFound).Status.Credentials
	c.create(t, provider(func(p *v1alpha1.IdentityProvider) { p.Name, p.Spec.Issuer = "late", "https://late.example" }))
	oac := c.clientIs(t, namespace, "second", v1alpha1.ReasonReady)
	if diff := cmp.Diff(before, oac.Status.Credentials); diff != "" || len(before) != 1 {
		t.Errorf("credentials changed: %s", diff)
	}
	c.delete(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: release.DigestKeySecretName}})
	for _, name := range []string{"app", "second"} {
		oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		eventually(t, c, oac, "credentials under the new digest key", func(oac *v1alpha1.OAuthClient) bool {
			return len(oac.Status.Credentials) == 1 && oac.Status.Credentials[0].DigestKeyID != before[0].DigestKeyID
		})
	}
}

func (c *cluster) checkRestart(t *testing.T) {
	t.Helper()
	versions := func() map[string]string {
		all := map[string]string{}
		var providers v1alpha1.IdentityProviderList
		var clients v1alpha1.OAuthClientList
		for _, list := range []client.ObjectList{&providers, &clients} {
			if err := c.client.List(t.Context(), list); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range providers.Items {
			all[p.Namespace+"/"+p.Name] = p.ResourceVersion
		}
		for _, oac := range clients.Items {
			all[oac.Namespace+"/"+oac.Name] = oac.ResourceVersion
		}
		return all
	}
	before := versions()
	run := c.startOperator(t)
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
		read, _ := run.snapshot()
		for key := range before {
			if !slices.Contains(read, key) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Each controller has one worker, so the visit of a new object comes after those before it have ended.
	c.create(t, provider(func(p *v1alpha1.IdentityProvider) { p.Name, p.Spec.Issuer = "marker", "https://marker.example" }),
		oauthClient(func(oac *v1alpha1.OAuthClient) { oac.Name = "marker" }))
	c.providerIs(t, "marker", v1alpha1.ReasonReady)
	c.clientIs(t, namespace, "marker", v1alpha1.ReasonReady)
	// Of each, what was found, and that it has been loaded.
	if _, written := run.snapshot(); len(written) != 4 {
		t.Errorf("%d writes for 2 new objects", len(written))
	}
	after := versions()
	delete(after, namespace+"/marker")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}
