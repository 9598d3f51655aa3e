package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/release"
)

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "https://127.0.0.1:6443"}}]
contexts: [{name: local, context: {cluster: local}}]
current-context: local
`

// A variable that is empty where a list was meant must not open all namespaces.
func TestWatchedNamespaces(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want release.Namespaces
		fail bool
	}{
		"left out":   {nil, nil, false},
		"empty":      {[]string{"--watch-namespaces="}, nil, true},
		"one":        {[]string{"--watch-namespaces=team-a"}, release.Namespaces{"grantor", "team-a"}, false},
		"twice":      {[]string{"--watch-namespaces=team-b", "--watch-namespaces=team-a"}, release.Namespaces{"grantor", "team-a", "team-b"}, false},
		"and empty":  {[]string{"--watch-namespaces=team-a,"}, nil, true},
		"everything": {[]string{"--watch-namespaces=*"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			var f clusterFlags
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			f.add(flags)
			if err := flags.Parse(append(tc.args, "--namespace=grantor")); err != nil {
				t.Fatal(err)
			}
			own, got, err := f.namespaces()
			if (err != nil) != tc.fail || !tc.fail && own != "grantor" || !slices.Equal(got, tc.want) {
				t.Errorf("own %q, watched %v, error %v", own, got, err)
			}
		})
	}
}

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
