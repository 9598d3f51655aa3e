package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
)

// Options are what the controllers need besides a manager.
type Options struct {
	// Namespace is where the operator keeps the Secrets of its own.
	Namespace string
	// Clock tells the time.
	Clock func() time.Time
	// MaxConcurrent bounds how many objects of one kind are reconciled at the same time; 0 is 1.
	MaxConcurrent int
}

// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=grantor-system,resources=events,verbs=create;patch

// SetupWithManager adds the controllers and their field indexes to the manager, whose cache must have been made with
// [CacheByObject]. They run on the leader only.
//
// Leader election, which the manager does, keeps a Lease and reports it as events of the core group.
func SetupWithManager(mgr ctrl.Manager, opts Options) error {
	if opts.Namespace == "" || opts.Clock == nil {
		return errors.New("set up operator: Namespace and Clock are required")
	}
	if err := registerIndexes(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return err
	}
	recorder := mgr.GetEventRecorder(FieldManager)
	keys := &KeyMaterialReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock, Namespace: opts.Namespace,
	}
	providers := &IdentityProviderReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock,
	}
	clients := &OAuthClientReconciler{
		Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Clock: opts.Clock,
		DigestKeys: keys, Namespace: opts.Namespace,
	}
	perKind := controller.Options{MaxConcurrentReconciles: opts.MaxConcurrent}
	if err := errors.Join(keys.setup(mgr), providers.setup(mgr, perKind), clients.setup(mgr, perKind)); err != nil {
		return fmt.Errorf("set up operator: %w", err)
	}
	return nil
}
