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
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestSetupNeedsItsOptions(t *testing.T) {
	clock := func() time.Time { return start }
	for name, opts := range map[string]Options{
		"nothing":      {},
		"no clock":     {Namespace: releaseNamespace},
		"no namespace": {Clock: clock},
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
		`groups="",resources=secrets,verbs=create`,
		`groups="",resources=secrets,verbs=get;list;watch`,
		`groups=coordination.k8s.io,namespace=grantor-system,resources=leases,verbs=get;create;update`,
		`groups=events.k8s.io,resources=events,verbs=create;patch`,
		`groups=grantor.dev,resources=identityproviders,verbs=get;list;watch`,
		`groups=grantor.dev,resources=identityproviders/status;oauthclients/status,verbs=patch`,
		`groups=grantor.dev,resources=oauthclients,verbs=get;list;watch`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRegisterIndexes(t *testing.T) {
	want := []string{IndexProviderSecret, IndexProviderIssuer, IndexClientSecret, IndexClientID, IndexClientProvider}
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
