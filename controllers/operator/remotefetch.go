package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"k8s.io/client-go/rest"

	"github.com/grantor-dev/grantor/internal/resolve"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// Where an API server serves what verifies its ServiceAccount tokens.
const (
	clusterDiscoveryPath = "/.well-known/openid-configuration"
	clusterJWKSPath      = "/openid/v1/jwks"
)

// KeyFetcher fetches remote key sets.
type KeyFetcher struct {
	// Documents gets what is not the API server's.
	Documents *fetch.Fetcher
	// Cluster gets a document of the API server, with the operator's credentials.
	Cluster func(ctx context.Context, path string) ([]byte, error)
}

// Fetch gets the keys of a source. A set without a usable key is an error: it replaces nothing.
func (f KeyFetcher) Fetch(ctx context.Context, source RemoteSource) (Fetched, error) {
	var document fetch.Response
	var err error
	switch source.Kind {
	case SourceClusterIssuer:
		document.Body, err = f.clusterKeys(ctx, source.Issuer)
	case SourceDiscovery:
		document, err = f.discovered(ctx, source)
	default:
		document, err = f.Documents.Get(ctx, fetch.Request{URL: source.URL, RootCAs: source.roots()})
	}
	if err != nil {
		return Fetched{}, err
	}
	keys, err := resolve.JWKSDocument(document.Body)
	if err != nil {
		return Fetched{}, err //nolint:wrapcheck // It is a whole sentence.
	}
	if len(keys.Keys) == 0 {
		return Fetched{}, noUsableKey(keys)
	}
	// Some servers list the same keys in another order each time, which says nothing.
	slices.SortStableFunc(keys.Keys, func(a, b resolve.Key) int {
		return cmp.Or(cmp.Compare(a.Public.KeyID(), b.Public.KeyID()), cmp.Compare(a.Public.Thumbprint(), b.Public.Thumbprint()))
	})
	return Fetched{Keys: keys, FreshFor: document.FreshFor}, nil
}

func noUsableKey(found resolve.Result) error {
	if len(found.Skipped) == 0 {
		return &jose.KeyError{Problem: jose.ProblemMalformed, Message: "the JWK Set holds no keys: add the public keys of the issuer"}
	}
	first := found.Skipped[0]
	return &jose.KeyError{Problem: first.Problem, Message: fmt.Sprintf("no key of the JWK Set can be used: %s: %s", first.Entry, first.Message)}
}

func (f KeyFetcher) discovered(ctx context.Context, source RemoteSource) (fetch.Response, error) {
	ca := source.roots()
	document, err := f.Documents.Get(ctx, fetch.Request{URL: source.URL, RootCAs: ca})
	if err != nil {
		return fetch.Response{}, err
	}
	uri, err := resolve.Discovery(document.Body, source.Issuer)
	if err != nil {
		return fetch.Response{}, err
	}
	return f.Documents.Get(ctx, fetch.Request{URL: uri, RootCAs: ca})
}

func (f KeyFetcher) clusterKeys(ctx context.Context, issuer string) ([]byte, error) {
	document, err := f.Cluster(ctx, clusterDiscoveryPath)
	if err != nil {
		return nil, err
	}
	if _, err := resolve.Discovery(document, issuer); err != nil {
		return nil, err
	}
	return f.Cluster(ctx, clusterJWKSPath)
}

// +kubebuilder:rbac:urls=/.well-known/openid-configuration;/openid/v1/jwks,verbs=get

// APIServerDocuments returns how to get a document of the API server that the configuration is for.
func APIServerDocuments(config *rest.Config) (func(ctx context.Context, path string) ([]byte, error), error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("find API server: %w", err)
	}
	// The credentials go with every request that the transport makes: a redirect would take them elsewhere.
	unredirected := *client
	unredirected.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(ctx context.Context, path string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, fetch.MaxTime)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(path).String(), nil)
		if err != nil {
			return nil, fmt.Errorf("make request: %w", err)
		}
		response, err := unredirected.Do(request)
		if err != nil {
			return nil, errAPIServer
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the API server answers %d for %s: let the operator's ServiceAccount get that path, as the ClusterRole system:service-account-issuer-discovery does", response.StatusCode, path)
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, fetch.MaxBodyBytes+1))
		if err != nil {
			return nil, errAPIServer
		}
		if len(body) > fetch.MaxBodyBytes {
			return nil, fmt.Errorf("the answer of the API server for %s is larger than %d KiB: look at what answers in its place", path, fetch.MaxBodyBytes>>10)
		}
		return body, nil
	}, nil
}

var errAPIServer = errors.New("the API server cannot be asked: it will be tried again")
