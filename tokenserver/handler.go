package tokenserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/peer"
	"github.com/grantor-dev/grantor/tokenserver/replay"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/tokenstatus"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Paths of the endpoints, below the issuer.
const (
	PathToken          = "/oauth2/token"
	PathTokenAlias     = "/token"
	PathIntrospection  = "/oauth2/introspect"
	PathRevocation     = "/oauth2/revoke"
	PathJWKS           = "/oauth2/jwks"
	PathMetadata       = "/.well-known/oauth-authorization-server"
	PathOpenIDMetadata = "/.well-known/openid-configuration"
)

// KeyRefresher asks for newer keys of a provider or client whose keys are remote. It bounds by itself how often it asks: callers
// choose when it is called, even callers who have not authenticated.
type KeyRefresher interface {
	// Request asks for them and does not wait.
	Request(ctx context.Context, provider *trust.Provider)
	// RequestClient asks for those of a client and does not wait.
	RequestClient(ctx context.Context, client *trust.Client)
	// Refresh asks for them, waits briefly, and reports whether they are in the trust store by now.
	Refresh(ctx context.Context, provider *trust.Provider) bool
}

// Config is what a handler needs. All fields are required but those that say what their absence means.
type Config struct {
	// Issuer is the iss of access tokens and the base of all URLs. It is configuration and never read from a request.
	Issuer string
	Trust  *trust.Store
	Replay replay.Store
	// Revocations remembers which tokens were ended before their time.
	Revocations tokenstatus.Store
	// Now is the clock.
	Now func() time.Time
	// Audit gets one record per request of an endpoint that authenticates clients.
	Audit *slog.Logger
	// Metrics registers the metrics of those endpoints.
	Metrics prometheus.Registerer
	// MaxObjectMetrics is how many clients, and how many providers, have metrics of their own; 0 for none.
	MaxObjectMetrics int
	// DisabledGrants are grant_type values that the server refuses to everybody; nil refuses none.
	DisabledGrants []string
	// Tracer begins the spans of requests; nil means that there are none, and costs nothing.
	Tracer trace.Tracer
	// ContinueTraces makes a request a part of the trace that its traceparent names. A caller then decides what is sampled.
	// Without it, the request's own trace links to that one.
	ContinueTraces bool
	// KeyRefresher is asked when an assertion names a key that its provider, or its client, does not have; nil means that such an assertion
	// is refused at once.
	KeyRefresher KeyRefresher
	// TenantDomains are names of tenants that stand for namespaces; nil means that namespaces have their own alone.
	TenantDomains map[string]string
	// Peers finds the address of a caller; nil means that of the connection.
	Peers *peer.Finder
	// RememberedSignatures is how many signatures of assertions that may be presented again are remembered, so that they are
	// verified once; 0 for none.
	RememberedSignatures int
	// Failures bounds failed authentications of clients; nil means no bound.
	Failures *throttle.Throttle
}

// Handler answers the public endpoints.
type Handler struct {
	config   Config
	verifier *assertion.Verifier
	clients  *clientauth.Authenticator
	metrics  *metrics
	unheard  atomic.Bool // whether the warning of a proxy was given
	// unforeseen is the outcome of a request that ends in a panic.
	unforeseen *oauth.Error
	grants     []grant
	tenants    tenants
	// endpoints are what every tenant has, by the path below its issuer; routes are those of the whole server, by path.
	endpoints map[string]route
	routes    map[string]route
	wellKnown route // the metadata of RFC 8414, which is at no path below an issuer
	noRoute   errorBody
	keySet    atomic.Pointer[keySet] // the one that was asked for last
}

type route struct {
	methods []string
	serve   func(http.ResponseWriter, *http.Request, tenant)
}

// NewHandler returns a handler, or an error that says what is wrong with the configuration.
func NewHandler(c Config) (*Handler, error) {
	prefix, err := CheckIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(c.Metrics, c.Trust, c.MaxObjectMetrics)
	if err != nil {
		return nil, err
	}
	if c.Peers == nil {
		c.Peers = &peer.Finder{}
	}
	all, err := newTenants(c.Issuer, prefix, c.TenantDomains)
	if err != nil {
		return nil, err
	}
	verifier := NewVerifier(c.Issuer)
	if c.RememberedSignatures > 0 {
		if err := verifier.RememberSignatures(c.RememberedSignatures, m.rememberedSignature); err != nil {
			return nil, err
		}
	}
	h := &Handler{
		config: c, verifier: verifier, clients: clientauth.New(verifier, replay.Clients{Store: c.Replay}, c.Failures), metrics: m,
		tenants: all, unforeseen: oauth.AsError(nil),
	}
	h.grants = h.makeGrants()
	h.makeRoutes(prefix)
	return h, nil
}

