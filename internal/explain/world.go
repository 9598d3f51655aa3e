package explain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/controllers/operator"
	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// World is the objects by which it is judged, as a token server holds them. It is immutable and safe for concurrent use.
type World struct {
	snapshot  *trust.Snapshot
	providers map[trust.ObjectKey]*v1alpha1.IdentityProvider
	clients   map[trust.ObjectKey]*v1alpha1.OAuthClient
	// compiled are those that take part, and unusable why another one does not.
	compiledProviders []*trust.Provider
	compiledClients   map[trust.ObjectKey]*trust.Client
	unusable          map[trust.ObjectKey]error
	extent            Extent
}

// Extent says which clients were read.
type Extent int

// The extents.
const (
	// AllClients are all that there are.
	AllClients Extent = iota
	// ClientsOfNamespace are those of the namespaces that were read.
	ClientsOfNamespace
	// SomeClients are some of any namespace.
	SomeClients
)

// Only returns the same objects, of which the clients are not all that there are.
func (w *World) Only(e Extent) *World {
	only := *w
	only.extent = e
	return &only
}

// NewWorld compiles objects as a token server does: identity from their status, policy from their spec. What a token server
// would not use takes no part here either. The objects must not change afterwards.
func NewWorld(providers []*v1alpha1.IdentityProvider, clients []*v1alpha1.OAuthClient) (*World, error) {
	compiler, err := trustsync.NewProviderCompiler()
	if err != nil {
		return nil, err
	}
	w := &World{
		providers: map[trust.ObjectKey]*v1alpha1.IdentityProvider{}, clients: map[trust.ObjectKey]*v1alpha1.OAuthClient{},
		compiledClients: map[trust.ObjectKey]*trust.Client{}, unusable: map[trust.ObjectKey]error{},
	}
	for _, o := range providers {
		key := trust.ObjectKey{Namespace: o.Namespace, Name: o.Name}
		w.providers[key] = o
		switch compiled, err := compiler.Compile(o); {
		case err == nil:
			w.compiledProviders = append(w.compiledProviders, compiled)
		case !errors.Is(err, trustsync.ErrNoIdentity):
			w.unusable[key] = err
		}
	}
	for _, o := range clients {
		key := trust.ObjectKey{Namespace: o.Namespace, Name: o.Name}
		w.clients[key] = o
		if compiled, err := trustsync.CompileClient(o); err == nil {
			w.compiledClients[key] = compiled
		}
	}
	store := trust.NewStore()
	store.Update(func(tx *trust.Tx) {
		for _, p := range w.compiledProviders {
			tx.PutProvider(p)
		}
		for _, c := range w.compiledClients {
			tx.PutClient(c)
		}
	})
	w.snapshot = store.Snapshot()
	return w, nil
}

// Errors of what cannot be judged.
var (
	// ErrNoSuchClient means that there is no object of that name.
	ErrNoSuchClient = errors.New("there is no such OAuthClient")
	// ErrClientNeeded means that the answer depends on the client.
	ErrClientNeeded = errors.New("the client must be named")
	// ErrIssuerNeeded means that the answer depends on the issuer of the token server.
	ErrIssuerNeeded = errors.New("the issuer of the token server must be named")
)

// client returns the client that is named. absent says that it takes no part: it has no client id, or another object keeps
// that; it is then what it would be with it.
func (w *World) client(key trust.ObjectKey) (c *trust.Client, absent bool, err error) {
	object := w.clients[key]
	if object == nil {
		return nil, true, fmt.Errorf("%w: %s", ErrNoSuchClient, printable(key.String()))
	}
	if c = w.compiledClients[key]; c != nil {
		found := w.snapshot.Client(c.ID)
		return c, found == nil || found.Key != c.Key, nil
	}
	object = object.DeepCopy()
	object.DeletionTimestamp = nil
	object.Status.ClientID = operator.ClientID(object)
	if c, err = trustsync.CompileClient(object); err != nil {
		return nil, true, fmt.Errorf("OAuthClient %s cannot be understood: %w", key, err)
	}
	return c, true, nil
}

// near returns the providers that a client may refer to: those of its namespace and of the namespaces that it names.
func (w *World) near(c *trust.Client) []*trust.Provider {
	var found []*trust.Provider
	for _, p := range w.compiledProviders {
		names := func(k trust.ObjectKey) bool { return k.Namespace == p.Key.Namespace }
		if p.Key.Namespace == c.Key.Namespace || slices.ContainsFunc(c.Providers, names) {
			found = append(found, p)
		}
	}
	return found
}

// trusting returns the providers that make an issuer trusted, in one namespace or, where it is empty, in all.
func (w *World) trusting(issuer, namespace string) []*trust.Provider {
	found := []*trust.Provider{}
	for _, p := range w.compiledProviders {
		if p.Issuer == issuer && (namespace == "" || p.Key.Namespace == namespace) && w.snapshot.ProviderAt(p.Key) == p {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *trust.Provider) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	return found
}

// declaring are the objects whose spec has an issuer, used or not, by name.
func (w *World) declaring(issuer string) []*v1alpha1.IdentityProvider {
	return w.find(func(o *v1alpha1.IdentityProvider) bool { return o.Spec.Issuer == issuer })
}

// resembling is an object whose issuer differs in what people overlook: case, a slash at the end, the scheme.
func (w *World) resembling(issuer string) *v1alpha1.IdentityProvider {
	plain := func(s string) string {
		_, rest, ok := strings.Cut(s, "://")
		if !ok {
			rest = s
		}
		return strings.ToLower(strings.TrimSuffix(rest, "/"))
	}
	found := w.find(func(o *v1alpha1.IdentityProvider) bool { return plain(o.Spec.Issuer) == plain(issuer) })
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func (w *World) find(is func(*v1alpha1.IdentityProvider) bool) []*v1alpha1.IdentityProvider {
	var found []*v1alpha1.IdentityProvider
	for _, o := range w.providers {
		if is(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *v1alpha1.IdentityProvider) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return found
}

// provider is a provider that takes part, or nil.
func (w *World) provider(key trust.ObjectKey) *trust.Provider { return w.snapshot.ProviderAt(key) }
