package fetch

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	neturl "net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// host is the name of the identity provider in these tests.
const host = "idp.example"

// leak is in what servers send, and must not be in any error.
const leak = "LEAK"

// authority is a CA, and the key of every server.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

var ca = sync.OnceValue(func() *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{key: key, cert: must(x509.ParseCertificate(der)), pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// issue returns a certificate for host, changed as a test wants.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: leak}, DNSNames: []string{host},
		IPAddresses: []net.IP{net.ParseIP(public4), net.ParseIP(public6)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// site is an https server at a public address, by the name of host.
type site struct {
	fetcher *Fetcher
	zone    *zone
	server  *httptest.Server
	port    string
}

type option func(*httptest.Server)

func withHTTP2(s *httptest.Server) { s.EnableHTTP2 = true }

func newSite(t *testing.T, handler http.HandlerFunc, options ...option) *site {
	t.Helper()
	assign(t, public4)
	listener := listen(t, public4+":0")
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = listener
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca().issue(func(*x509.Certificate) {})}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	for _, o := range options {
		o(server)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	z := newZone(t, map[string][][]string{host + ".": {{public4}}})
	return &site{fetcher: newFetcher(Policy{}, z), zone: z, server: server, port: portOf(listener)}
}

// newFetcher returns one that asks the zone. Nothing in these tests takes its 10 seconds.
func newFetcher(p Policy, z *zone) *Fetcher {
	f := New(p)
	f.resolver = z.resolver()
	return f
}

func (s *site) request() Request {
	return Request{URL: "https://" + net.JoinHostPort(host, s.port) + "/keys", RootCAs: ca().pem}
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// refused gets r twice, and expects the same *Error for people.
func refused(t *testing.T, f *Fetcher, r Request) *Error {
	t.Helper()
	first := refusedOnce(t, f, r)
	if again := refusedOnce(t, f, r); *again != *first {
		t.Errorf("first %+v\nthen  %+v", first, again)
	}
	return first
}

func refusedOnce(t *testing.T, f *Fetcher, r Request) *Error {
	t.Helper()
	got, err := f.Get(t.Context(), r)
	if err == nil {
		t.Fatalf("got %d bytes", len(got.Body))
	}
	if got.Body != nil || got.FreshFor != 0 {
		t.Errorf("a response beside the error: %+v", got)
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	checkMessage(t, failure, r.URL)
	return failure
}

// checkMessage holds a message against what people and logs need.
func checkMessage(t *testing.T, e *Error, url string) {
	t.Helper()
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if m := e.Message; m == "" || len(m) > 600 || strings.ContainsFunc(m, odd) || strings.Contains(m, leak) || e.Error() != m {
		t.Errorf("message %q", m)
	}
	var given string // An address of the URL itself may be said, in its usual form.
	if u, err := neturl.Parse(url); err == nil {
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			given = addr.String()
		}
	}
	for word := range strings.FieldsFuncSeq(e.Message, func(r rune) bool { return strings.ContainsRune(` "[](),`, r) }) {
		word = strings.TrimRight(word, ":")
		if addr, err := netip.ParseAddr(word); err == nil && addr.String() != given {
			t.Errorf("the address %s is in %q", word, e.Message)
		}
	}
}

// trap counts the connections that reach a port of this namespace, whatever the address.
type trap struct {
	net.Listener
	accepted chan string
}

// newTrap answers http requests with 200 on addresses such as ":0" for all.
func newTrap(t *testing.T, address string) *trap {
	t.Helper()
	tr := &trap{Listener: listen(t, address), accepted: make(chan string, 1000)}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(leak))
	})}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(tr) })
	t.Cleanup(func() {
		_ = server.Close()
		done.Wait()
	})
	return tr
}

func (tr *trap) Accept() (net.Conn, error) {
	conn, err := tr.Listener.Accept()
	if err == nil {
		tr.accepted <- conn.RemoteAddr().String()
	}
	return conn, err
}

// hits returns how many connections came since the last call. It makes one itself, which queues behind them.
func (tr *trap) hits(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", tr.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for n := 0; ; n++ {
		select {
		case from := <-tr.accepted:
			if from == conn.LocalAddr().String() {
				return n
			}
		case <-ctx.Done():
			t.Fatal("the connection of the test was not accepted")
		}
	}
}
