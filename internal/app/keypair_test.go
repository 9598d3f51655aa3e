package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// pairOf makes a key with a self-signed certificate that has the serial number and ends at the given time, in PEM.
func pairOf(t *testing.T, serial int64, end time.Time) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: end, DNSNames: []string{"auth.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// pairFiles are the two files of a pair, with the pair that follows them.
type pairFiles struct {
	*keyPair

	log     bytes.Buffer
	metrics *prometheus.Registry
}

// value reads a metric; the outcome is empty where it has none.
func (f *pairFiles) value(t *testing.T, name, outcome string) float64 {
	t.Helper()
	families, err := f.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (outcome == "" || m.GetLabel()[0].GetValue() == outcome) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func (f *pairFiles) times(t *testing.T, outcome string) float64 {
	t.Helper()
	return f.value(t, "grantor_tls_certificate_loads_total", outcome)
}

func (f *pairFiles) write(t *testing.T, certificate, key []byte) {
	t.Helper()
	for file, text := range map[string][]byte{f.certificateFile: certificate, f.keyFile: key} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *pairFiles) writePair(t *testing.T, serial int64, end time.Time) {
	t.Helper()
	certificate, key := pairOf(t, serial, end)
	f.write(t, certificate, key)
}

func (f *pairFiles) serial() int64 { return f.current.Load().Leaf.SerialNumber.Int64() }

func newPairFiles(t *testing.T) *pairFiles {
	t.Helper()
	f, dir := &pairFiles{}, t.TempDir()
	f.keyPair = newKeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), "public", slog.New(slog.NewJSONHandler(&f.log, nil)))
	f.metrics = prometheus.NewRegistry()
	if err := f.register(f.metrics); err != nil {
		t.Fatal(err)
	}
	return f
}

// What is no pair is reported once and leaves the last pair in force, whatever is wrong with it.
func TestKeyPairKeepsTheLastGoodOne(t *testing.T) {
	end := time.Now().Add(time.Hour)
	for name, spoil := range map[string]func(*testing.T, *pairFiles){
		"empty":   func(t *testing.T, f *pairFiles) { t.Helper(); f.write(t, nil, nil) },
		"garbage": func(t *testing.T, f *pairFiles) { t.Helper(); f.write(t, []byte("garbage"), []byte("garbage")) },
		"key of another": func(t *testing.T, f *pairFiles) {
			t.Helper()
			c, _ := pairOf(t, 2, end)
			_, k := pairOf(t, 3, end)
			f.write(t, c, k)
		},
		"key as both":      func(t *testing.T, f *pairFiles) { t.Helper(); _, k := pairOf(t, 2, end); f.write(t, k, k) },
		"certificate gone": func(t *testing.T, f *pairFiles) { t.Helper(); _ = os.Remove(f.certificateFile) },
		"key gone":         func(t *testing.T, f *pairFiles) { t.Helper(); _ = os.Remove(f.keyFile) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newPairFiles(t)
			f.writePair(t, 1, end)
			if err := f.load(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.log.Reset()
			spoil(t, f)
			for range 5 {
				f.refresh(t.Context())
			}
			if n := f.times(t, "refused"); f.serial() != 1 || n != 1 || strings.Count(f.log.String(), "\n") != 1 {
				t.Errorf("serial %d, %v times refused, log: %s", f.serial(), n, &f.log)
			}
			if strings.Contains(f.log.String(), "PRIVATE") {
				t.Errorf("the log holds a key: %s", &f.log)
			}
			f.writePair(t, 4, end)
			if f.refresh(t.Context()); f.serial() != 4 {
				t.Errorf("the next good pair is not taken: serial %d", f.serial())
			}
		})
	}
}

// Two files change one after the other: what is read between is nobody's mistake.
func TestKeyPairForgivesAChangeHalfway(t *testing.T) {
	f := newPairFiles(t)
	certificate, key := pairOf(t, 1, time.Now().Add(time.Hour))
	f.write(t, certificate, key)
	if err := f.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	nextCertificate, nextKey := pairOf(t, 2, time.Now().Add(time.Hour))
	f.log.Reset()
	f.write(t, nextCertificate, key)
	f.refresh(t.Context())
	if f.log.Len() != 0 || f.serial() != 1 {
		t.Errorf("serial %d, log: %s", f.serial(), &f.log)
	}
	f.write(t, nextCertificate, nextKey)
	if f.refresh(t.Context()); f.serial() != 2 || f.times(t, "refused") != 0 {
		t.Errorf("serial %d, log: %s", f.serial(), &f.log)
	}
}

func TestKeyPairMetrics(t *testing.T) {
	f, end := newPairFiles(t), time.Now().Add(time.Hour)
	const expiry = "grantor_tls_certificate_expiry_timestamp_seconds"
	if got := f.value(t, expiry, ""); got != 0 {
		t.Errorf("nothing expires at %v", got)
	}
	for i := range int64(2) {
		f.writePair(t, i, end.Add(time.Duration(i)*time.Hour))
		f.refresh(t.Context())
	}
	if n, at := f.times(t, "loaded"), f.value(t, expiry, ""); n != 2 || at != float64(end.Add(time.Hour).Unix()) {
		t.Errorf("%v times loaded, expires at %v", n, at)
	}
}

func TestKeyPairConfig(t *testing.T) {
	if c := newPairFiles(t).config(); c.MinVersion != tls.VersionTLS12 || c.CipherSuites != nil || c.CurvePreferences != nil {
		t.Errorf("%+v", c)
	}
}

func TestTLSFlags(t *testing.T) {
	f := newPairFiles(t)
	f.write(t, []byte("garbage"), []byte("garbage"))
	for name, tc := range map[string]struct {
		flags tlsFlags
		says  string // empty for a server without TLS
	}{
		"neither":         {},
		"certificate":     {tlsFlags{certificate: f.certificateFile}, "belong together"},
		"key":             {tlsFlags{key: f.keyFile}, "belong together"},
		"not there":       {tlsFlags{certificate: f.certificateFile + "x", key: f.keyFile}, "no such file"},
		"not a pair":      {tlsFlags{certificate: f.certificateFile, key: f.keyFile}, "--tls-cert-file " + f.certificateFile},
		"key as the pair": {tlsFlags{certificate: f.keyFile, key: f.keyFile}, "read certificate and key"},
	} {
		t.Run(name, func(t *testing.T) {
			pair, err := tc.flags.keyPair(t.Context(), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if pair != nil || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, %v", pair, err)
			}
		})
	}
}
