package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Options are what the controllers need besides a manager.
type Options struct {
	// Namespace is where the operator keeps the Secrets of its own.
	Namespace string
	// Namespaces are those whose objects are served; none stands for all.
	Namespaces release.Namespaces
	// Clock tells the time.
	Clock func() time.Time
	// MaxConcurrent bounds how many objects of one kind are reconciled at the same time; 0 is 1.
	MaxConcurrent int
	// Keys fetches remote key sets.
	Keys KeyFetcher
	// Rotation says when signing keys come and go; the zero value rotates on request only.
	Rotation keyring.RotationPolicy
	// ImportSigningKey names a Secret of the release namespace with a signing key to import; empty for none.
	ImportSigningKey string
	// Metrics registers what the operator measures.
	Metrics prometheus.Registerer
}

// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=grantor-system,resources=events,verbs=create;patch

// SetupWithManager adds the controllers and their field indexes to the manager, whose cache must have been made with
// [CacheByObject]. They run on the leader only.
//
// Leader election, which the manager does, keeps a Lease and reports it as events of the core group.
func SetupWithManager(mgr ctrl.Manager, opts Options) error {
	if opts.Namespace == "" || opts.Clock == nil || opts.Keys.Documents == nil || opts.Keys.Cluster == nil || opts.Metrics == nil {
		return errors.New("set up operator: Namespace, Clock, Keys and Metrics are required")
	}
	if err := registerIndexes(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return err
	}
	rules, err := NewRuleChecker()
	if err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	measures, err := newCollector(walkCache(mgr.GetCache()), opts.Metrics)
	if err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	recorder := mgr.GetEventRecorder(FieldManager)
	wanted := map[string]*enqueuer{kindProvider: {}, kindClient: {}}
	replicas := &Replicas{Client: mgr.GetClient(), Clock: opts.Clock}
	programs := newPrograms(replicas, wanted)
	remote := newRemoteKeys(measures.counted(opts.Keys.Fetch), opts.Clock, wanted)
	replicas.Subscribe(programs.notify)
	replicas.SubscribeUnknownKeys(remote.refetch)
	keys := &KeyMaterialReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock, Namespace: opts.Namespace,
		Rotation: opts.Rotation, ImportSecret: opts.ImportSigningKey,
		Replicas: replicas, DigestKeyInUse: DigestKeyUsers(mgr.GetClient()),
	}
	providers := &IdentityProviderReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock,
		Rules: rules, Remote: remote, Programs: programs, wanted: wanted[kindProvider],
	}
	clients := &OAuthClientReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock,
		DigestKeys: keys, Namespace: opts.Namespace, Namespaces: opts.Namespaces, Remote: remote, Programs: programs, wanted: wanted[kindClient],
	}
	perKind := controller.Options{MaxConcurrentReconciles: opts.MaxConcurrent, UsePriorityQueue: new(true)}
	if err := errors.Join(
		keys.setup(mgr), replicas.Setup(mgr), providers.setup(mgr, perKind), clients.setup(mgr, perKind),
		mgr.Add(programs), mgr.Add(remote),
	); err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	return nil
}
