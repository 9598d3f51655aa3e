package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// result is what a script reports of one case.
type result struct {
	// Failed says how the library failed, and is empty when it did not.
	Failed      string `json:"failed"`
	Status      int    `json:"status"`
	Error       string `json:"error"`
	Description string `json:"description"`
	// Response is the token response as the library returned it, and Claims are those of the access token it holds.
	Response tokenResponse `json:"response"`
	Claims   claims        `json:"claims"`
	// Active is what introspection says; Claims are those of its answer then.
	Active *bool `json:"active"`
}

type tokenResponse struct {
	AccessToken string  `json:"access_token"`
	TokenType   string  `json:"token_type"`
	ExpiresIn   float64 `json:"expires_in"`
	Scope       string  `json:"scope"`
}

// claims are those of an access token (RFC 9068 §2.2).
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	// Actor is who acts (RFC 8693 §4.1).
	Actor struct {
		Subject string `json:"sub"`
	} `json:"act"`
}

// script runs a script of folder node and returns what it reports.
func script(ctx context.Context, t *testing.T, name string) map[string]result {
	t.Helper()
	told, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	node := nodeFolder(ctx, t)
	cmd := exec.CommandContext(ctx, filepath.Join(node, "node"), name+".mjs")
	cmd.Dir = scripts(t, node)
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+world.certificate.File)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(told), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.Bytes())
	}
	var results map[string]result
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.Bytes())
	}
	return results
}

// nodeFolder is where Node.js and the libraries are.
func nodeFolder(ctx context.Context, t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, filepath.Join(harness.ModuleRoot(), "hack", "node.sh"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("install Node.js and its libraries: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// scripts is a folder with the scripts, where they find the libraries.
func scripts(t *testing.T, node string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(node, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(harness.ModuleRoot(), "test", "interop", "node"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// libraries are the scripts.
func libraries() []string { return []string{"jose", "oauth4webapi", "openid-client"} }

// TestNode: what each library of Node.js makes of the answers. All cases of a script are judged, and nothing else.
func TestNode(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	results := map[string]result{}
	for _, library := range libraries() {
		for name, r := range script(ctx, t, library) {
			results[library+", "+name] = r
		}
	}
	var judged []string
	for name, want := range expectations() {
		judged = append(judged, name)
		t.Run(name, func(t *testing.T) {
			got, ok := results[name]
			if !ok {
				t.Fatal("the script reports no such case")
			}
			want.check(t, got)
		})
	}
	for name := range results {
		if !slices.Contains(judged, name) {
			t.Errorf("nobody says what is right for %s", name)
		}
	}
}
