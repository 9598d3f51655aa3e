package traffic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	// lookTimeout bounds how long one token server, or its name, may take.
	lookTimeout = 5 * time.Second
	maxBody     = 4 << 20
)

// addressKey is that of the address to connect to, in the context of a request.
type addressKey struct{}

// Trust is how the certificates of token servers are told from others.
type Trust struct {
	// Roots sign them; nil stands for those that the machine knows.
	Roots *x509.CertPool
	// ServerName is the name in them; empty for the host of the URL.
	ServerName string
	// Insecure takes any certificate, so that whoever is on the way gets the token.
	Insecure bool
}

// NewClient returns a client that connects to the address that a look is for, whatever its URL's host resolves to.
func NewClient(trust Trust) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:             nil, // Token servers are in the same cluster.
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trust.Roots, ServerName: trust.ServerName, InsecureSkipVerify: trust.Insecure}, //nolint:gosec // Asked for by flag, for token servers that make their certificates by themselves.
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if a, ok := ctx.Value(addressKey{}).(string); ok {
					address = a
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
			MaxResponseHeaderBytes: 16 << 10,
		},
		Timeout: lookTimeout,
		// A redirect would take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *Collector) scrape(ctx context.Context, t target) (*counters, error) {
	ctx = context.WithValue(ctx, addressKey{}, t.address)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Accept", "text/plain;version=0.0.4")
	if err := c.authorize(r, t); err != nil {
		return nil, err
	}
	response, err := c.options.Client.Do(r)
	if err != nil {
		// The address is shown beside it.
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("it answers %d: the console's ServiceAccount may not read metrics there", response.StatusCode)
	default:
		return nil, fmt.Errorf("it answers %d", response.StatusCode)
	}
	body := &io.LimitedReader{R: response.Body, N: maxBody + 1}
	found, err := parse(body)
	if body.N <= 0 {
		return nil, fmt.Errorf("its answer is longer than %d bytes", maxBody)
	}
	return found, err
}

func isLoopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}

// authorize adds the token, where it can be read by nobody but the replica.
func (c *Collector) authorize(r *http.Request, t target) error {
	if c.options.Token == nil {
		return nil
	}
	if r.URL.Scheme != "https" && !isLoopback(t.address) {
		return nil
	}
	token, err := c.options.Token()
	if err != nil {
		return fmt.Errorf("read the token for metrics: %w", err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}
