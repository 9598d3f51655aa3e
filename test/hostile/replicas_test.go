package hostile

import (
	"path/filepath"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// durable are the options of a store that has on disk what it has acknowledged.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

// startStore starts a real Valkey or Redis with options.
func startStore(t *testing.T, args ...string) *harness.Valkey {
	t.Helper()
	v, err := harness.StartValkey(t.Context(), t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Stop)
	return v
}

// replicas starts servers with one issuer, the same objects and signing keys, and one store between them. args are options
// of the store.
func replicas(t *testing.T, n int, args ...string) ([]*world, *harness.Valkey) {
	t.Helper()
	store, keys := startStore(t, args...), t.TempDir()
	o := serverOptions{flags: []string{
		"--signing-keys", filepath.Join(keys, "signing"), "--digest-key", filepath.Join(keys, "digest"), "--state", "valkey", "--valkey-address", store.Address,
	}}
	var all []*world
	for range n {
		w := attach(t, startServer(t, o))
		o.peer = w.server
		all = append(all, w)
	}
	return all, store
}
