package operator

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/resolve/fetch"
)

func TestSetupNeedsItsOptions(t *testing.T) {
	clock := func() time.Time { return start }
	keys := KeyFetcher{Documents: fetch.New(fetch.Policy{}), Cluster: func(context.Context, string) ([]byte, error) { return nil, errSite }}
	registry := prometheus.NewRegistry()
	for name, opts := range map[string]Options{
		"nothing":      {},
		"no clock":     {Namespace: releaseNamespace, Keys: keys, Metrics: registry},
		"no namespace": {Clock: clock, Keys: keys, Metrics: registry},
		"no documents": {Namespace: releaseNamespace, Clock: clock, Keys: KeyFetcher{Cluster: keys.Cluster}, Metrics: registry},
		"no cluster":   {Namespace: releaseNamespace, Clock: clock, Keys: KeyFetcher{Documents: keys.Documents}, Metrics: registry},
		"no metrics":   {Namespace: releaseNamespace, Clock: clock, Keys: keys},
	} {
		t.Run(name, func(t *testing.T) {
			// Without a manager: the options are looked at first.
			if err := SetupWithManager(nil, opts); err == nil || !strings.Contains(err.Error(), "required") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// indexer records what is registered, and fails for one name.
type indexer struct {
	names []string
	fail  string
}

func (i *indexer) IndexField(_ context.Context, _ client.Object, name string, _ client.IndexerFunc) error {
	i.names = append(i.names, name)
	if name == i.fail {
		return errAPI
	}
	return nil
}

// The permissions that the markers ask for are all that the operator may have: what a reviewer reads here.
func TestPermissions(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	marker := regexp.MustCompile(`(?m)^// \+kubebuilder:rbac:(.+)$`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range marker.FindAllStringSubmatch(string(text), -1) {
			got = append(got, m[1])
		}
	}
	slices.Sort(got)
	want := []string{
		`groups="",namespace=grantor-system,resources=events,verbs=create;patch`,
		`groups="",namespace=grantor-system,resources=secrets,resourceNames=grantor-signing-keys;grantor-digest-key,verbs=update`,
		`groups="",resources=configmaps,verbs=get;list;watch`,
		`groups="",resources=secrets,verbs=create`,
		`groups="",resources=secrets,verbs=get;list;watch`,
		`groups="",resources=secrets,verbs=update`,
		`groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;create;update`,
		`groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;list;watch;delete`,
		`groups=events.k8s.io,resources=events,verbs=create;patch`,
		`groups=grantor.dev,resources=identityproviders,verbs=get;list;watch`,
		`groups=grantor.dev,resources=identityproviders/status;oauthclients/status,verbs=update`,
		`groups=grantor.dev,resources=oauthclients,verbs=get;list;watch`,
		`urls=/.well-known/openid-configuration;/openid/v1/jwks,verbs=get`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRegisterIndexes(t *testing.T) {
	want := []string{
		IndexProviderSecret, IndexProviderConfigMap, IndexProviderIssuer, IndexClientSecret, IndexClientConfigMap, IndexClientDigestKey, IndexClientID, IndexClientProvider,
	}
	i := &indexer{}
	if err := registerIndexes(t.Context(), i); err != nil || !cmp.Equal(want, i.names) {
		t.Errorf("error %v, registered %v", err, i.names)
	}
	for _, name := range want {
		if err := registerIndexes(t.Context(), &indexer{fail: name}); !errors.Is(err, errAPI) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
