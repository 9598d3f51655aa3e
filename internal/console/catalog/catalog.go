package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// Back-off of the reflectors: nothing depends on the console, so the API server is left in peace.
const (
	retryFirst  = 500 * time.Millisecond
	retryMax    = 15 * time.Second
	retryJitter = 0.3
)

// Options are what a Catalog needs.
type Options struct {
	// Config leads to the API server.
	Config *rest.Config
	// Namespaces are those that are shown.
	Namespaces release.Namespaces
	Clock      func() time.Time
	Log        logr.Logger
}

// Catalog follows the objects of the two kinds.
type Catalog struct {
	client     rest.Interface
	namespaces release.Namespaces
	kinds      map[Kind]*collection
	contact    *contact
	parts      []part
	log        logr.Logger
}

// New returns a catalog that is empty until Run has filled it.
func New(o Options) (*Catalog, error) {
	client, err := newClient(o.Config)
	if err != nil {
		return nil, err
	}
	c := &Catalog{client: client, namespaces: o.Namespaces, kinds: map[Kind]*collection{Providers: {}, Clients: {}}, log: o.Log}
	for _, namespace := range o.Namespaces.OrAll() {
		c.parts = append(c.parts, part{Providers, namespace}, part{Clients, namespace})
	}
	c.contact = newContact(c.parts, o.Clock)
	return c, nil
}

func newClient(config *rest.Config) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	config = rest.CopyConfig(config)
	gv := v1alpha1.GroupVersion()
	config.APIPath, config.GroupVersion = "/apis", &gv
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, ""
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make client of %s: %w", gv, err)
	}
	return client, nil
}

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders;oauthclients,verbs=get;list;watch

// Run follows the objects until the context ends.
func (c *Catalog) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range c.parts {
		log := c.log.V(1)
		r := cache.NewReflectorWithOptions(c.source(p), nil, &sink{p, c.kinds[p.kind], c.contact}, cache.ReflectorOptions{
			Name: p.String(), TypeDescription: p.String(), Logger: &log,
			Backoff: &wait.Backoff{Duration: retryFirst, Factor: 2, Jitter: retryJitter, Steps: 10, Cap: retryMax},
		})
		group.Go(func() error {
			r.RunWithContext(ctx)
			return nil
		})
	}
	return group.Wait()
}

func (c *Catalog) source(p part) *cache.ListWatch {
	request := func(options metav1.ListOptions) *rest.Request {
		return c.client.Get().MaxRetries(0).NamespaceIfScoped(p.namespace, p.namespace != "").Resource(string(p.kind)).
			VersionedParams(&options, metav1.ParameterCodec)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			var list runtime.Object = &v1alpha1.IdentityProviderList{}
			if p.kind == Clients {
				list = &v1alpha1.OAuthClientList{}
			}
			if err := request(options).Do(ctx).Into(list); err != nil {
				return nil, c.failed(ctx, p, fmt.Errorf("list %s: %w", p.kind, err))
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			w, err := request(options).Watch(ctx)
			if err != nil {
				return nil, c.failed(ctx, p, fmt.Errorf("watch %s: %w", p.kind, err))
			}
			// A connection that ended without an answer is a watch without events to client-go, and no error.
			if _, answered := w.(*watch.StreamWatcher); !answered {
				return nil, c.failed(ctx, p, fmt.Errorf("watch %s: %w", p.kind, errors.New("the connection ended without an answer")))
			}
			c.contact.heard(p)
			return w, nil
		},
	}
}

func (c *Catalog) failed(ctx context.Context, p part, err error) error {
	if ctx.Err() != nil { // It is this process that ends.
		return err
	}
	c.contact.failed(p, err)
	c.log.Info("the API server does not answer", "part", p.String(), "error", err.Error())
	return err
}

// Ready returns nil, or what is not loaded yet.
func (c *Catalog) Ready() error { return c.contact.ready() }

// Troubles says what may be old or missing at the moment.
func (c *Catalog) Troubles() []Trouble { return c.contact.troubles() }

// Namespaces are those that are shown; none stands for all.
func (c *Catalog) Namespaces() release.Namespaces { return c.namespaces }
