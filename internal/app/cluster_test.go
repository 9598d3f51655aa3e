package app

import (
	"os"
	"path/filepath"
	"testing"
)

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://127.0.0.1:6443"}}]
contexts: [{name: local, context: {cluster: local}}]
current-context: local
`

// What the API server does for us in vain costs it, for every event and every process that watches.
func TestConnectionCostsTheAPIServerLittle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&clusterFlags{kubeconfig: file}).config()
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != "https://127.0.0.1:6443" || !c.DisableCompression || c.QPS >= 0 {
		t.Errorf("host %s, compression off %v, at most %v requests/s", c.Host, c.DisableCompression, c.QPS)
	}
}
