package faults

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
)

// keyServer serves JWK Sets over TLS, one for each path, in whatever way a test wants.
type keyServer struct {
	*httptest.Server

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	hits     map[string][]time.Time
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	s := &keyServer{handlers: map[string]http.HandlerFunc{}, hits: map[string][]time.Time{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *keyServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.hits[r.URL.Path] = append(s.hits[r.URL.Path], time.Now())
	handler := s.handlers[r.URL.Path]
	s.mu.Unlock()
	handler(w, r)
}

func (s *keyServer) set(path string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[path] = handler
}

// fetches returns when a path was asked for since a time.
func (s *keyServer) fetches(path string, since time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.hits[path] {
		if at.After(since) {
			n++
		}
	}
	return n
}

// tenant makes a tenant whose provider has its keys at the server, and waits until all is Ready.
func (s *keyServer) tenant(t *testing.T, refresh v1alpha1.Refresh) *tenant {
	t.Helper()
	tn := newNamespace(t)
	s.set(tn.path(), serveText(jwks(named{"k1", tn.key})))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	tn.create(&corev1.ConfigMap{ObjectMeta: tn.meta("ca"), Data: map[string]string{"ca.crt": string(ca)}})
	p := tn.provider("partner")
	p.Spec.CertificateSecretRef = nil
	p.Spec.JWKSURI = &v1alpha1.RemoteKeySet{
		URL:         v1alpha1.FetchURL(s.URL + tn.path()),
		RemoteFetch: v1alpha1.RemoteFetch{CAConfigMapRef: &v1alpha1.CAReference{Name: "ca"}, Refresh: refresh},
	}
	tn.create(p)
	tn.create(tn.secret("playground", "client_secret", []byte(clientSecret)))
	tn.create(tn.client("playground"))
	tn.waitReady(&v1alpha1.IdentityProvider{}, "partner")
	tn.waitReady(&v1alpha1.OAuthClient{}, "playground")
	return tn
}

func (tn *tenant) path() string { return "/" + tn.namespace }

// named is a key with its kid.
type named struct {
	kid string
	key *ecdsa.PrivateKey
}

// jwks is the text of a JWK Set.
func jwks(keys ...named) string {
	var texts []string
	for _, k := range keys {
		point, err := k.key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		size := (len(point) - 1) / 2
		texts = append(texts, fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, k.kid,
			base64.RawURLEncoding.EncodeToString(point[1:1+size]), base64.RawURLEncoding.EncodeToString(point[1+size:])))
	}
	return `{"keys":[` + strings.Join(texts, ",") + `]}`
}

func serveText(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// trickle writes a piece at a time, for as long as somebody reads.
func trickle(pause time.Duration, piece []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(pause):
			}
		}
	}
}

// brokenKeyServers are the ways in which a server of keys fails.
func brokenKeyServers() map[string]http.HandlerFunc {
	many := make([]named, 2000)
	key := jwttest.EC("many", elliptic.P256())
	for i := range many {
		many[i] = named{fmt.Sprint("k", i), key}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	long := strings.Repeat("f", 65536/6)
	return map[string]http.HandlerFunc{
		"F29 slow header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"F29 slow body":   trickle(time.Second, []byte(`{`)),
		"F29 endless":     trickle(time.Millisecond, bytes.Repeat([]byte(" "), 1<<14)),
		"F30 2,000 keys":  serveText(jwks(many...)),
		"F30 huge":        serveText(strings.Repeat(" ", 8<<20) + `{"keys":[]}`),
		"F30 gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
		"F30 unusable keys": serveText(`{"keys":[{"kty":"RSA","kid":"k1","e":"AQAB","n":"` + long + `"},{"kty":"XX","kid":"k1"},{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"AA"}]}`),
		"F31 500":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"F31 empty":         serveText(""),
		"F31 no keys":       serveText(`{"keys":[]}`),
		"F31 HTML":          serveText("<!doctype html><title>Sign in</title>"),
	}
}
