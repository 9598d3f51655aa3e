package app

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// serveStandalone runs the standalone command within the test, and returns the address of its endpoints. It may not be ready yet.
func serveStandalone(t *testing.T, issuer func(address string) string, manifests string) (address string) {
	t.Helper()
	// A process has one server, and one registry for it.
	before := metrics.Registry
	metrics.Registry = prometheus.NewRegistry()
	t.Cleanup(func() { metrics.Registry = before })
	address = freeAddress(t)
	cmd := standaloneCommand()
	cmd.SetArgs([]string{
		"--issuer", issuer(address), "--manifests", manifests, "--listen", address, "--ops-listen", freeAddress(t),
		"--drain", "0s", "--log-level", "error",
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return address
}
