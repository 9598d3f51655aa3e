package standalone

import (
	"bytes"
	"crypto/elliptic"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const clientYAML = `apiVersion: grantor.dev/v1alpha1
kind: OAuthClient
metadata: {name: app}
spec:
  authentication: {clientSecret: {secretRef: {name: app-secret}}}
---
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {client_secret: 0123456789abcdef0123456789abcdef}
`

const providerYAML = `apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: partner}
spec:
  issuer: https://idp.example
  audienceAliases: [https://auth.example]
  certificateSecretRef: {name: partner-cert}
`

func start() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

// world is a loader of a folder, with its log.
type world struct {
	t      *testing.T
	dir    string
	store  *trust.Store
	loader *Loader
	log    bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), store: trust.NewStore()}
	ring, err := keyring.Generate(start())
	if err != nil {
		t.Fatal(err)
	}
	w.loader, err = NewLoader(w.dir, w.store, ring, keyring.GenerateDigestKey(), slog.New(slog.NewTextHandler(&w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) load() {
	w.t.Helper()
	if err := w.loader.Load(w.t.Context(), start()); err != nil {
		w.t.Fatal(err)
	}
}

// refresh returns what a refresh logs.
func (w *world) refresh(now time.Time) string {
	w.t.Helper()
	w.log.Reset()
	w.loader.Refresh(w.t.Context(), now)
	return w.log.String()
}

func (w *world) expect(providers, clients int) {
	w.t.Helper()
	s := w.store.Snapshot()
	if p, c := s.Counts(); p != providers || c != clients || !s.Ready() {
		w.t.Errorf("%d providers, %d clients, ready %v; want %d and %d", p, c, s.Ready(), providers, clients)
	}
}

func TestEdits(t *testing.T) {
	w := newWorld(t)
	w.write("app.yaml", clientYAML)
	w.load()
	w.expect(0, 1)
	first := w.store.Snapshot()

	w.write("app.yaml", strings.Replace(clientYAML, "spec:\n", "spec:\n  bad: 1\n", 1))
	log := w.refresh(start())
	if !strings.Contains(log, filepath.Join(w.dir, "app.yaml")+":5: spec.bad") || !strings.Contains(log, "last good state") {
		t.Errorf("log %s", log)
	}
	if w.store.Snapshot() != first {
		t.Error("a bad edit changed the store")
	}
	if log := w.refresh(start()); log != "" {
		t.Errorf("reported again: %s", log)
	}

	w.write("app.yaml", strings.Replace(clientYAML, "spec:\n", "spec:\n  clientID: mended\n", 1))
	w.refresh(start())
	w.expect(0, 1)
	mended := w.store.Snapshot()
	if mended.Client("mended") == nil || mended.Client("default.app") != nil {
		t.Error("the mended client is not in force")
	}
	a, b := first.Client("default.app"), mended.Client("mended")
	if len(a.Credentials) != 1 || len(b.Credentials) != 1 || a.Credentials[0] != b.Credentials[0] || first.DigestKeys().Active().ID() != mended.DigestKeys().Active().ID() {
		t.Error("the digest changed between two reloads")
	}

	if err := os.Remove(filepath.Join(w.dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	w.refresh(start())
	w.expect(0, 0)
}

func TestLoadFails(t *testing.T) {
	w := newWorld(t)
	w.write("app.yaml", "kind: [")
	if err := w.loader.Load(t.Context(), start()); err == nil || w.store.Snapshot().Ready() {
		t.Errorf("error %v", err)
	}
	w.write("app.yaml", clientYAML)
	w.load()
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	if err := w.loader.Load(t.Context(), start()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if log := w.refresh(start()); !strings.Contains(log, "last good state") {
		t.Errorf("log %s", log)
	}
	w.expect(0, 1)
}

func TestNotReadyIsWarned(t *testing.T) {
	w := newWorld(t)
	w.write("partner.yaml", providerYAML)
	w.load()
	w.expect(0, 0)
	if log := w.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "partner.yaml:3") || !strings.Contains(log, "SecretNotFound") {
		t.Errorf("log %s", log)
	}
}

func TestCertificateExpiresByTimeAlone(t *testing.T) {
	w := newWorld(t)
	der := jwttest.Certificate(jwttest.EC("partner", elliptic.P256()), start().Add(-time.Hour), start().Add(time.Hour))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	w.write("partner.yaml", providerYAML)
	w.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: partner-cert}\nstringData:\n  tls.crt: |\n    "+
		strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")+"\n")
	w.load()
	w.expect(1, 0)
	if log := w.refresh(start().Add(30 * time.Minute)); log != "" {
		t.Errorf("read again for nothing: %s", log)
	}
	if log := w.refresh(start().Add(2 * time.Hour)); !strings.Contains(log, "not Ready") {
		t.Errorf("log %s", log)
	}
}

// F37: a panic while the folder is read again leaves the last good state in force.
func TestRefreshPanics(t *testing.T) {
	w := newWorld(t)
	w.write("app.yaml", clientYAML)
	w.load()
	rules := w.loader.evaluator.rules
	w.loader.evaluator.rules = nil
	w.write("partner.yaml", providerYAML)
	if log := w.refresh(start()); !strings.Contains(log, "last good state") || !strings.Contains(log, "bug in Grantor") {
		t.Errorf("log %s", log)
	}
	w.expect(0, 1)
	w.loader.evaluator.rules = rules
	w.write("app.yaml", strings.Replace(clientYAML, "spec:\n", "spec:\n  clientID: mended\n", 1))
	w.refresh(start())
	if w.store.Snapshot().Client("mended") == nil {
		t.Error("a later edit does not count")
	}
}

// TestOneFile: a file may stand in the place of a folder, whatever it is called, and also when another one replaces it.
func TestOneFile(t *testing.T) {
	w := newWorld(t)
	w.write("all", clientYAML)
	w.write("b.yaml", "broken: [")
	w.loader.dir = filepath.Join(w.dir, "all")
	w.load()
	w.expect(0, 1)
	w.write("new", strings.Replace(clientYAML, "spec:\n", "spec:\n  clientID: other\n", 1))
	if err := os.Rename(filepath.Join(w.dir, "new"), w.loader.dir); err != nil {
		t.Fatal(err)
	}
	w.refresh(start())
	if s := w.store.Snapshot(); s.Client("other") == nil || s.Client("default.app") != nil {
		t.Error("the edit does not count")
	}
	if err := os.Remove(w.loader.dir); err != nil {
		t.Fatal(err)
	}
	if log := w.refresh(start()); !strings.Contains(log, "cannot be read; the last good state stays in force") {
		t.Errorf("log %s", log)
	}
	w.expect(0, 1)
}
