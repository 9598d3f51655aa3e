package trustsync

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

var errDown = errors.New("the API server is down")

// apiServer is one kind of an API server that can fail: a list of objects with their versions and an order of events.
type apiServer struct {
	mu       sync.Mutex
	version  int
	oldest   int // a watch from before it is gone
	objects  map[string]client.Object
	events   []event
	watchers []*apiWatch
	// down refuses every request; stalls sends no initial events; noWatchList knows no initial events, as old servers; answers, unless 0, is as of when
	// lists are answered.
	down, stalls, noWatchList bool
	answers                   int
	asked                     []metav1.ListOptions
}

type event struct {
	version int
	watch.Event
}

type apiWatch struct {
	server *apiServer
	events chan watch.Event
	closed bool
}

// newAPIServer is at version 10.
func newAPIServer(objects ...client.Object) *apiServer {
	a := &apiServer{version: 10, oldest: 10, objects: map[string]client.Object{}}
	for _, o := range objects {
		a.store(o)
	}
	return a
}

func (a *apiServer) store(o client.Object) client.Object {
	o = o.DeepCopyObject().(client.Object) //nolint:errcheck,forcetypeassert // A copy has the type of the original.
	o.SetResourceVersion(strconv.Itoa(a.version))
	a.objects[o.GetName()] = o
	return o
}

// change lets something happen to an object, in one step of the version.
func (a *apiServer) change(kind watch.EventType, o client.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	stored := a.store(o)
	if kind == watch.Deleted {
		delete(a.objects, o.GetName())
	}
	a.send(event{a.version, watch.Event{Type: kind, Object: stored}})
}

// bookmark tells all watchers that nothing happened up to a later version.
func (a *apiServer) bookmark(version int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version = version
	a.send(event{version, watch.Event{Type: watch.Bookmark, Object: mark(version, nil)}})
}

func mark(version int, annotations map[string]string) runtime.Object {
	return &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{ResourceVersion: strconv.Itoa(version), Annotations: annotations}}
}

func (a *apiServer) send(e event) {
	a.events = append(a.events, e)
	for _, w := range a.watchers {
		if !w.closed {
			w.events <- e.Event
		}
	}
}

// set changes how the server behaves. forget makes watches that do not stand yet impossible; drop ends those that do.
func (a *apiServer) set(change func(*apiServer)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func (a *apiServer) drop() {
	for _, w := range a.watchers {
		w.stop()
	}
	a.watchers = nil
}

func (a *apiServer) forget() { a.oldest, a.events = a.version, nil }

func (a *apiServer) listWatch() *cache.ListWatch {
	return &cache.ListWatch{ListWithContextFunc: a.list, WatchFuncWithContext: a.watch}
}

func (a *apiServer) list(_ context.Context, o metav1.ListOptions) (runtime.Object, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, o)
	if a.down {
		return nil, errDown
	}
	list := &metav1.List{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(a.asOf())}}
	for _, name := range slices.Sorted(maps.Keys(a.objects)) {
		list.Items = append(list.Items, runtime.RawExtension{Object: a.objects[name]})
	}
	return list, nil
}

func (a *apiServer) asOf() int {
	if a.answers != 0 {
		return a.answers
	}
	return a.version
}

func (a *apiServer) watch(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, o)
	from, _ := strconv.Atoi(o.ResourceVersion)
	initial := o.SendInitialEvents != nil && *o.SendInitialEvents
	switch {
	case a.down:
		return nil, errDown
	case initial && a.noWatchList:
		return nil, apierrors.NewBadRequest("sendInitialEvents is forbidden")
	case !initial && from < a.oldest:
		return nil, apierrors.NewResourceExpired("too old")
	}
	w := &apiWatch{server: a, events: make(chan watch.Event, 1000)}
	if initial && !a.stalls {
		for _, name := range slices.Sorted(maps.Keys(a.objects)) {
			w.events <- watch.Event{Type: watch.Added, Object: a.objects[name]}
		}
		w.events <- watch.Event{Type: watch.Bookmark, Object: mark(a.asOf(), map[string]string{metav1.InitialEventsAnnotationKey: "true"})}
		from = a.version
	}
	for _, e := range a.events {
		if e.version > from {
			w.events <- e.Event
		}
	}
	a.watchers = append(a.watchers, w)
	return w, nil
}

func (w *apiWatch) stop() {
	if !w.closed {
		w.closed = true
		close(w.events)
	}
}

// Stop ends the watch.
func (w *apiWatch) Stop() {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	w.stop()
}

// ResultChan returns the events.
func (w *apiWatch) ResultChan() <-chan watch.Event { return w.events }
