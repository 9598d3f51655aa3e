package operator

import (
	"context"
	"errors"
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// capture makes a world whose API server keeps the body and the options of the last apply.
func capture(t *testing.T, answer error) (*world, map[string]any, *client.SubResourceApplyOptions) {
	t.Helper()
	w := newWorld(t, provider(), certSecret(validCert("x")))
	body, options := map[string]any{}, &client.SubResourceApplyOptions{}
	w.client = interceptor.NewClient(w.client, interceptor.Funcs{
		SubResourceApply: func(_ context.Context, _ client.Client, _ string, obj runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
			maps.Copy(body, content)
			options.ApplyOpts(opts)
			return errors.Join(err, answer)
		},
	})
	w.restart()
	return w, body, options
}

// A status is applied under the version that it was computed from: an operator that fell behind gets a conflict.
func TestStatusIsBoundToItsObject(t *testing.T) {
	w, body, options := capture(t, nil)
	stored := &v1alpha1.IdentityProvider{}
	w.get(namespace, "partner", stored)
	if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: body}
	if u.GetAPIVersion() != "grantor.dev/v1alpha1" || u.GetKind() != "IdentityProvider" || u.GetNamespace() != namespace || u.GetName() != "partner" {
		t.Errorf("applied to %s %s %s/%s", u.GetAPIVersion(), u.GetKind(), u.GetNamespace(), u.GetName())
	}
	if u.GetUID() != stored.UID || u.GetResourceVersion() != stored.ResourceVersion || stored.ResourceVersion == "" {
		t.Errorf("applied to uid %q, version %q", u.GetUID(), u.GetResourceVersion())
	}
	if _, ok := body["spec"]; ok || body["status"] == nil {
		t.Errorf("applied %v", body)
	}
	if options.FieldManager != FieldManager || options.Force == nil || !*options.Force {
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

// The removal of what others wrote is part of the write: its trouble is trouble of the whole.
func TestForeignStatusThatStaysIsAnError(t *testing.T) {
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
