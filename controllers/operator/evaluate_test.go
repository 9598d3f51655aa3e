package operator

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

func refs(secret *corev1.Secret) References { return References{Secret: secret} }

// nothingFetched is a Lookup before the first fetch.
func nothingFetched(RemoteSource, Refresh) Answer { return Answer{} }

func answers(a Answer) Lookup { return func(RemoteSource, Refresh) Answer { return a } }

// completed fills in what a row does not say: one token server, which has loaded everything.
func completed(in ProviderInput) ProviderInput {
	if in.Now.IsZero() {
		in.Now = start
	}
	if in.Lookup == nil {
		in.Lookup = nothingFetched
	}
	if in.Loaded == (Loaded{}) {
		in.Loaded = Loaded{Have: 1, Live: 1}
	}
	in.Rules = rules()
	return in
}

// evaluated is the outcome when the status has been fed back once, as on a cluster: token servers load what is written.
func evaluated(in ProviderInput) ProviderOutcome {
	in = completed(in)
	first := EvaluateProvider(in)
	in.Provider = in.Provider.DeepCopy()
	in.Provider.Status = first.Status
	return EvaluateProvider(in)
}

// checkFixedPoint holds for every input: what an evaluation finds it finds again when it is fed back.
func checkFixedPoint(t *testing.T, in ProviderInput) {
	t.Helper()
	in = completed(in)
	in.Provider = in.Provider.DeepCopy()
	in.Provider.Status = evaluated(in).Status
	if again := EvaluateProvider(in).Status; !equality.Semantic.DeepEqual(in.Provider.Status, again) {
		t.Errorf("another visit changes the status: %s", cmp.Diff(in.Provider.Status, again))
	}
}

func completedClient(in ClientInput) ClientInput {
	if in.Now.IsZero() {
		in.Now = start
	}
	if in.Lookup == nil {
		in.Lookup = nothingFetched
	}
	if in.Loaded == (Loaded{}) {
		in.Loaded = Loaded{Have: 1, Live: 1}
	}
	if in.DigestKey.ID() == "" {
		in.DigestKey = digests()
	}
	return in
}

func evaluatedClient(in ClientInput) ClientOutcome {
	in = completedClient(in)
	first := EvaluateClient(in)
	in.Client = in.Client.DeepCopy()
	in.Client.Status = first.Status
	return EvaluateClient(in)
}

func checkClientFixedPoint(t *testing.T, in ClientInput) {
	t.Helper()
	in = completedClient(in)
	in.Client = in.Client.DeepCopy()
	in.Client.Status = evaluatedClient(in).Status
	if again := EvaluateClient(in).Status; !equality.Semantic.DeepEqual(in.Client.Status, again) {
		t.Errorf("another visit changes the status: %s", cmp.Diff(in.Client.Status, again))
	}
}

// servers are token servers, and what each of them has loaded.
type servers struct {
	mu     sync.Mutex
	loaded []release.Loaded
}

// oneServer has loaded whatever comes.
func oneServer() *servers { return &servers{loaded: []release.Loaded{everything()}} }

func everything() release.Loaded {
	return release.Loaded{
		release.KindIdentityProviders: math.MaxUint64, release.KindOAuthClients: math.MaxUint64, release.KindDigestKey: math.MaxUint64,
	}
}

func (s *servers) set(loaded ...release.Loaded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = loaded
}

func (s *servers) Loaded(kind, namespace, resourceVersion string) Loaded {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := Loaded{Live: len(s.loaded)}
	for _, l := range s.loaded {
		if l.Has(kind, namespace, resourceVersion) {
			counted.Have++
		}
	}
	return counted
}

func (s *servers) Floor(kind, namespace string) (version uint64, live int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version = math.MaxUint64
	for _, l := range s.loaded {
		version = min(version, l.UpTo(kind, namespace))
	}
	return version, len(s.loaded)
}

func (s *servers) SecretLoaded(name, resourceVersion string) bool {
	kind, ok := release.KindOfSecret(name)
	counted := s.Loaded(kind, "", resourceVersion)
	return ok && counted.Live > 0 && counted.Have == counted.Live
}

// errSite is what a site in trouble answers.
var errSite = errors.New("the site is in trouble")

// site is where remote keys are fetched in tests.
type site struct {
	mu      sync.Mutex
	content map[RemoteSource]Fetched
	problem error
	calls   []RemoteSource
}

func newSite() *site { return &site{content: map[RemoteSource]Fetched{}} }

func (s *site) fetch(_ context.Context, source RemoteSource) (Fetched, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, source)
	if s.problem != nil {
		return Fetched{}, s.problem
	}
	content, ok := s.content[source]
	if !ok {
		return Fetched{}, errSite
	}
	return content, nil
}

// count is the number of fetches so far.
func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// fetchAll runs the fetches that wait, one after another.
func fetchAll(ctx context.Context, r *RemoteKeys) {
	for job, ok := r.next(); ok; job, ok = r.next() {
		r.run(ctx, job)
	}
}

func inNamespace(p *v1alpha1.IdentityProvider, ns string) *v1alpha1.IdentityProvider {
	p = p.DeepCopy()
	p.Namespace = ns
	return p
}
