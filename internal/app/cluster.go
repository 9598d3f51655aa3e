package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
)

// namespaceFile is where a pod finds its own namespace.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// clusterFlags say which cluster and which namespace.
type clusterFlags struct {
	kubeconfig, namespace string
	watch                 []string
}

func (f *clusterFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, else the pod's own credentials, else ~/.kube/config)")
	flags.StringVar(&f.namespace, "namespace", "", "namespace of this release, which holds its signing keys (default: $POD_NAMESPACE, else the pod's own)")
	flags.StringSliceVar(&f.watch, "watch-namespaces", nil,
		"serve the objects of these namespaces and of the release's own only (default: all); the same for operator and token servers")
}

func (f *clusterFlags) config() (*rest.Config, error) {
	if f.kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
		if c, err := rest.InClusterConfig(); err == nil {
			return tuned(c), nil
		} else if !errors.Is(err, rest.ErrNotInCluster) {
			return nil, fmt.Errorf("read the pod's credentials: %w", err)
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w; name a file with --kubeconfig", err)
	}
	return tuned(c), nil
}

// tuned leaves the rate of requests to the API server's own priority and fairness, and asks it not to compress: it would
// compress every event of a watch by itself, for each process that watches, which costs both ends more than the bytes do.
func tuned(c *rest.Config) *rest.Config {
	c.QPS, c.DisableCompression = -1, true
	return c
}

func (f *clusterFlags) ownNamespace() (string, error) {
	for _, ns := range []string{f.namespace, os.Getenv("POD_NAMESPACE")} {
		if ns != "" {
			return ns, nil
		}
	}
	b, err := os.ReadFile(namespaceFile)
	if err != nil {
		return "", errors.New("the namespace of this release is unknown outside a pod: set --namespace")
	}
	return strings.TrimSpace(string(b)), nil
}

// namespaces returns the release's own namespace, and those whose objects are served.
func (f *clusterFlags) namespaces() (own string, watched release.Namespaces, err error) {
	if own, err = f.ownNamespace(); err != nil {
		return "", nil, err
	}
	if watched, err = release.WatchedNamespaces(f.watch, own); err != nil {
		return "", nil, fmt.Errorf("--watch-namespaces: %w", err)
	}
	return own, watched, nil
}

// manager connects to the cluster. Its cache refuses to read what nobody watches, and it serves nothing: each role has a
// port for operations of its own.
func (f *clusterFlags) manager(objects map[client.Object]cache.ByObject, elect func(*ctrl.Options)) (ctrl.Manager, error) {
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	options := ctrl.Options{
		Scheme:         scheme,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return newMapper(), nil },
		Cache: cache.Options{
			ReaderFailOnMissingInformer: true,
			DefaultTransform:            cache.TransformStripManagedFields(),
			ByObject:                    objects,
		},
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
	}
	elect(&options)
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("connect to the API server: %w", err)
	}
	return mgr, nil
}

// newMapper knows the kinds that we work with, so that a process can start while the API server cannot be asked for them.
func newMapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for kind, gv := range map[string]schema.GroupVersion{
		"IdentityProvider": v1alpha1.GroupVersion(), "OAuthClient": v1alpha1.GroupVersion(),
		"Secret": corev1.SchemeGroupVersion, "ConfigMap": corev1.SchemeGroupVersion, "Lease": coordinationv1.SchemeGroupVersion,
	} {
		// A list that is read from the cache of a namespace is looked up by its own kind, as the API server's mapping has it too.
		m.Add(gv.WithKind(kind), meta.RESTScopeNamespace)
		m.Add(gv.WithKind(kind+"List"), meta.RESTScopeNamespace)
	}
	return m
}

func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, fmt.Errorf("build scheme: %w", err)
	}
	return s, nil
}
