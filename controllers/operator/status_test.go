package operator

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// capture makes a world whose API server keeps the body and the options of the last patch of a status.
func capture(t *testing.T, answer error) (w *world, operations *[]map[string]any, options *client.SubResourcePatchOptions) {
	t.Helper()
	w = newWorld(t, provider(), certSecret(validCert("x")))
	operations, options = &[]map[string]any{}, &client.SubResourcePatchOptions{}
	w.client = interceptor.NewClient(w.client, interceptor.Funcs{
		SubResourcePatch: func(_ context.Context, _ client.Client, _ string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			text, err := patch.Data(obj)
			options.ApplyOptions(opts)
			return errors.Join(err, json.Unmarshal(text, operations), answer)
		},
	})
	w.restart()
	return w, operations, options
}

// A status is written as a whole, under the version that it was computed from: an operator that fell behind gets a
// conflict.
func TestStatusIsBoundToItsObject(t *testing.T) {
	w, operations, options := capture(t, nil)
	stored := &v1alpha1.IdentityProvider{}
	w.get(namespace, "partner", stored)
	if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); err != nil {
		t.Fatal(err)
	}
	if len(*operations) != 2 || stored.ResourceVersion == "" {
		t.Fatalf("patched %v", *operations)
	}
	version, status := (*operations)[0], (*operations)[1]
	if version["op"] != "replace" || version["path"] != "/metadata/resourceVersion" || version["value"] != stored.ResourceVersion {
		t.Errorf("version: %v", version)
	}
	if status["op"] != "add" || status["path"] != "/status" || status["value"] == nil {
		t.Errorf("status: %v", status)
	}
	if options.FieldManager != FieldManager {
		t.Errorf("options %+v", options)
	}
}

// No event tells of a status that was not written.
func TestUnwrittenStatusIsNotReported(t *testing.T) {
	w, _, _ := capture(t, errAPI)
	if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); !errors.Is(err, errAPI) {
		t.Errorf("error %v", err)
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

// What others wrote into a status is gone with the next write.
func TestForeignStatusIsReplaced(t *testing.T) {
	w := newWorld(t, provider())
	p := &v1alpha1.IdentityProvider{}
	w.get(namespace, "partner", p)
	p.Status = evaluated(ProviderInput{Provider: provider(inline(jwk("foreign"))), Now: start}).Status
	w.do(w.client.Status().Update(t.Context(), p, client.FieldOwner("somebody-else")))
	w.faults["patch status"] = errAPI
	if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); !errors.Is(err, errAPI) {
		t.Errorf("error %v", err)
	}
	clear(w.faults)
	if p, _ = w.provider("partner"); p.Status.Trust != nil {
		t.Errorf("still trusted: %+v", p.Status.Trust)
	}
}

func TestTruncate(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		n    int
		want string
	}{
		"short": {"abc", 3, "abc"},
		"long":  {"abcd", 3, "abc"},
		"rune":  {"aää", 4, "aä"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := truncate(tc.text, tc.n); got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
