package operator

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// advertise makes the API server that the harness starts tell an address of this namespace as its own: it looks for one
// by itself where there is a default route only.
func advertise(t *testing.T, dir string) {
	t.Helper()
	const variable, server = "KUBEBUILDER_ASSETS", "kube-apiserver"
	assets := os.Getenv(variable)
	if assets == "" {
		t.Fatalf("%s is not set: run make test, or export %s=$(hack/controlplane.sh)", variable, variable)
	}
	wrapped := filepath.Join(dir, "assets")
	if err := os.Mkdir(wrapped, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etcd", "kubectl"} {
		if err := os.Symlink(filepath.Join(assets, name), filepath.Join(wrapped, name)); err != nil {
			t.Fatal(err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\" --advertise-address=%s\n", filepath.Join(assets, server), publicAddress)
	if err := os.WriteFile(filepath.Join(wrapped, server), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, wrapped)
}
