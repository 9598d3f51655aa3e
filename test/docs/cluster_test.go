package docs

import (
	"context"
	"crypto/elliptic"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

var (
	// clusterBlock is for a reader who has Grantor in a cluster, and has applied examples/quickstart. ISSUER is his issuer.
	clusterBlock = regexp.MustCompile("(?s)```sh cluster\n(.*?)```\n")
	// helmBlock is for a reader who has a cluster and an image on it; test/e2e has both.
	helmBlock = regexp.MustCompile("(?s)```sh helm\n(.*?)```\n")
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```\n")
)

// blocks returns what each page has in blocks of a form.
func blocks(t *testing.T, form *regexp.Regexp) map[string][]string {
	t.Helper()
	root, found := harness.ModuleRoot(), map[string][]string{}
	for _, page := range allPages(t, root) {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range form.FindAllStringSubmatch(string(text), -1) {
			found[page] = append(found[page], block[1])
		}
	}
	return found
}

// TestClusterCommands runs what the pages tell the owner of a cluster to do, on a real one.
func TestClusterCommands(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, err := harness.Build(ctx, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := harness.StartControlPlane(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cp.Stop() })
	g, err := harness.StartGrantor(ctx, cp, binary, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	quickstart := filepath.Join(harness.ModuleRoot(), "examples", "quickstart")
	if out, err := cp.Kubectl(ctx, "apply", "--recursive", "-f", quickstart).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	makePartner(ctx, t, cp)
	makeOldKey(t, dir)
	if err := os.Symlink(filepath.Join(harness.ModuleRoot(), "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	commands := blocks(t, clusterBlock)
	commands["runbooks"] = runbookCommands(t, "grantor ", "https://auth.example.com", "$ISSUER")
	ran := 0
	for page, list := range commands {
		for _, block := range list {
			cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", block)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "KUBECONFIG="+cp.Kubeconfig, "ISSUER="+g.Issuer, "PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+dir+":"+os.Getenv("PATH"))
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s%s", page, err, block, out)
				if cmd.Process != nil { // the time was not over before
					_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the block has left running
				}
			}
			ran++
		}
	}
	if ran < 5 {
		t.Errorf("only %d blocks found", ran)
	}
}

// TestHelmCommands: what is run elsewhere is run as it stands, so each line is one command, of a program that a reader has.
func TestHelmCommands(t *testing.T) {
	ran := 0
	for page, list := range blocks(t, helmBlock) {
		for _, block := range list {
			for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
				if !regexp.MustCompile(`^(helm|kubectl|curl) [^;&|<>$]+$`).MatchString(line) {
					t.Errorf("%s: not one command: %s", page, line)
				}
				ran++
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands found", ran)
	}
}

// makePartner makes the Secret that the quickstart has the reader make.
func makePartner(ctx context.Context, t *testing.T, cp *harness.ControlPlane) {
	t.Helper()
	der := jwttest.Certificate(jwttest.EC("partner", elliptic.P256()), time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "partner-cert"},
		Data:       map[string][]byte{"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})},
	}
	if err := cp.Client.Create(ctx, secret); err != nil {
		t.Fatal(err)
	}
}

// makeOldKey writes the file that a reader who moves in has.
func makeOldKey(t *testing.T, dir string) {
	t.Helper()
	signer, err := jose.GenerateSigner(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "old.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
