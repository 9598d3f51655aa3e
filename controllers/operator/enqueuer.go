package operator

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// enqueuer asks for visits on other grounds than an event of the API server. Before its controller runs it does nothing:
// a controller that starts visits everything.
type enqueuer struct {
	mu sync.Mutex
	q  queue
}

// source hands the queue of a controller to the enqueuer when the controller starts.
func (e *enqueuer) source() source.Source {
	return source.Func(func(_ context.Context, q queue) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.q = q
		return nil
	})
}

func (e *enqueuer) add(priority int, name types.NamespacedName) {
	e.mu.Lock()
	q := e.q
	e.mu.Unlock()
	if q != nil {
		addTo(q, priority, reconcile.Request{NamespacedName: name})
	}
}
