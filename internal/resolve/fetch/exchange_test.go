package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func escape(s string) string { return url.QueryEscape(s) }

func isProblem(err error, p Problem) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.Problem == p
}

func checkCancelled(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Error](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("%T %v", err, err)
	}
}

func TestGet(t *testing.T) {
	for proto, tc := range map[string]struct {
		options    []option
		connection []string
	}{
		"HTTP/1.1": {nil, []string{"close"}},
		"HTTP/2.0": {[]option{withHTTP2}, nil},
	} {
		t.Run(proto, func(t *testing.T) {
			// Credentials of this machine, which belong to nobody else.
			home := t.TempDir()
			netrc := filepath.Join(home, ".netrc")
			if err := os.WriteFile(netrc, []byte("machine "+host+" login a password b\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HOME", home)
			t.Setenv("NETRC", netrc)
			seen := make(chan *http.Request, 1)
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
				seen <- r
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
				w.Header().Set("Cache-Control", "public, max-age=600")
				w.Header().Set("Age", "60")
				_, _ = w.Write([]byte(`{"keys":[]}`))
			}, tc.options...)
			// Everything that is sent: no cookie, no credential, and no word about who asks for whom.
			want := http.Header{
				"User-Agent": {"grantor-operator"}, "Accept": {"application/jwk-set+json, application/json"}, "Accept-Encoding": {"identity"},
			}
			if tc.connection != nil {
				want["Connection"] = tc.connection
			}
			first := checkGet(t, s, seen, proto, want)
			if second := checkGet(t, s, seen, proto, want); second == first {
				t.Error("the connection was used twice")
			}
		})
	}
}

// checkGet returns the address that the request came from.
func checkGet(t *testing.T, s *site, seen <-chan *http.Request, proto string, want http.Header) string {
	t.Helper()
	got, err := s.fetcher.Get(t.Context(), s.request())
	if diff := cmp.Diff(Response{Body: []byte(`{"keys":[]}`), FreshFor: 9 * time.Minute}, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	r := <-seen
	if r.Proto != proto || r.Method != http.MethodGet || r.URL.Path != "/keys" || r.ContentLength != 0 {
		t.Errorf("%s %s %s", r.Proto, r.Method, r.URL)
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Error(diff)
	}
	return r.RemoteAddr
}

// What cannot be seen from outside, or only by chance.
func TestTransport(t *testing.T) {
	tr := (&attempt{fetcher: New(Policy{})}).transport(t.Context(), nil)
	if tr.Proxy != nil || !tr.DisableCompression || !tr.DisableKeepAlives || tr.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("%+v", tr)
	}
	if h := tr.HTTP2; h.MaxReceiveBufferPerConnection > 1<<20 || h.MaxReceiveBufferPerStream > 1<<20 {
		t.Errorf("%+v", h)
	}
}

func TestOrigin(t *testing.T) {
	for _, pair := range [][2]string{{"https://a.example", "https://A.example:443/x"}, {"http://a.example:80/x", "http://a.example"}, {"https://[2A00::5]", "https://[2a00::5]:443"}} {
		if a, b := origin(must(url.Parse(pair[0]))), origin(must(url.Parse(pair[1]))); a != b {
			t.Errorf("%s and %s", a, b)
		}
	}
	for _, pair := range [][2]string{{"https://a.example", "http://a.example:443"}, {"https://a.example", "https://b.example"}, {"https://a.example", "https://a.example:80"}, {"https://a.example", "https://a.example."}} {
		if a, b := origin(must(url.Parse(pair[0]))), origin(must(url.Parse(pair[1]))); a == b {
			t.Errorf("both %s", a)
		}
	}
}

