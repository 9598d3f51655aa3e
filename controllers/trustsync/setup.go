package trustsync

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// retryInterval is how long to wait after the API server could not be asked.
const retryInterval = time.Second

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders;oauthclients,verbs=get;list;watch
// +kubebuilder:rbac:groups="",namespace=grantor-system,resources=secrets,resourceNames=grantor-signing-keys;grantor-digest-key,verbs=get;list;watch

// Setup adds to a manager all that keeps the store equal to the API server. namespace is the release's own, where the
// Secrets with the server's keys are. Nothing of it needs leader election.
func Setup(mgr ctrl.Manager, store *trust.Store, namespace string) error {
	s := &Syncer{
		objects: mgr.GetCache(), keys: map[string]client.Reader{}, store: store, namespace: namespace,
		log: mgr.GetLogger().WithName("trustsync"),
	}
	watched := []watchedKind{{mgr.GetCache(), &v1alpha1.IdentityProvider{}}, {mgr.GetCache(), &v1alpha1.OAuthClient{}}}
	for _, name := range []string{release.SigningKeysSecretName, release.DigestKeySecretName} {
		c, err := s.watchKeys(mgr, name)
		if err != nil {
			return fmt.Errorf("watch Secret %s: %w", name, err)
		}
		watched = append(watched, watchedKind{c, &corev1.Secret{}})
	}
	if err := s.watchObjects(mgr); err != nil {
		return err
	}
	return mgr.Add(everyReplica(func(ctx context.Context) error {
		for _, w := range watched {
			if err := s.waitSynced(ctx, w); err != nil {
				return err
			}
		}
		return s.load(ctx)
	}))
}

// watchedKind is a kind with the cache that watches it.
type watchedKind struct {
	cache cache.Cache
	kind  client.Object
}

// waitSynced waits until the cache holds all objects of the kind, as long as that takes: an API server that cannot be
// reached, or does not know the kind yet, is no reason to end. A cache that has not been asked for a kind calls itself
// synced, so it is asked.
func (s *Syncer) waitSynced(ctx context.Context, w watchedKind) error {
	return wait.PollUntilContextCancel(ctx, retryInterval, true, func(ctx context.Context) (bool, error) {
		if _, err := w.cache.GetInformer(ctx, w.kind); err != nil {
			s.log.Error(err, "cannot watch yet", "kind", fmt.Sprintf("%T", w.kind))
			return false, nil
		}
		return w.cache.WaitForCacheSync(ctx), nil
	})
}

func (s *Syncer) watchObjects(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("trust-identityprovider").For(&v1alpha1.IdentityProvider{}).
		WithOptions(options()).Complete(reconciler(s.syncProvider))
	if err != nil {
		return fmt.Errorf("watch identity providers: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).Named("trust-oauthclient").For(&v1alpha1.OAuthClient{}).
		WithOptions(options()).Complete(reconciler(s.syncClient))
	if err != nil {
		return fmt.Errorf("watch OAuth clients: %w", err)
	}
	return nil
}

// watchKeys watches one Secret by its name, with a cache of its own: permission to watch can be given by name only to
// who asks by name.
func (s *Syncer) watchKeys(mgr ctrl.Manager, name string) (cache.Cache, error) {
	byName := cache.Config{FieldSelector: fields.OneTermEqualSelector("metadata.name", name)}
	c, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Namespaces: map[string]cache.Config{s.namespace: byName}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	s.keys[name] = c
	if err := mgr.Add(everyReplicaCache{c}); err != nil {
		return nil, fmt.Errorf("add cache: %w", err)
	}
	sync := reconciler(func(ctx context.Context, _ types.NamespacedName) (err error) {
		s.store.Update(func(tx *trust.Tx) { err = s.syncKeys(ctx, tx, name) })
		return err
	})
	err = builder.ControllerManagedBy(mgr).Named("trust-" + name).
		WatchesRawSource(source.Kind(c, &corev1.Secret{}, &handler.TypedEnqueueRequestForObject[*corev1.Secret]{})).
		WithOptions(options()).Complete(sync)
	if err != nil {
		return nil, fmt.Errorf("add controller: %w", err)
	}
	return c, nil
}

// options: one worker is enough, since the store takes one writer at a time.
func options() controller.Options {
	everywhere := false
	return controller.Options{MaxConcurrentReconciles: 1, NeedLeaderElection: &everywhere}
}

func reconciler(sync func(context.Context, types.NamespacedName) error) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
		return reconcile.Result{}, sync(ctx, r.NamespacedName)
	})
}

// everyReplica is a runnable that needs no leader election.
type everyReplica func(context.Context) error

var _ manager.LeaderElectionRunnable = everyReplica(nil)

// Start runs the function.
func (f everyReplica) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection returns false.
func (everyReplica) NeedLeaderElection() bool { return false }

// everyReplicaCache lets the manager start a cache before its controllers, as its own.
type everyReplicaCache struct{ cache.Cache }

// NeedLeaderElection returns false.
func (everyReplicaCache) NeedLeaderElection() bool { return false }

// GetCache tells the manager that this is a cache, to be started first.
func (c everyReplicaCache) GetCache() cache.Cache { return c.Cache }
