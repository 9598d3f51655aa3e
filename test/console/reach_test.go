package console

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// get asks as a program that is no browser.
func get(t *testing.T, page string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestNames: it answers to its own names alone.
func TestNames(t *testing.T) {
	_, console := started(t, "console-names", "--allowed-host", "console.example.com")
	for host, want := range map[string]int{"": http.StatusOK, "console.example.com": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		status, body := get(t, console+"/providers", func(r *http.Request) {
			if host != "" {
				r.Host = host
			}
		})
		if status != want || (status != http.StatusOK && strings.Contains(body, "partner")) {
			t.Errorf("%s: %d", host, status)
		}
	}
}

// TestTLS: with a certificate it speaks TLS and nothing else, also where a form comes from one of its own pages.
func TestTLS(t *testing.T) {
	key, dir := jwttest.EC("console", elliptic.P256()), t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"crt": {Type: "CERTIFICATE", Bytes: jwttest.Certificate(key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}, "key": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, console := started(t, "console-tls", "--issuer", grantor.Issuer, "--tls-cert-file", filepath.Join(dir, "crt"), "--tls-key-file", filepath.Join(dir, "key"))
	if status, body := get(t, console+"/providers", func(*http.Request) {}); status != http.StatusBadRequest || strings.Contains(body, "partner") {
		t.Errorf("without TLS: %d", status)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // #nosec G402 -- nobody has signed it
	page := strings.Replace(console, "http://", "https://", 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page+"/explain", strings.NewReader(url.Values{"assertion": {signed(unchanged)}, "client": {"team-a/app"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", page)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), ">Accepted</span>") {
		t.Errorf("%d, %v: %s", res.StatusCode, err, body)
	}
}

// TestNothingLogged: what people look for does not get into the log.
func TestNothingLogged(t *testing.T) {
	p, console := started(t, "console-log")
	get(t, console+"/clients?q=wh4t-i-look-f0r", func(*http.Request) {})
	get(t, console+"/clients/team-a/wh4t-i-look-f0r", func(*http.Request) {})
	p.Stop()
	notLogged(t, p.Log, "wh4t-i-look-f0r")
}
