package console

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestMetricsByToken: where the cluster says who reads metrics, the console shows the token of its account, by TLS; without one,
// or before a certificate that nobody has signed, it says why it cannot.
func TestMetricsByToken(t *testing.T) {
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	launch, _, err := grantor.AnotherTokenServer(t.Context(), "tokenserver-guarded", "--metrics-listen", address)
	if err != nil {
		t.Fatal(err)
	}
	server, err := launch.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if err := server.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := site.ControlPlane.ServiceAccountToken(t.Context(), harness.Namespace, "grantor-console")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	metrics := "https://" + address + "/metrics"
	for name, tc := range map[string]struct {
		args  []string
		shows string
	}{
		"token":    {[]string{"--metrics-token-file", file, "--metrics-insecure"}, "1 of 1"},
		"no-token": {[]string{"--metrics-insecure"}, "the console's ServiceAccount may not read metrics there"},
		"stranger": {[]string{"--metrics-token-file", file}, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, console := started(t, "console-"+name, append(tc.args, "--metrics-url", metrics)...)
			reload(t, console+"/live", tc.shows)
		})
	}
}
