package operator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// The site has two addresses: a public one, and one of a network that a flag of the operator allows.
const (
	publicAddress  = "5.5.5.5"
	publicHost     = "public.good.test"
	allowedAddress = "198.51.100.1"
	allowedHost    = "allowed.good.test"
	allowedNetwork = "198.51.100.0/24"
	sitePort       = "8443"
)

// site is a server of key documents. Every row has pages of its own on it.
type site struct {
	authority *authority

	mu    sync.Mutex
	pages map[string]*page
	// clientCertificates counts the certificates that callers have shown.
	clientCertificates int
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{authority: newAuthority("the tests' CA"), pages: map[string]*page{}}
	for _, address := range []string{publicAddress, allowedAddress} {
		assign(t, address)
		serveTLS(t, net.JoinHostPort(address, sitePort), s, &tls.Config{
			Certificates: []tls.Certificate{s.authority.issue(usualCertificate)}, ClientAuth: tls.RequestClientCert,
		})
	}
	return s
}

// serveTLS serves until the test ends.
func serveTLS(t *testing.T, address string, h http.Handler, config *tls.Config) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: h, TLSConfig: config, ReadHeaderTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
	}
	var done sync.WaitGroup
	done.Go(func() { _ = server.ServeTLS(l, "", "") })
	t.Cleanup(func() {
		_ = server.Close()
		done.Wait()
	})
	return l
}

// ServeHTTP answers with the page of the path.
func (s *site) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.pages[r.URL.Path]
	s.clientCertificates += len(r.TLS.PeerCertificates)
	s.mu.Unlock()
	if p == nil {
		http.NotFound(rw, r)
		return
	}
	p.mu.Lock()
	p.requests = append(p.requests, r)
	answer := p.answer
	p.mu.Unlock()
	answer(rw, r)
}

// page is a document of the site.
type page struct {
	path string

	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []*http.Request
}

// page adds a document that nobody else has.
func (s *site) page(answer http.HandlerFunc) *page {
	p := &page{path: "/" + rand.Text(), answer: answer}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[p.path] = p
	return p
}

func (p *page) set(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// seen returns the requests so far.
func (p *page) seen() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*http.Request(nil), p.requests...)
}

// url is where a page is for the operator as it runs now.
func (w *world) url(p *page) string { return "https://" + net.JoinHostPort(w.host, sitePort) + p.path }

// text answers with a document.
func text(body string) http.HandlerFunc { return status(http.StatusOK, body) }

func status(code int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(code)
		_, _ = rw.Write([]byte(body))
	}
}

// authority is a CA.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newAuthority(name string) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{key: key, cert: must(x509.ParseCertificate(der)), pem: pemText("CERTIFICATE", der)}
}

// usualCertificate is right for the site.
func usualCertificate(*x509.Certificate) {}

// issue returns a certificate for the site, changed as a test wants.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "site"}, DNSNames: []string{"*.good.test", "*.evil.test"},
		IPAddresses: []net.IP{net.ParseIP(publicAddress), net.ParseIP(allowedAddress)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

func pemText(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("make fixture: %v", err))
	}
	return v
}
