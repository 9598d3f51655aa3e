package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

func TestOps(t *testing.T) {
	waiting := errors.New("waiting for keys")
	for name, tc := range map[string]struct {
		path     string
		ready    error
		stopping bool
		code     int
		body     string
	}{
		"alive while not ready": {"/healthz", waiting, true, http.StatusOK, "ok\n"},
		"ready":                 {"/readyz", nil, false, http.StatusOK, "ok\n"},
		"waiting":               {"/readyz", waiting, false, http.StatusServiceUnavailable, "waiting for keys\n"},
		"stopping":              {"/readyz", nil, true, http.StatusServiceUnavailable, "stopping\n"},
		"metrics":               {"/metrics", waiting, false, http.StatusOK, ""},
		"metrics elsewhere":     {"/metrics", nil, false, http.StatusNotFound, ""},
		"nothing else":          {"/", nil, false, http.StatusNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := &ops{ready: func() error { return tc.ready }, metricsElsewhere: name == "metrics elsewhere"}
			o.stopping.Store(tc.stopping)
			w := httptest.NewRecorder()
			o.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil))
			if w.Code != tc.code || tc.body != "" && w.Body.String() != tc.body {
				t.Errorf("%d %q", w.Code, w.Body)
			}
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

func TestServeStopsInOrder(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := &ops{ready: func() error { return nil }}
	entered, release, workEnded := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		select {
		case <-workEnded:
			w.WriteHeader(http.StatusInternalServerError)
		default:
		}
	})
	work := func(ctx context.Context) error {
		<-ctx.Done()
		close(workEnded)
		return ctx.Err()
	}
	public := freeAddress(t)
	ended := make(chan error, 1)
	const drain = 50 * time.Millisecond
	go func() {
		ended <- serve(ctx, slog.New(slog.DiscardHandler), o, drain, work, listener{name: "the token endpoint", flag: "--listen", address: public, handler: slow})
	}()
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", public)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	code := make(chan int, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+public, http.NoBody)
		if err != nil {
			code <- 0
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			code <- 0
			return
		}
		_ = res.Body.Close()
		code <- res.StatusCode
	}()
	<-entered
	begin := time.Now()
	stop()
	for deadline := begin.Add(10 * time.Second); !o.stopping.Load(); {
		if time.Now().After(deadline) {
			t.Fatal("never not Ready")
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("ended with a request in flight: %v", err)
	default:
	}
	close(release)
	if got := <-code; got != http.StatusOK {
		t.Errorf("request in flight: %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d < drain {
		t.Errorf("stopped after %v", d)
	}
}

func TestServeFails(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	o := &ops{}
	log := slog.New(slog.DiscardHandler)
	for address, says := range map[string]string{
		l.Addr().String(): "listen for operations: listen tcp " + l.Addr().String() + ": bind: address already in use: name another address with --ops-listen",
		"":                "--ops-listen must not be empty",
		"8081":            "missing port in address: name another address with --ops-listen",
	} {
		err = serve(t.Context(), log, o, 0, nil, listener{name: "operations", flag: "--ops-listen", address: address, handler: http.NotFoundHandler()})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", address, err)
		}
	}
	broken := errors.New("broken")
	err = serve(t.Context(), log, o, time.Hour, func(context.Context) error { return broken }, listener{name: "x", address: "127.0.0.1:0", handler: http.NotFoundHandler()})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// M-12: the key of refresh tokens is the same at every start, and a file that holds none is not written over.
func TestOpenDigestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "digest.key")
	first, err := openDigestKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := openDigestKey(file); err != nil || second.ID() != first.ID() {
		t.Errorf("the second start has the key %v instead of %v: %v", second, first, err)
	}
	if other, err := openDigestKey(""); err != nil || other.ID() == first.ID() {
		t.Errorf("without a file there is the key %v: %v", other, err)
	}
	if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openDigestKey(file); err == nil || !strings.Contains(err.Error(), "--digest-key") || !strings.Contains(err.Error(), "restore the file") {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "garbage" { // #nosec G304 -- a folder of the test
		t.Errorf("overwritten: %v", err)
	}
}

func TestOpenRing(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	file := filepath.Join(dir, "keys.json")
	// What a process that was killed, or somebody else, may have left.
	if err := os.WriteFile(file+".new", []byte("left over"), 0o644); err != nil { // #nosec G306 -- that others can read it is the point
		t.Fatal(err)
	}
	first, err := openRing(file, now)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("files %v, %v", entries, err)
	}
	second, err := openRing(file, now.Add(time.Hour))
	if err != nil || first.Current(now).PublicKey().Thumbprint() != second.Current(now).PublicKey().Thumbprint() {
		t.Errorf("the second start has other keys: %v", err)
	}
	if err := writeNew(file, []byte("garbage")); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	if _, err := openRing(file, now); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openRing(file, now); err == nil || !strings.Contains(err.Error(), "restore the file") {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "garbage" { // #nosec G304 -- a folder of the test
		t.Errorf("overwritten: %v", err)
	}
}

func TestGrantTypes(t *testing.T) {
	var names, types []string
	for _, g := range oauth.Grants() {
		names, types = append(names, g.Name, g.Name), append(types, g.Type)
	}
	got, err := grantTypes(names)
	if diff := cmp.Diff(types, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := grantTypes([]string{"password"}); err == nil || !strings.Contains(err.Error(), "use jwt-bearer, client-credentials") {
		t.Errorf("got %v", err)
	}
}

func TestOwnNamespace(t *testing.T) {
	for name, tc := range map[string]struct{ flag, env, want string }{
		"flag first":  {"a", "b", "a"},
		"environment": {"", "b", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("POD_NAMESPACE", tc.env)
			if got, err := (&clusterFlags{namespace: tc.flag}).ownNamespace(); err != nil || got != tc.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"unknown command": {[]string{"serve"}, 1, "", `unknown command "serve"`},
		"unknown flag":    {[]string{"standalone", "--bogus"}, 1, "", "unknown flag: --bogus"},
		"stray argument":  {[]string{"standalone", "x"}, 1, "", "grantor: "},
		"missing flag":    {[]string{"standalone"}, 1, "", "--manifests is required"},
		"version":         {[]string{"--version"}, 0, Version(), ""},
		"help":            {[]string{"--help"}, 0, "standalone", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Main(tc.args, &stdout, io.Writer(&stderr))
			if code != tc.code || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("%d, stdout %q, stderr %q", code, &stdout, &stderr)
			}
		})
	}
}
