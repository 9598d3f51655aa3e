package trustsync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders;oauthclients,verbs=get;list;watch
// +kubebuilder:rbac:groups="",namespace=grantor-system,resources=secrets,resourceNames=grantor-signing-keys;grantor-digest-key,verbs=get;list;watch
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;create;update;delete

// Options are what New needs.
type Options struct {
	// Config says how to reach the API server.
	Config *rest.Config
	// Namespace is the release's own, with the Secrets of the server's keys and the Lease.
	Namespace string
	// Namespaces are those whose objects are served; none stands for all.
	Namespaces release.Namespaces
	// Identity names this replica among all that run at the same time.
	Identity string
	// PodUID is that of the pod of which Identity is the name: the Lease goes with it. Empty outside of a pod.
	PodUID types.UID
	// Store is kept equal to the API server. Nobody else may write to it.
	Store *trust.Store
	// MaxStaleness is how old the store may grow without a word from the API server until nothing is answered from it any
	// more; 0 means that it may grow old. The API server confirms once a minute that nothing happened, so a bound must be
	// MinMaxStaleness or more.
	MaxStaleness time.Duration
	// Metrics is where the gauges are registered.
	Metrics prometheus.Registerer
	// Clock tells the time.
	Clock func() time.Time
	Log   logr.Logger
}

// MinMaxStaleness is the least bound of staleness that a healthy, quiet API server does not exceed.
const MinMaxStaleness = 2 * time.Minute

func (o *Options) check() error {
	switch {
	case o.Config == nil || o.Store == nil || o.Metrics == nil || o.Clock == nil:
		return errors.New("needs Config, Store, Metrics and Clock")
	case o.Namespace == "" || o.Identity == "":
		return errors.New("needs Namespace and Identity")
	case o.MaxStaleness != 0 && o.MaxStaleness < MinMaxStaleness:
		return fmt.Errorf("needs MaxStaleness of 0 or at least %s", MinMaxStaleness)
	}
	return nil
}

// New returns a Syncer that has not been started.
func New(opts Options) (*Syncer, error) {
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("set up trustsync: %w", err)
	}
	config := reconnecting(opts.Config)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	compiler, err := NewProviderCompiler()
	if err != nil {
		return nil, err
	}
	s := newSyncer(opts, compiler)
	if err := s.contact.register(opts.Metrics); err != nil {
		return nil, err
	}
	if err := opts.Metrics.Register(s.panics); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	sources, err := newSources(config, client, opts.Namespace, partsOf(opts.Namespaces))
	if err != nil {
		return nil, err
	}
	s.sources = sources
	leases, err := coordinationv1client.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("make client of Leases: %w", err)
	}
	s.publisher = newPublisher(opts, leases.Leases(opts.Namespace), s.progress)
	return s, nil
}

func newSyncer(opts Options, compiler *ProviderCompiler) *Syncer {
	parts := partsOf(opts.Namespaces)
	s := &Syncer{
		store: opts.Store, maxStaleness: opts.MaxStaleness, clock: opts.Clock,
		log: opts.Log.WithName("trustsync"), changes: &changes{}, progress: newProgress(parts), panics: newPanics(), mirrors: map[part]*mirror{},
	}
	s.contact = newContact(parts, s.log, opts.Clock)
	for _, p := range parts {
		s.mirrors[p] = s.mirror(p, s.kindOf(p, compiler))
	}
	return s
}

func (s *Syncer) kindOf(p part, compiler *ProviderCompiler) kind {
	switch p.kind {
	case release.KindIdentityProviders:
		return providers(p.namespace, compiler, s.panics, s.log)
	case release.KindOAuthClients:
		return clients(p.namespace, s.panics, s.log)
	case release.KindSigningKeys:
		return &ownKeys{name: release.SigningKeysSecretName, log: s.log}
	default:
		return &ownKeys{name: release.DigestKeySecretName, log: s.log}
	}
}

// Publisher returns what keeps the Lease of this replica.
func (s *Syncer) Publisher() *Publisher { return s.publisher }

// Refresher returns what waits for a provider's keys to be fetched again.
func (s *Syncer) Refresher() *Refresher {
	return newRefresher(s.store, s.changes, s.publisher.RequestKeys, s.clock)
}

// Run keeps the store equal to the API server, and the Lease equal to what is loaded, until ctx ends. An API server that
// cannot be reached is no reason to end.
func (s *Syncer) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	reflecting := klog.NewContext(ctx, quiet(s.log))
	for p, m := range s.mirrors {
		tasks.Go(func() { s.reflector(p, m).RunWithContext(reflecting) })
	}
	tasks.Go(func() { s.publisher.Run(ctx) })
	if s.maxStaleness > 0 {
		tasks.Go(func() { s.guard(ctx) })
	}
	tasks.Wait()
	return nil
}
