package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of a fetch.
const (
	// MaxTime bounds a fetch from the resolution of the name to the last byte of the body, redirects included.
	MaxTime = 10 * time.Second
	// MaxBodyBytes is the largest body.
	MaxBodyBytes   = 1 << 20
	maxHeaderBytes = 64 << 10
	maxRedirects   = 3
	// maxWindowBytes bounds what HTTP/2 keeps of a body that has not been read yet.
	maxWindowBytes = 256 << 10
)

// Fetcher gets documents. It keeps no state between two of them, and may be used by many goroutines.
type Fetcher struct {
	policy  Policy
	maxTime time.Duration
	// resolver is nil for the system's; only tests set another one.
	resolver *net.Resolver
}

// New returns a Fetcher that gets what the policy allows.
func New(p Policy) *Fetcher {
	p.AllowedNetworks = slices.Clone(p.AllowedNetworks)
	return &Fetcher{policy: p, maxTime: MaxTime}
}

// Request is what to get.
type Request struct {
	URL string
	// RootCAs are the certificates in PEM that sign for the server, in place of the system's; nil means the system's.
	RootCAs []byte
}

// Response is a document.
type Response struct {
	// Body has at most MaxBodyBytes.
	Body []byte
	// FreshFor is how long the server lets the body be used without asking again: max-age of Cache-Control, less Age; 0
	// where it forbids that or says nothing usable.
	FreshFor time.Duration
}

// Get fetches a document. Errors are *Error, except where the caller cancelled ctx.
func (f *Fetcher) Get(ctx context.Context, r Request) (Response, error) {
	u, err := f.policy.parse(r.URL)
	if err != nil {
		return Response{}, err
	}
	roots, err := rootPool(r.RootCAs)
	if err != nil {
		return Response{}, err
	}
	// The context of a request bounds the reading of its body too.
	bounded, cancel := context.WithTimeout(ctx, f.maxTime)
	defer cancel()
	a := &attempt{fetcher: f, url: u, host: displayHost(u.Hostname())}
	response, err := a.get(bounded, roots)
	switch {
	case err == nil:
		return response, nil
	case errors.Is(ctx.Err(), context.Canceled):
		return Response{}, fmt.Errorf("fetch from %q: %w", a.host, ctx.Err())
	case bounded.Err() != nil:
		return Response{}, a.timedOut()
	default:
		return Response{}, a.explain(err)
	}
}

// rootPool returns nil for the system's.
func rootPool(bundle []byte) (*x509.CertPool, error) {
	if bundle == nil {
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's roots.
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, failed(InvalidCABundle, "the CA bundle holds no certificate: put the certificates of the CA there, in PEM")
	}
	return pool, nil
}

func (a *attempt) get(ctx context.Context, roots *x509.CertPool) (Response, error) {
	transport := a.transport(ctx, roots)
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: a.checkRedirect}
	request, err := http.NewRequestWithContext(a.traced(ctx), http.MethodGet, a.url.String(), http.NoBody)
	if err != nil {
		return Response{}, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("User-Agent", "grantor-operator")
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request)
	if err != nil {
		return Response{}, fmt.Errorf("send request: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := a.checkHead(response); err != nil {
		return Response{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxBodyBytes+1))
	if err == nil {
		err = ctx.Err() // A server that sees us leave may end its body there, properly and too early.
	}
	switch {
	case err != nil:
		return Response{}, fmt.Errorf("read body: %w", err)
	case len(body) > MaxBodyBytes:
		return Response{}, a.tooLarge()
	}
	return Response{Body: body, FreshFor: freshFor(response.Header)}, nil
}

// checkHead refuses an answer whose body need not be read.
func (a *attempt) checkHead(r *http.Response) error {
	isEncoded := func(coding string) bool { return !strings.EqualFold(strings.TrimSpace(coding), "identity") }
	switch {
	case r.StatusCode != http.StatusOK:
		return failed(StatusNotOK, "the host %q answered with status %d instead of 200: check the URL and its server", a.host, r.StatusCode)
	case slices.ContainsFunc(r.Header.Values("Content-Encoding"), isEncoded):
		return failed(EncodedBody, "the host %q compressed its answer although it was asked not to: serve the document without Content-Encoding", a.host)
	case r.ContentLength > MaxBodyBytes:
		return a.tooLarge()
	}
	return nil
}

func (a *attempt) tooLarge() error {
	return failed(TooLarge, "the answer of the host %q is larger than %d KiB: check that the URL is that of a key document", a.host, MaxBodyBytes>>10)
}

// checkRedirect is asked before anything is sent to the new place.
func (a *attempt) checkRedirect(next *http.Request, past []*http.Request) error {
	switch {
	case origin(next.URL) != origin(a.url):
		return failed(Redirected, "the host %q redirects to another scheme, host or port, which is not followed: use the URL where the document is", a.host)
	case len(past) > maxRedirects:
		return failed(Redirected, "the host %q redirects more than %d times: use the URL where the document is", a.host, maxRedirects)
	case a.fetcher.policy.CheckURL(withoutFragment(next.URL)) != nil:
		return failed(Redirected, "the host %q redirects to a URL that is not allowed: use the URL where the document is", a.host)
	}
	return nil
}

// withoutFragment returns the URL as it is requested: a fragment is legal in Location (RFC 9110 §10.2.2).
func withoutFragment(u *url.URL) string {
	plain := *u
	plain.Fragment, plain.RawFragment = "", ""
	return plain.String()
}

// transport makes a new one for every attempt, so that every attempt connects anew and is checked anew. Its Proxy is nil:
// no variable of the environment leads a request elsewhere.
func (a *attempt) transport(ctx context.Context, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		// net/http lets a connection be made for longer than the request wants it; ctx does not.
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return a.dial(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerConnection: maxWindowBytes,
			MaxReceiveBufferPerStream:     maxWindowBytes,
		},
	}
}
