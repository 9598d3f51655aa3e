package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// failpoints are where a panic is put into the source, for this test's binary alone: what ships has no switch for it.
var failpoints = []struct{ file, after, insert string }{
	// In the handling of a request that asks for it.
	{"tokenserver/handler.go", "\tdefer h.recoverPanic(w, r)\n", "\tif r.Header.Get(\"X-Failpoint\") != \"\" {\n\t\tpanic(\"failpoint\")\n\t}\n"},
	// In the goroutine that follows the folder of manifests, and that which follows the API server.
	{"controllers/trustsync/client.go", "func CompileClient(o *v1alpha1.OAuthClient) (*trust.Client, error) {\n", "\tif o.Name == \"failpoint\" {\n\t\tpanic(\"failpoint\")\n\t}\n"},
}

// buildFailing builds the binary with the failpoints.
func buildFailing(t *testing.T) string {
	t.Helper()
	dir, overlay := t.TempDir(), map[string]string{}
	for _, f := range failpoints {
		original := filepath.Join(harness.ModuleRoot(), filepath.FromSlash(f.file))
		text, err := os.ReadFile(original)
		try(t, err)
		if strings.Count(string(text), f.after) != 1 {
			t.Fatalf("%s has not exactly one place that reads %q: change this test with it", f.file, f.after)
		}
		changed := filepath.Join(dir, strings.ReplaceAll(f.file, "/", "-"))
		try(t, os.WriteFile(changed, []byte(strings.Replace(string(text), f.after, f.after+f.insert, 1)), 0o600))
		overlay[original] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	try(t, err)
	file := filepath.Join(dir, "overlay.json")
	try(t, os.WriteFile(file, text, 0o600))
	out := filepath.Join(dir, "grantor")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-overlay", file, "-o", out, "./cmd/grantor")
	cmd.Dir = harness.ModuleRoot()
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, said)
	}
	return out
}

// TestF37Panic: a panic in the handling of a request, and one in a goroutine of the server's own. The request gets one answer
// of its own, an edit that leads to the other is not taken over, both are told, and everybody else gets tokens.
func TestF37Panic(t *testing.T) {
	const times = 20
	failing := buildFailing(t)
	site := newSite(t)
	s := site.start(func(l *harness.Launch) { l.Binary = failing })
	load := s.load(50)
	for range times {
		if got := s.panicking(); got != "500 server_error" {
			t.Errorf("a request that panics is answered %s", got)
		}
	}
	if n := s.metric("grantor_panics_total"); n != times {
		t.Errorf("%v panics are counted instead of %d", n, times)
	}
	site.declare("poison", site.oauthClient("failpoint")...)
	within(t, 10*time.Second, "an edit that leads to a panic is reported", func() error {
		text, err := os.ReadFile(s.Log)
		if err != nil || !strings.Contains(string(text), "bug in Grantor") {
			return errors.Join(err, errors.New("the log says nothing"))
		}
		return nil
	})
	if got := s.askAs(t.Context(), "failpoint", s.fresh()); got != "401 invalid_client" {
		t.Errorf("the client of that edit gets %s", got)
	}
	site.declare("poison", site.oauthClient("mended")...)
	within(t, 10*time.Second, "the next edit counts", func() error {
		if got := s.askAs(t.Context(), "mended", s.fresh()); got != granted {
			return errors.New(got)
		}
		return nil
	})
	s.flawless("beside panics", load)
	s.alive()
}

// panicking sends a request that runs into the failpoint.
func (s *server) panicking() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/oauth2/token", strings.NewReader(tokenRequest(s.fresh())))
	try(s.t, err)
	request.Header.Set("X-Failpoint", "panic")
	response, err := s.client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var body map[string]string
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err.Error()
	}
	return fmt.Sprint(response.StatusCode, " ", body["error"])
}
