package operator

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// The order in which objects are visited when many wait, the first first. Of equals, who came first is first.
const (
	// priorityChanged is for what somebody has just made or changed: an object, what it refers to, or its remote keys.
	priorityChanged = 0
	// priorityFound is for what a controller finds at its start and has not been resolved.
	priorityFound = -10
	// priorityLoaded is for objects that are in force, and whose conditions have yet to say so.
	priorityLoaded = -20
	// priorityRoutine is for what may be as it was: objects that are in order at the start of a controller, visits by
	// the clock, and all clients when the digest key is another one.
	priorityRoutine = handler.LowPriority
)

// addTo puts objects into the queue of a controller.
func addTo(q queue, priority int, found ...reconcile.Request) {
	if p, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		p.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, found...)
	}
}

// later asks for a visit after some time, 0 for none.
func later(after time.Duration) ctrl.Result {
	if after == 0 {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: after, Priority: new(priorityRoutine)}
}

// onItself enqueues the object that something happens to.
func onItself() handler.EventHandler {
	add := func(q queue, object client.Object, priority int) {
		addTo(q, priority, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)})
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			priority := priorityOf(e.Object)
			if priority == priorityChanged && e.IsInInitialList {
				priority = priorityFound
			}
			add(q, e.Object, priority)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { add(q, e.Object, priorityChanged) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			priority := priorityOf(e.ObjectNew)
			if e.ObjectOld.GetResourceVersion() != e.ObjectNew.GetResourceVersion() {
				// It may be in order only by a status that somebody else has written.
				priority = max(priority, priorityLoaded)
			}
			add(q, e.ObjectNew, priority)
		},
	}
}

// priorityOf is how urgent the visit of an object is, by what its status says.
func priorityOf(object client.Object) int {
	var observed int64
	var conditions []metav1.Condition
	switch o := object.(type) {
	case *v1alpha1.IdentityProvider:
		observed, conditions = o.Status.ObservedGeneration, o.Status.Conditions
	case *v1alpha1.OAuthClient:
		observed, conditions = o.Status.ObservedGeneration, o.Status.Conditions
	default:
		return priorityChanged
	}
	switch {
	case observed != object.GetGeneration() || len(conditions) == 0 || object.GetDeletionTimestamp() != nil:
		return priorityChanged
	case meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionProgrammed):
		return priorityRoutine
	}
	return priorityLoaded
}