// No name and no port of the client is needed for an address in the URL.
func TestGetByAddress(t *testing.T) {
	for _, address := range []string{public4, public6} {
		assign(t, address)
		s := newSite(t, func(http.ResponseWriter, *http.Request) {}, func(server *httptest.Server) {
			_ = server.Listener.Close()
			server.Listener = listen(t, netip.AddrPortFrom(netip.MustParseAddr(address), 0).String())
		})
		if _, err := s.fetcher.Get(t.Context(), Request{URL: s.server.URL, RootCAs: ca().pem}); err != nil {
			t.Errorf("%s: %v", s.server.URL, err)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	assign(t, public4)
	tr := newTrap(t, public4+":0")
	r := Request{URL: "http://" + tr.Addr().String() + "/"}
	if e := refused(t, New(Policy{}), r); e.Problem != URLNotAllowed || !strings.Contains(e.Message, "--allow-insecure-key-urls") {
		t.Errorf("%+v", e)
	}
	if n := tr.hits(t); n != 0 {
		t.Errorf("%d connections", n)
	}
	if _, err := New(Policy{AllowHTTP: true}).Get(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	ok := func(*x509.Certificate) {}
	other := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"other.example"}, nil }
	for name, tc := range map[string]struct {
		change func(*x509.Certificate)
		roots  []byte
		tls    func(*tls.Config)
		want   Problem
		say    string
	}{
		"custom CA":          {change: ok, roots: ca().pem},
		"CA among others":    {change: ok, roots: append([]byte("# ours\n"), append(selfSigned(), ca().pem...)...)},
		"TLS 1.2":            {change: ok, roots: ca().pem, tls: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		"TLS 1.1":            {change: ok, roots: ca().pem, tls: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, want: TLSFailed, say: "TLS 1.2 or 1.3"},
		"system roots":       {change: ok, want: TLSFailed, say: "signed by no CA"},
		"another CA":         {change: ok, roots: selfSigned(), want: TLSFailed, say: "signed by no CA"},
		"wrong host":         {change: other, roots: ca().pem, want: TLSFailed, say: "not valid for the host"},
		"expired":            {change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, roots: ca().pem, want: TLSFailed, say: "expired"},
		"not yet valid":      {change: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, roots: ca().pem, want: TLSFailed, say: "expired or is not valid yet"},
		"of a client":        {change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, roots: ca().pem, want: TLSFailed, say: "cannot be used for a server"},
		"empty bundle":       {change: ok, roots: []byte{}, want: InvalidCABundle, say: "in PEM"},
		"bundle of garbage":  {change: ok, roots: []byte(leak), want: InvalidCABundle, say: "in PEM"},
		"client certificate": {change: ok, roots: ca().pem, tls: func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, want: InvalidResponse, say: "complete HTTP answer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(http.ResponseWriter, *http.Request) {}, func(server *httptest.Server) {
				server.TLS.Certificates = []tls.Certificate{ca().issue(tc.change)}
				if tc.tls != nil {
					tc.tls(server.TLS)
				}
			})
			r := s.request()
			r.RootCAs = tc.roots
			if tc.want == "" {
				if _, err := s.fetcher.Get(t.Context(), r); err != nil {
					t.Error(err)
				}
				return
			}
			if e := refused(t, s.fetcher, r); e.Problem != tc.want || !strings.Contains(e.Message, tc.say) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func selfSigned() []byte {
	server := httptest.NewUnstartedServer(nil)
	defer server.Close()
	server.StartTLS()
	return pemOf(server.Certificate())
}

func TestStatus(t *testing.T) {
	status := http.StatusOK
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified {
			_, _ = w.Write([]byte(leak))
		}
	})
	for _, status = range []int{201, 203, 204, 206, 300, 301, 302, 304, 307, 400, 401, 403, 404, 418, 429, 500, 503, 599, 799} {
		if e := refused(t, s.fetcher, s.request()); e.Problem != StatusNotOK {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

func TestEncoding(t *testing.T) {
	var encodings []string
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Encoding"] = encodings
		_, _ = w.Write([]byte(leak))
	})
	for _, encodings = range [][]string{{"gzip"}, {"GZIP"}, {"br"}, {"deflate"}, {"zstd"}, {"x"}, {"identity", "gzip"}, {"identity, gzip"}} {
		if e := refused(t, s.fetcher, s.request()); e.Problem != EncodedBody {
			t.Errorf("%q: %+v", encodings, e)
		}
	}
	for _, encodings = range [][]string{nil, {"identity"}, {" Identity "}} {
		if _, err := s.fetcher.Get(t.Context(), s.request()); err != nil {
			t.Errorf("%q: %v", encodings, err)
		}
	}
}
