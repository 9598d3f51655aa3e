package cel

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/grantor-dev/grantor/internal/manifests"
)

// namespace is where the objects of the tests are.
const namespace = "team-a"

var (
	// api is the API server, with all permissions.
	api client.Client
	// offline judges the same objects without one.
	offline *manifests.Reader
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := run(m); err != nil {
		fmt.Fprintln(os.Stderr, "test/cel:", err)
		os.Exit(1)
	}
}

var errTestsFailed = errors.New("tests failed")

func run(m *testing.M) (err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS is not set: run make test, or export KUBEBUILDER_ASSETS=$(hack/controlplane.sh)")
	}
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := env.Start()
	if err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, env.Stop()) }()
	config.QPS = -1
	if api, err = client.New(config, client.Options{Scheme: scheme.Scheme}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if offline, err = manifests.NewReader(); err != nil {
		return err
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := api.Create(context.Background(), ns); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	if m.Run() != 0 {
		return errTestsFailed
	}
	return nil
}
