package docs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

// runSteps are the commands of the steps of a workflow, wherever they stand.
func runSteps(content any) (steps []string) {
	switch content := content.(type) {
	case map[string]any:
		if run, ok := content["run"].(string); ok {
			steps = append(steps, run)
		}
		for _, value := range content {
			steps = append(steps, runSteps(value)...)
		}
	case []any:
		for _, value := range content {
			steps = append(steps, runSteps(value)...)
		}
	}
	return steps
}

// TestWorkflows runs the steps of the workflows on the pages, each where it finds what it finds in a workflow.
func TestWorkflows(t *testing.T) {
	run := map[string]func(context.Context, *testing.T, string, string){
		"docs/github-actions.md": runDeployment,
		"docs/lint.md":           runLint,
	}
	dir := t.TempDir()
	if _, err := harness.Build(t.Context(), dir, false); err != nil {
		t.Fatal(err)
	}
	for _, d := range documents(t) {
		if d.is != isWorkflow {
			continue
		}
		t.Run(d.page, func(t *testing.T) {
			if run[d.page] == nil {
				t.Fatalf("nothing runs the steps of\n%s", d.text)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			for _, step := range runSteps(d.content) {
				run[d.page](ctx, t, dir, step)
			}
		})
		delete(run, d.page)
	}
	for page := range run {
		t.Errorf("%s has no workflow any more", page)
	}
}

// runStep runs a step as a runner does.
func runStep(ctx context.Context, dir, binaries, step string, env ...string) error {
	cmd := exec.CommandContext(ctx, "bash", "-eo", "pipefail", "-c", step)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PATH="+binaries+":"+os.Getenv("PATH")), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s%s", err, step, out)
	}
	return nil
}

// runLint runs a step in a repository with the manifests of the quickstart.
func runLint(ctx context.Context, t *testing.T, binaries, step string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "manifests"), os.DirFS(filepath.Join(harness.ModuleRoot(), "examples", "quickstart"))); err != nil {
		t.Fatal(err)
	}
	if err := runStep(ctx, dir, binaries, step); err != nil {
		t.Error(err)
	}
}

// runDeployment runs a step where GitHub hands out tokens, with a token server that has the objects of the page. Their keys
// are in a certificate, for GitHub's are out of reach.
func runDeployment(ctx context.Context, t *testing.T, binaries, step string) {
	t.Helper()
	dir, key := t.TempDir(), jwttest.RSA("github", 2048)
	address, err := harness.FreeAddress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + address
	const asked = "a-token-of-the-runner"
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+asked {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		now := time.Now()
		claims := fmt.Sprintf(`{"iss":"https://token.actions.githubusercontent.com","sub":"repo:octo-org/app:ref:refs/heads/main","aud":%q,`+
			`"repository":"octo-org/app","repository_owner_id":"65","ref":"refs/heads/main","iat":%d,"exp":%d,"jti":"%d"}`,
			r.URL.Query().Get("audience"), now.Unix(), now.Add(5*time.Minute).Unix(), now.UnixNano())
		_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": jwttest.Compact("RS256", key, `{"alg":"RS256","typ":"JWT"}`, claims)})
	}))
	t.Cleanup(github.Close)
	server := replace("https://auth.example.com", issuer)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jwttest.Certificate(key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))})
	p, err := harness.StartStandalone(ctx, filepath.Join(binaries, "grantor"), dir, harness.Standalone{
		Issuer: issuer, Listen: address, Objects: append(deployment(t, server), map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "github", "namespace": "delivery"},
			"data": map[string]any{"tls.crt": certificate},
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	// A server takes nothing that was signed before it started: what is signed in the second of its start has to be asked for again.
	err = harness.Poll(ctx, 30*time.Second, func() error {
		return runStep(ctx, dir, binaries, server(step), "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+asked, "ACTIONS_ID_TOKEN_REQUEST_URL="+github.URL+"/?api-version=2.0")
	})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(read(t, filepath.Join(dir, "token")), ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err != nil || !strings.Contains(string(payload), `octo-org/app@refs/heads/main"`) || !strings.Contains(string(payload), `"https://deploy.example.com"`) {
		t.Errorf("not a token for the deployment: %v %s", err, payload)
	}
}

// deployment are the objects of the page about GitHub Actions.
func deployment(t *testing.T, server func(string) string) (objects []map[string]any) {
	t.Helper()
	keys := replace("discovery: {}", "certificateSecretRef: {name: github}\n  clockSkew: 0s")
	for _, d := range documents(t) {
		if d.is != isObject || d.page != "docs/github-actions.md" {
			continue
		}
		object := map[string]any{}
		if err := yaml.Unmarshal([]byte(keys(server(d.text))), &object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}
