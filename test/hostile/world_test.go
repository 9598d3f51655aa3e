package hostile

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// world is a server with what is known about it.
type world struct {
	*server
	client       *http.Client
	confidential *confidential
	keys         map[string]*ecdsa.PublicKey // of the server, by kid
	// goroutines and memory are what the server had at first.
	goroutines float64
	memory     int64
}

// response is the answer to a request.
type response struct {
	request *request
	status  int // 0 for a connection that was closed without an answer
	header  http.Header
	body    []byte
	members map[string]any // of the body, nil where it is no JSON object
	took    time.Duration  // without stalls
}

// newWorld is a server that has been asked so much that what it uses can be told: see checkBounds.
func newWorld(t *testing.T, s *server) *world {
	t.Helper()
	w := attach(t, s)
	w.warmUp(t)
	w.log.next(t)
	return w
}

// attach is a server as it is.
func attach(t *testing.T, s *server) *world {
	t.Helper()
	w := &world{server: s, client: newClient(t, s.roots), confidential: &confidential{fixed: fixedSecrets(), seen: map[string]bool{}}}
	w.keys = w.publishedKeys(t)
	w.log.next(t)
	return w
}

func newClient(t *testing.T, roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: harness.IdleConnTimeout, ExpectContinueTimeout: time.Second,
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// warmUp sends some requests of all kinds, so that what the server needs once does not count as growth.
func (w *world) warmUp(t *testing.T) {
	t.Helper()
	for range 50 {
		w.send(t, r0()).check(t, w, granted)
		w.send(t, exchange(assertion(fromB()))).check(t, w, granted)
		w.send(t, exchange("x."+strings.Repeat("A", 15<<10)+".x")).check(t, w, invalidGrant)
	}
	w.confidential.recent = nil
	w.client.CloseIdleConnections()
	w.goroutines, w.memory = w.metrics(t)["go_goroutines"], w.rss(t)
}

// send sends a request and reads the answer.
func (w *world) send(t *testing.T, r *request) *response {
	t.Helper()
	w.confidential.add(r.confidential()...)
	took := stalls.Stopwatch()
	got, err := w.roundTrip(t, r)
	if err != nil {
		got = &response{header: http.Header{}}
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("no answer: %v", err)
		}
	}
	got.request, got.took = r, took()
	if json.Unmarshal(got.body, &got.members) != nil {
		got.members = nil
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		if token, ok := got.members[name].(string); ok {
			w.confidential.add(token)
		}
	}
	return got
}

func (w *world) roundTrip(t *testing.T, r *request) (*response, error) {
	if r.raw != "" {
		return w.rawRoundTrip(t, r)
	}
	body := r.stream
	if body == nil {
		body = bytes.NewReader([]byte(r.text()))
	}
	q, err := http.NewRequestWithContext(t.Context(), r.method, w.scheme+"://"+w.public, body)
	if err != nil {
		t.Fatal(err)
	}
	q.URL = &url.URL{Scheme: w.scheme, Host: w.public, Opaque: r.target}
	q.Header = r.header
	if host := r.header.Get("Host"); host != "" {
		q.Host = host
	}
	return read(w.client.Do(q)) //nolint:bodyclose // read does.
}

// rawRoundTrip writes the text as it is and reads one answer.
func (w *world) rawRoundTrip(t *testing.T, r *request) (*response, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", w.public)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	_, writeErr := io.WriteString(conn, strings.ReplaceAll(r.raw, "HOST", w.public)) // the server may answer before it has read all
	res, err := read(http.ReadResponse(bufio.NewReader(conn), nil))                  //nolint:bodyclose // read does.
	return res, errors.Join(err, ignoreIf(err == nil, writeErr))
}

func ignoreIf(ignore bool, err error) error {
	if ignore {
		return nil
	}
	return err
}

func read(res *http.Response, err error) (*response, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return &response{status: res.StatusCode, header: res.Header, body: body}, err
}

// get reads a public document.
func (w *world) get(t *testing.T, target string) *response {
	t.Helper()
	return w.send(t, &request{method: http.MethodGet, target: target, header: http.Header{}})
}

// publishedKeys reads the server's JWK Set.
func (w *world) publishedKeys(t *testing.T) map[string]*ecdsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y string }
	}
	got := w.get(t, "/oauth2/jwks")
	if err := json.Unmarshal(got.body, &set); err != nil || got.status != http.StatusOK {
		t.Fatalf("no JWK Set: %d %s", got.status, got.body)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		if k.Kty != "EC" || k.Crv != "P-256" || keys[k.Kid] != nil {
			t.Fatalf("unexpected key %+v", k)
		}
		point := append([]byte{4}, append(unbase64(t, k.X), unbase64(t, k.Y)...)...)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		keys[k.Kid] = key
	}
	return keys
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		t.Fatalf("not base64url: %v", err)
	}
	return b
}