// NewVerifier returns the verifier of a server with the given issuer: what it signs for any of its tenants is its own.
func NewVerifier(issuer string) *assertion.Verifier {
	return assertion.NewVerifier(issuer, issuer+pathTenant)
}

func (h *Handler) makeRoutes(prefix string) {
	read := []string{http.MethodGet, http.MethodHead}
	post := []string{http.MethodPost}
	h.endpoints = map[string]route{
		PathToken:          {post, h.serveToken},
		PathTokenAlias:     {post, h.serveToken},
		PathIntrospection:  {post, h.serveIntrospection},
		PathRevocation:     {post, h.serveRevocation},
		PathJWKS:           {read, h.timed("jwks", h.serveJWKS)},
		PathOpenIDMetadata: {read, h.timed("openid_metadata", h.serveOpenIDMetadata)},
	}
	h.wellKnown = route{read, h.timed("metadata", h.serveMetadata)}
	// RFC 8414 §3.1: the well-known part goes between host and path.
	h.routes = map[string]route{PathMetadata + prefix: h.wellKnown}
	for path, rt := range h.endpoints {
		h.routes[path], h.routes[prefix+path] = rt, rt
	}
	h.noRoute = errorBody{
		Code: oauth.InvalidRequest, Description: "There is no such endpoint. The metadata is at " + PathMetadata + prefix + ".",
	}
}

// find returns what is at a path, by exact comparison: no cleaning and no redirects, so that no other spelling of a path ever
// meets another check.
func (h *Handler) find(path string) (rt route, at tenant, ok bool) {
	if rt, ok = h.routes[path]; ok {
		return rt, h.tenants.whole, true
	}
	if at, ok = h.tenants.document(path); ok {
		return h.wellKnown, at, true
	}
	at, suffix, ok := h.tenants.endpoint(path)
	if !ok {
		return route{}, tenant{}, false
	}
	rt, ok = h.endpoints[suffix]
	return rt, at, ok
}

// CheckIssuer returns the path of an issuer, or an error that says why it cannot be one (RFC 8414 §2): https with
// neither query nor fragment; http only for loopback addresses, to try things out.
func CheckIssuer(issuer string) (prefix string, err error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return "", fmt.Errorf("issuer %q is no URL: use one like https://auth.example.com", issuer)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		return "", fmt.Errorf("issuer %q has a query or a fragment: remove it", issuer)
	case strings.HasSuffix(issuer, "/"):
		return "", fmt.Errorf("issuer %q ends in a slash: remove it, verifiers compare issuers byte for byte", issuer)
	case u.String() != issuer || u.Path != "" && path.Clean(u.EscapedPath()) != u.EscapedPath():
		// Clients write such a URL in another way when they derive the endpoints from it, and so ask for other paths.
		return "", fmt.Errorf("issuer %q is not in normal form: write the scheme in small letters, escape what is not plain ASCII, and leave out empty and dot segments", issuer)
	case u.Scheme == "http" && isLoopback(u.Hostname()), u.Scheme == "https":
		return u.EscapedPath(), nil
	default:
		return "", fmt.Errorf("issuer %q is not https: only loopback addresses may use http", issuer)
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// ServeHTTP answers what is at the path of a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recoverPanic(w, r)
	header := w.Header()
	header["X-Content-Type-Options"] = noSniffing
	rt, at, ok := h.find(r.URL.EscapedPath())
	if !ok {
		writeJSON(w, http.StatusNotFound, h.noRoute)
		return
	}
	if slices.Contains(rt.methods, r.Method) {
		rt.serve(w, r, at)
		return
	}
	header.Set("Allow", strings.Join(rt.methods, ", "))
	writeJSON(w, http.StatusMethodNotAllowed, errorBody{
		Code: oauth.InvalidRequest, Description: "This endpoint takes " + strings.Join(rt.methods, " or ") + " only.",
	})
}

// recoverPanic answers a request whose handling went wrong in a way nobody foresaw; the process lives on.
func (h *Handler) recoverPanic(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	h.metrics.panics.Inc()
	h.config.Audit.LogAttrs(r.Context(), slog.LevelError, "panic while serving", slog.String("path", r.URL.Path),
		slog.String("panic", fmt.Sprintf("%T", cause)), slog.String("stack", stack()))
	refuse(w, oauth.AsError(nil))
}
