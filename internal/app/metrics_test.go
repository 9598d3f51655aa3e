package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// What the guard decides is tested beside it. Here it is before the metrics, on TLS, and nowhere else are metrics.
func TestMetricsListener(t *testing.T) {
	certificate, key := pairOf(t, 7, time.Now().Add(time.Hour))
	dir := t.TempDir()
	for name, text := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		flags tlsFlags
		given bool
	}{
		"made at the start": {},
		"from files": {tlsFlags{
			prefix: "metrics-", certificate: filepath.Join(dir, "tls.crt"), key: filepath.Join(dir, "tls.key"),
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			log, o := slog.New(slog.DiscardHandler), &ops{}
			f := metricsFlags{listen: freeAddress(t), tls: tc.flags}
			listeners, err := f.listener(t.Context(), &rest.Config{Host: "https://127.0.0.1:1"}, o, log)
			if err != nil || len(listeners) != 1 || !o.metricsElsewhere {
				t.Fatalf("%d listeners, %v", len(listeners), err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, log, o, 0, nil, listeners...) }()
			served := peerOf(t, f.listen)
			if (served.SerialNumber.Int64() == 7) != tc.given || time.Now().Before(served.NotBefore) || time.Now().After(served.NotAfter) {
				t.Errorf("certificate %v until %v", served.SerialNumber, served.NotAfter)
			}
			if status := statusAt(t, "https://"+f.listen+"/metrics"); status != http.StatusUnauthorized {
				t.Errorf("without a token: %d", status)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// statusAt is what an address answers whose certificate is not verified.
func statusAt(t *testing.T, url string) int {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // #nosec G402 -- another test looks at it
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// peerOf is the certificate that is served at an address, soon.
func peerOf(t *testing.T, address string) *x509.Certificate {
	t.Helper()
	var served *x509.Certificate
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, // #nosec G402 -- it is what we want to see
		VerifyConnection:   func(s tls.ConnectionState) error { served = s.PeerCertificates[0]; return nil },
	}}
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := dialer.DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close()
			return served
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestMetricsFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		flags metricsFlags
		says  string // empty for metrics with the operations
	}{
		"none":                       {},
		"certificate without a port": {metricsFlags{tls: tlsFlags{certificate: "c"}}, "--metrics-listen"},
		"key without a port":         {metricsFlags{tls: tlsFlags{key: "k"}}, "--metrics-listen"},
		"certificate without a key":  {metricsFlags{listen: ":0", tls: tlsFlags{prefix: "metrics-", certificate: "c"}}, "--metrics-tls-cert-file and --metrics-tls-key-file belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &ops{}
			listeners, err := tc.flags.listener(t.Context(), &rest.Config{}, o, slog.New(slog.DiscardHandler))
			if len(listeners) != 0 || o.metricsElsewhere || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%d listeners, %v", len(listeners), err)
			}
		})
	}
}
