package operator

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// related finds the objects that an object matters to, itself among them or not. It reads the cache by an index.
type related func(ctx context.Context, obj client.Object) ([]reconcile.Request, error)

// find returns what f does.
func (f related) find(ctx context.Context, obj client.Object) []reconcile.Request {
	found, err := f(ctx, obj)
	if err != nil {
		// The cache answers from memory, so this is a missing index: a fault of the program.
		logf.FromContext(ctx).Error(err, "Cannot find related objects", "object", client.ObjectKeyFromObject(obj))
	}
	return found
}

// enqueue puts the others that an object matters to into the queue. The object's own visit is the business of onItself.
func (f related) enqueue(ctx context.Context, obj client.Object, q queue) {
	for _, r := range f.find(ctx, obj) {
		if r.NamespacedName != client.ObjectKeyFromObject(obj) {
			addTo(q, priorityChanged, r)
		}
	}
}

// laterOnly leaves out what is there when a controller starts: it visits every object of its own kind then, and so all that
// these could matter to. Workers start when all watches have begun.
type laterOnly struct{ handler.EventHandler }

// Create passes on what is new.
func (h laterOnly) Create(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	if !e.IsInInitialList {
		h.EventHandler.Create(ctx, e, q)
	}
}

// onChange enqueues what is related to an object, whatever happens to it, as urgently as urgency says.
func onChange(f related, urgency func(client.Object) int) handler.EventHandler {
	all := func(ctx context.Context, obj client.Object, q queue) { addTo(q, urgency(obj), f.find(ctx, obj)...) }
	return laterOnly{handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { all(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) { all(ctx, e.ObjectNew, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { all(ctx, e.Object, q) },
	}}
}

// urgent is the urgency of what objects are resolved from.
func urgent(client.Object) int { return priorityChanged }

// onClaim enqueues the rivals for what an object claims when a claim comes, goes or changes: those for the old claim, who
// may get it now, and those for the new one.
func onClaim(claim func(client.Object) string, rivals related) handler.EventHandler {
	return laterOnly{handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { rivals.enqueue(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { rivals.enqueue(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			if claim(e.ObjectOld) != claim(e.ObjectNew) {
				rivals.enqueue(ctx, e.ObjectOld, q)
				rivals.enqueue(ctx, e.ObjectNew, q)
			}
		},
	}}
}

// onAdmission enqueues what is related to a provider when the provider comes or goes, begins or ceases to take part in
// exchanges, or admits other namespaces.
func onAdmission(f related) handler.EventHandler {
	all := func(ctx context.Context, provider client.Object, q queue) {
		addTo(q, priorityChanged, f.find(ctx, provider)...)
	}
	return laterOnly{handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { all(ctx, e.Object, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { all(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, okBefore := e.ObjectOld.(*v1alpha1.IdentityProvider)
			after, okAfter := e.ObjectNew.(*v1alpha1.IdentityProvider)
			if okBefore && okAfter && (vouches(before) != vouches(after) ||
				!equality.Semantic.DeepEqual(before.Spec.AllowedClientNamespaces, after.Spec.AllowedClientNamespaces)) {
				all(ctx, after, q)
			}
		},
	}}
}

// CacheByObject returns how the manager's cache must hold the objects of this package: without managedFields, and of a
// Secret or ConfigMap nothing but its name, UID and version. An annotation that kubectl apply leaves holds the whole Secret.
// own is the namespace of the release, and watched are those whose objects are served.
func CacheByObject(own string, watched release.Namespaces) map[client.Object]cache.ByObject {
	var namespaces map[string]cache.Config // nil for all
	if len(watched) > 0 {
		namespaces = map[string]cache.Config{}
	}
	for _, namespace := range watched {
		namespaces[namespace] = cache.Config{}
	}
	return map[client.Object]cache.ByObject{
		&v1alpha1.IdentityProvider{}: {Namespaces: namespaces, Transform: cache.TransformStripManagedFields()},
		&v1alpha1.OAuthClient{}:      {Namespaces: namespaces, Transform: cache.TransformStripManagedFields()},
		secretMetadata():             {Namespaces: namespaces, Transform: stripContent},
		configMapMetadata():          {Namespaces: namespaces, Transform: stripContent},
		&coordinationv1.Lease{}:      CacheLeases(own),
	}
}

func secretMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return m
}

func configMapMetadata() *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	return m
}

func stripContent(obj any) (any, error) {
	if m, ok := obj.(*metav1.PartialObjectMetadata); ok {
		m.ObjectMeta = metav1.ObjectMeta{
			Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
		}
	}
	return obj, nil
}
