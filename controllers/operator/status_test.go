package operator

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// capture makes a world whose API server keeps the body and the options of the last write of a status.
func capture(t *testing.T, answer error) (w *world, body *map[string]any, options *client.SubResourceUpdateOptions) {
	t.Helper()
	w = newWorld(t, provider(), certSecret(validCert("x")), oauthClient(), clientSecret(clientValue))
	body, options = &map[string]any{}, &client.SubResourceUpdateOptions{}
	w.client = interceptor.NewClient(w.client, interceptor.Funcs{
		SubResourceUpdate: func(_ context.Context, _ client.Client, _ string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			text, err := json.Marshal(obj)
			options.ApplyOptions(opts)
			return errors.Join(err, json.Unmarshal(text, body), answer)
		},
	})
	w.restart()
	return w, body, options
}

// A status is written as a whole, under the version that it was computed from: an operator that fell behind gets a
// conflict. Nothing else is sent.
func TestStatusIsBoundToItsObject(t *testing.T) {
	w, body, options := capture(t, nil)
	for name, tc := range map[string]struct {
		object    client.Object
		reconcile reconcile.Reconciler
	}{
		"provider": {provider(), w.providers},
		"client":   {oauthClient(), w.clients},
	} {
		t.Run(name, func(t *testing.T) {
			w.get(namespace, tc.object.GetName(), tc.object)
			clear(*body)
			if _, err := tc.reconcile.Reconcile(t.Context(), request(namespace, tc.object.GetName())); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{
				"namespace": namespace, "name": tc.object.GetName(),
				"uid": string(tc.object.GetUID()), "resourceVersion": tc.object.GetResourceVersion(),
			}
			if diff := cmp.Diff(want, (*body)["metadata"]); diff != "" || tc.object.GetResourceVersion() == "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if (*body)["status"] == nil || (*body)["spec"] != nil {
				t.Errorf("sent %v", *body)
			}
			if options.FieldManager != FieldManager {
				t.Errorf("options %+v", options)
			}
		})
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
	w.faults["update status"] = errAPI
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
