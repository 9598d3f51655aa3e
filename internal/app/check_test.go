package app

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/tokenserver"
)

// runCheck runs the command and returns its exit code and all that it wrote.
func runCheck(args ...string) (int, string) {
	var out bytes.Buffer
	code := Main(append([]string{"check"}, args...), &out, &out)
	return code, out.String()
}

// TestCheckOfAServer asks a real server that is behind a name at which nothing answers, before it is there.
func TestCheckOfAServer(t *testing.T) {
	const issuer = "https://auth.example.com/tenant"
	if code, out := runCheck("--connect", freeAddress(t), "--plain-http", issuer); code != 1 || !strings.Contains(out, "✗ metadata (RFC 8414): ") {
		t.Errorf("where nobody listens: %d, %s", code, out)
	}
	address := serveStandalone(t, func(string) string { return issuer }, t.TempDir())
	code, out := runCheck("--wait", "30s", "--connect", address, "--plain-http", issuer)
	if want := "✓ metadata (RFC 8414)\n✓ key set\n✓ token endpoint\n"; code != 0 || out != want {
		t.Errorf("%d, %s", code, out)
	}
	code, out = runCheck("--connect", address, "--plain-http", "https://auth.example.com")
	if code != 1 || !strings.Contains(out, "✗ metadata (RFC 8414): ") || !strings.Contains(out, "grantor: not all is well") {
		t.Errorf("another issuer: %d, %s", code, out)
	}
}

// TestCheckOfCertificates: who signed the certificate counts, unless somebody says that it does not.
func TestCheckOfCertificates(t *testing.T) {
	var issuer string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body := map[string]string{
			tokenserver.PathMetadata: `{"issuer":"` + issuer + `","jwks_uri":"` + issuer + `/k","token_endpoint":"` + issuer + `/t"}`,
			"/k":                     `{"keys":[{"kid":"1"}]}`,
			"/t":                     `{"error":"invalid_request"}`,
		}[r.URL.Path]
		if r.URL.Path == "/t" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	issuer = server.URL
	if code, out := runCheck(issuer); code != 1 || !strings.Contains(out, "certificate") {
		t.Errorf("an unknown authority: %d, %s", code, out)
	}
	if code, out := runCheck("--insecure", issuer); code != 0 {
		t.Errorf("whoever signed: %d, %s", code, out)
	}
}
