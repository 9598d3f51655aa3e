package operator

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// TestMain keeps the log of the code under test out of the output.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

const releaseNamespace = "grantor-system"

// errAPI is what a faulty API server answers.
var errAPI = errors.New("the API server is in trouble")

// world is an API server in memory with the reconcilers around it.
type world struct {
	t        *testing.T
	client   client.WithWatch
	recorder *events.FakeRecorder
	now      time.Time
	// faults, by "verb kind", make a call fail; reads counts live reads of Secrets; writes counts all writes by kind.
	// mu guards writes, for tests with several operators at once.
	mu     sync.Mutex
	faults map[string]error
	reads  int
	writes map[string]int
	// servers are the token servers; site is where remote keys are.
	servers *servers
	site    *site

	remote    *RemoteKeys
	programs  *Programs
	providers *IdentityProviderReconciler
	clients   *OAuthClientReconciler
	keys      *KeyMaterialReconciler
}

func testScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme)); err != nil {
		panic(err)
	}
	return scheme
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	w := &world{t: t, recorder: events.NewFakeRecorder(100), now: start, faults: map[string]error{}, writes: map[string]int{}, servers: oneServer(), site: newSite()}
	builder := fake.NewClientBuilder().WithScheme(testScheme()).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.IdentityProvider{}, &v1alpha1.OAuthClient{}).
		WithInterceptorFuncs(w.interceptors())
	for _, i := range indexes() {
		builder = builder.WithIndex(i.object, i.name, i.values)
	}
	w.client = builder.Build()
	w.restart()
	return w
}

// restart replaces the reconcilers, which lose what they hold.
func (w *world) restart() {
	clock := func() time.Time { return w.now }
	live := liveReader{w.client, &w.reads}
	wanted := map[string]*enqueuer{kindProvider: {}, kindClient: {}}
	w.remote, w.programs = newRemoteKeys(w.site.fetch, clock, wanted), newPrograms(w.servers, wanted)
	w.keys = &KeyMaterialReconciler{Client: w.client, Secrets: live, Recorder: w.recorder, Clock: clock, Namespace: releaseNamespace}
	w.providers = &IdentityProviderReconciler{
		Client: w.client, Secrets: live, Recorder: w.recorder, Clock: clock,
		Rules: rules(), Remote: w.remote, Programs: w.programs, wanted: wanted[kindProvider],
	}
	w.clients = &OAuthClientReconciler{
		Client: w.client, Secrets: live, Recorder: w.recorder, Clock: clock, DigestKeys: w.keys, Namespace: releaseNamespace,
		Remote: w.remote, Programs: w.programs, wanted: wanted[kindClient],
	}
}

type liveReader struct {
	client.Reader
	reads *int
}

func (r liveReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	*r.reads++
	return r.Reader.Get(ctx, key, obj, opts...)
}

func (w *world) interceptors() interceptor.Funcs {
	fault := func(verb string, obj any) error {
		kind := "status"
		switch obj.(type) {
		case *corev1.Secret:
			kind = "Secret"
		case *v1alpha1.IdentityProvider, *v1alpha1.IdentityProviderList:
			kind = "IdentityProvider"
		case *v1alpha1.OAuthClient, *v1alpha1.OAuthClientList:
			kind = "OAuthClient"
		}
		if verb != "get" && verb != "list" {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.writes[kind]++
		}
		return w.faults[verb+" "+kind]
	}
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if err := fault("get", obj); err != nil {
				return err
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if err := fault("list", list); err != nil {
				return err
			}
			return c.List(ctx, list, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := fault("create", obj); err != nil {
				return err
			}
			return c.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if err := fault("update", obj); err != nil {
				return err
			}
			return c.Update(ctx, obj, opts...)
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			if err := fault("update", nil); err != nil {
				return err
			}
			return c.SubResource(sub).Update(ctx, obj, opts...)
		},
	}
}

func request(ns, name string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: ns, Name: name}}
}

// provider reconciles an IdentityProvider until nothing is written, as its watch does, and returns it as stored.
func (w *world) provider(name string) (*v1alpha1.IdentityProvider, ctrl.Result) {
	w.t.Helper()
	result := w.settle(w.providers, request(namespace, name))
	p := &v1alpha1.IdentityProvider{}
	w.get(namespace, name, p)
	return p, result
}

// oauthClient reconciles the OAuthClient of the fixtures until nothing is written, and returns it as stored.
func (w *world) oauthClient() *v1alpha1.OAuthClient {
	w.t.Helper()
	w.settle(w.clients, request(namespace, "app"))
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	return c
}

func (w *world) settle(r reconcile.Reconciler, req ctrl.Request) ctrl.Result {
	w.t.Helper()
	for range 10 {
		before := w.writes["status"]
		result, err := r.Reconcile(w.t.Context(), req)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.writes["status"] == before {
			return result
		}
	}
	w.t.Fatal("the status changes at every visit")
	return ctrl.Result{}
}

func (w *world) get(ns, name string, obj client.Object) {
	w.t.Helper()
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: ns, Name: name}, obj); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// events returns the events since the last call.
func (w *world) events() []string {
	var list []string
	for {
		select {
		case e := <-w.recorder.Events:
			list = append(list, e)
		default:
			return list
		}
	}
}

// eventReasons returns the events since the last call, each as its type and reason.
func (w *world) eventReasons() []string {
	var list []string
	for _, e := range w.events() {
		list = append(list, strings.Join(strings.Fields(e)[:2], " "))
	}
	return list
}
