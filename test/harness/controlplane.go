package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// Namespace is where Grantor is installed.
const Namespace = "grantor-system"

// ControlPlane is a running etcd and kube-apiserver with Grantor's manifests applied.
type ControlPlane struct {
	// Client has all permissions and no cache.
	Client client.Client
	// Kubeconfig is a file with all permissions.
	Kubeconfig string
	// Reroute, where it is set, returns what the kubeconfig of a ServiceAccount names in place of the API server's own
	// address, host and port: a proxy in front of it. It is asked once for each process.
	Reroute func(ctx context.Context, serviceAccount, address string) (string, error)

	env    *envtest.Environment
	config *rest.Config
	dir    string
	// components are the processes that tests have asked for, to break them.
	components []*Component
}

// ModuleRoot is the folder of go.mod.
func ModuleRoot() string {
	_, file, _, _ := runtime.Caller(0) //nolint:dogsled // The other results are of no use.
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// StartControlPlane starts a control plane from the binaries in $KUBEBUILDER_ASSETS and applies config/default. Files
// go to dir. Stop ends it.
func StartControlPlane(ctx context.Context, dir string) (*ControlPlane, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS is not set: run make test, or export KUBEBUILDER_ASSETS=$(hack/controlplane.sh)")
	}
	env := &envtest.Environment{BinaryAssetsDirectory: assets}
	env.ControlPlane.GetAPIServer().Configure().Append("service-account-extend-token-expiration", "false")
	config, err := env.Start()
	if err != nil {
		return nil, fmt.Errorf("start control plane: %w", err)
	}
	cp := &ControlPlane{env: env, config: config, dir: dir}
	if err := cp.install(ctx); err != nil {
		return nil, errors.Join(err, env.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) install(ctx context.Context) error {
	if err := v1alpha1.AddToScheme(clientgoscheme.Scheme); err != nil {
		return fmt.Errorf("build scheme: %w", err)
	}
	c, err := client.New(cp.config, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	cp.Client, cp.Kubeconfig = c, filepath.Join(cp.dir, "admin.kubeconfig")
	if err := os.WriteFile(cp.Kubeconfig, cp.env.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	for _, args := range [][]string{
		{"apply", "--server-side", "-k", filepath.Join(ModuleRoot(), "config", "default")},
		{"wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"},
	} {
		if out, err := cp.Kubectl(ctx, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl %v: %w: %s", args, err, bytes.TrimSpace(out))
		}
	}
	return nil
}

// Stop ends the control plane.
func (cp *ControlPlane) Stop() error {
	for _, c := range slices.Backward(cp.components) {
		c.stop()
	}
	if err := cp.env.Stop(); err != nil {
		return fmt.Errorf("stop control plane: %w", err)
	}
	return nil
}

// Kubectl returns a kubectl command with all permissions.
func (cp *ControlPlane) Kubectl(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), args...) // #nosec G204 -- a pinned tool
	cmd.Env = append(os.Environ(), "KUBECONFIG="+cp.Kubeconfig)
	return cmd
}

// ServiceAccountToken asks the API server for a token of a ServiceAccount, for the given audiences or its default.
func (cp *ControlPlane) ServiceAccountToken(ctx context.Context, namespace, name string, audiences ...string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := cp.Client.SubResource("token").Create(ctx, account, request); err != nil {
		return "", fmt.Errorf("request token of %s/%s: %w", namespace, name, err)
	}
	return request.Status.Token, nil
}

// KubeconfigFor writes a kubeconfig with the permissions of a ServiceAccount of Grantor's namespace.
func (cp *ControlPlane) KubeconfigFor(ctx context.Context, serviceAccount string) (string, error) {
	token, err := cp.ServiceAccountToken(ctx, Namespace, serviceAccount)
	if err != nil {
		return "", err
	}
	server, name := cp.config.Host, serviceAccount
	if cp.Reroute != nil {
		address, err := cp.Reroute(ctx, serviceAccount, hostAndPort(server))
		if err != nil {
			return "", err
		}
		server, name = "https://"+address, name+"-"+address
	}
	c := clientcmdapi.NewConfig()
	c.Clusters["local"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: cp.config.CAData}
	c.AuthInfos[serviceAccount] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: serviceAccount, Namespace: Namespace}
	c.CurrentContext = "local"
	file := filepath.Join(cp.dir, name+".kubeconfig")
	// In one step: a process of the same account may be reading it.
	if err := errors.Join(clientcmd.WriteToFile(*c, file+".new"), os.Rename(file+".new", file)); err != nil {
		return "", fmt.Errorf("write kubeconfig: %w", err)
	}
	return file, nil
}

// hostAndPort is the address in a server's URL, which may be no more than that.
func hostAndPort(server string) string {
	return strings.Trim(strings.TrimPrefix(server, "https://"), "/")
}
