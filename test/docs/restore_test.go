package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

// newClusterBlock is for a reader who has a backup, and a cluster in which nothing was installed.
var newClusterBlock = regexp.MustCompile("(?s)```sh new cluster\n(.*?)```\n")

// TestRestoreInNewCluster does what the page about production says, with the name of a namespace that is not there.
func TestRestoreInNewCluster(t *testing.T) {
	const usual, absent = "grantor-system", "grantor-elsewhere"
	dir := t.TempDir()
	cp, err := harness.StartControlPlane(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cp.Stop() })
	key := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: usual, Name: "grantor-signing-keys"}, Type: "grantor.dev/signing-keys", Data: map[string][]byte{"a": []byte("b")}}
	if err := cp.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	digest := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: usual, Name: "grantor-digest-key"}, Data: key.Data}
	if err := cp.Client.Create(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	page := "docs/production.md"
	restore := blocks(t, newClusterBlock)[page]
	var backup string
	for _, block := range blocks(t, clusterBlock)[page] {
		if strings.Contains(block, "> grantor-keys.yaml") {
			backup = block
		}
	}
	if len(restore) != 1 || backup == "" {
		t.Fatalf("%d ways to restore, and backup by %q", len(restore), backup)
	}
	file := filepath.Join(dir, "grantor-keys.yaml")
	run := func(block string) {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "KUBECONFIG="+cp.Kubeconfig, "PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s%s", err, block, out)
		}
	}
	run(backup)
	text := strings.ReplaceAll(read(t, file), usual, absent)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(strings.ReplaceAll(restore[0], usual, absent))
	for _, name := range []string{key.Name, digest.Name} {
		var got corev1.Secret
		if err := cp.Client.Get(t.Context(), client.ObjectKey{Namespace: absent, Name: name}, &got); err != nil || string(got.Data["a"]) != "b" {
			t.Errorf("%s: %v, %v", name, err, got.Data)
		}
	}
}
