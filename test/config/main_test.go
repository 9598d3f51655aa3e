package config

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

var (
	update = flag.Bool("update", false, "write the golden files")
	// cluster is a control plane with config/default applied.
	cluster *harness.ControlPlane
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := run(m); err != nil {
		fmt.Fprintln(os.Stderr, "test/config:", err)
		os.Exit(1)
	}
}

func run(m *testing.M) (err error) {
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if cluster, err = harness.StartControlPlane(context.Background(), dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if m.Run() != 0 {
		return errors.New("tests failed")
	}
	return nil
}

// serviceAccount is a client with a real token of a ServiceAccount of Grantor's, and its permissions.
func serviceAccount(t *testing.T, name string) client.Client {
	t.Helper()
	kubeconfig, err := cluster.KubeconfigFor(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, config)
}

// almighty is a client with all permissions that goes by a name.
func almighty(t *testing.T, user string) client.Client {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters", "system:authenticated"}}
	return newClient(t, config)
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	config.QPS = -1 // The API server is the test's own.
	c, err := client.New(config, client.Options{Scheme: cluster.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
