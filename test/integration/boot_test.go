package integration

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestBootWithoutAPIServer: F02: a token server that starts while the API server is down lives, is not Ready, and answers
// that it cannot answer. It is never Ready half-loaded.
func TestBootWithoutAPIServer(t *testing.T) {
	dir := t.TempDir()
	config, err := clientcmd.LoadFromFile(grantor.ControlPlane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range config.Clusters {
		c.Server = "https://" + freeAddress(t)
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	address, ops := freeAddress(t), freeAddress(t)
	p, err := harness.Start(t.Context(), grantor.Binary, dir, "tokenserver", ops, "tokenserver", "--issuer", grantor.Issuer,
		"--listen", address, "--drain", "0s", "--namespace", harness.Namespace, "--kubeconfig", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	err = harness.Poll(t.Context(), effectTimeout, func() error {
		a, err := post(t.Context(), "http://"+address+"/oauth2/token", "x", "y", "z")
		if err == nil && (a.status != http.StatusServiceUnavailable || a.Error != "temporarily_unavailable") {
			return harness.Permanent(fmt.Errorf("answers %+v", a))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK} {
		response, err := http.Get(p.OpsURL + path) //nolint:noctx // A test with a deadline of its own.
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %d instead of %d", path, response.StatusCode, want)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	a, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}
