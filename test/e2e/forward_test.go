package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// endpoint is a way from the test to a Service or a pod of Grantor.
type endpoint struct {
	t      *testing.T
	client *http.Client
}

// answer is what the endpoint says.
type answer struct {
	Status      int
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

var forwarding = regexp.MustCompile(`^Forwarding from 127\.0\.0\.1:([0-9]+) -> `)

// forward leads to a Service or pod as kubectl does.
func (i *installation) forward(target, port string) *endpoint {
	i.t.Helper()
	ctx, cancel := context.WithCancel(i.t.Context())
	cmd := exec.CommandContext(ctx, "kubectl", "-n", namespace, "port-forward", "--address", "127.0.0.1", target, ":"+port) // #nosec G204 -- names of the test
	out, err := cmd.StdoutPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		i.t.Fatalf("port-forward to %s says nothing", target)
	}
	found := forwarding.FindStringSubmatch(lines.Text())
	if found == nil {
		i.t.Fatalf("port-forward to %s says %q", target, lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	pool := x509.NewCertPool()
	pool.AddCert(i.ca)
	return &endpoint{i.t, &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", found[1]))
		},
	}}}
}

// get fetches a document of the endpoint.
func (e *endpoint) get(path string, into any) {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, issuer+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	if status := e.do(r, into); status != http.StatusOK {
		e.t.Fatalf("GET %s answers %d", path, status)
	}
}

// presents is a request that presents an assertion for the client of the partner, with a secret.
func presents(ctx context.Context, secret, assertion string) (*http.Request, error) {
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("team-a.playground", url.QueryEscape(secret))
	return r, nil
}

// exchange presents an assertion, and returns the answer.
func (e *endpoint) exchange(secret, assertion string) (a answer) {
	e.t.Helper()
	r, err := presents(e.t.Context(), secret, assertion)
	if err != nil {
		e.t.Fatal(err)
	}
	a.Status = e.do(r, &a)
	return a
}

func (e *endpoint) do(r *http.Request, into any) (status int) {
	e.t.Helper()
	res, err := e.client.Do(r)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		e.t.Fatal(fmt.Errorf("%s answers %d: %w: %s", r.URL, res.StatusCode, err, text))
	}
	return res.StatusCode
}
