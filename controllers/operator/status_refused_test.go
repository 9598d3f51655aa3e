package operator

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// refusing makes a world where a provider and a client were Ready, and whose API server has come to refuse what puts them
// in force.
func refusing(t *testing.T, fault error) *world {
	t.Helper()
	w := newWorld(t, provider(), certSecret(validCert("old")), oauthClient(), clientSecret(clientValue))
	w.provider("partner")
	w.oauthClient()
	w.events()
	w.client = interceptor.NewClient(w.client, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			p, isProvider := obj.(*v1alpha1.IdentityProvider)
			o, isClient := obj.(*v1alpha1.OAuthClient)
			if isProvider && p.Status.Trust != nil || isClient && o.Status.ClientID != "" {
				return fault
			}
			return c.SubResource(sub).Update(ctx, obj, opts...)
		},
	})
	w.restart()
	return w
}

// What was in force does not stay because what is to replace it cannot be written.
func TestRefusedStatusLeavesNothingInForce(t *testing.T) {
	kind, resource := schema.GroupKind{Kind: "K"}, schema.GroupResource{Resource: "r"}
	odd := field.Invalid(field.NewPath("status", "trust"), "x", "odd")
	for name, tc := range map[string]struct {
		fault error
		say   string
	}{
		"invalid":      {apierrors.NewInvalid(kind, "x", field.ErrorList{field.Invalid(nil, nil, "general"), field.Invalid(field.NewPath("status", "z"), "x", "last"), odd}), `(status.trust: Invalid value: "x": odd)`},
		"long":         {apierrors.NewInvalid(kind, "x", field.ErrorList{field.Invalid(field.NewPath("status"), strings.Repeat("x", 40000), "odd")}), "(status: Invalid value: "},
		"policy":       {apierrors.NewForbidden(resource, "x", errAPI), "refuses the status with what was found: put"},
		"bad":          {apierrors.NewBadRequest("bad"), "refuses the status with what was found: put"},
		"too large":    {apierrors.NewRequestEntityTooLargeError("large"), "refuses the status with what was found: put"},
		"other causes": {&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonInvalid, Details: &metav1.StatusDetails{}}}, "refuses the status with what was found: put"},
	} {
		t.Run(name, func(t *testing.T) {
			w := refusing(t, tc.fault)
			w.do(w.client.Update(t.Context(), certSecret(validCert("new"))))
			w.do(w.client.Update(t.Context(), clientSecret("another-client-secret-of-32-bytes")))
			w.checkRefused(w.providers, "partner", tc.fault)
			w.checkRefused(w.clients, "app", tc.fault)
			p, c := &v1alpha1.IdentityProvider{}, &v1alpha1.OAuthClient{}
			w.get(namespace, "partner", p)
			w.get(namespace, "app", c)
			checkWithdrawn(t, p.Status.Conditions, v1alpha1.ConditionKeysReady, tc.say)
			checkWithdrawn(t, c.Status.Conditions, v1alpha1.ConditionCredentialsReady, tc.say)
			ignored := cmpopts.IgnoreTypes([]metav1.Condition{})
			if diff := cmp.Diff(v1alpha1.IdentityProviderStatus{ObservedGeneration: 3}, p.Status, ignored); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(v1alpha1.OAuthClientStatus{ObservedGeneration: 3}, c.Status, ignored); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// checkRefused visits an object whose status is refused: the second time there is nothing new to write.
func (w *world) checkRefused(r reconcile.Reconciler, object string, fault error) {
	w.t.Helper()
	before := w.writes["status"]
	for range 3 {
		if _, err := r.Reconcile(w.t.Context(), request(namespace, object)); !errors.Is(err, fault) {
			w.t.Errorf("%s: not tried again: error %v", object, err)
		}
	}
	if got := w.writes["status"] - before; got != 1 {
		w.t.Errorf("%s: %d writes of status", object, got)
	}
	if diff := cmp.Diff([]string{"Warning StatusRefused"}, w.eventReasons()); diff != "" {
		w.t.Error(diff)
	}
}

func checkWithdrawn(t *testing.T, conditions []metav1.Condition, typ, say string) {
	t.Helper()
	if diff := cmp.Diff([]string{"!StatusRefused", "!StatusRefused"}, summary(conditions)); diff != "" {
		t.Error(diff)
	}
	if said := message(t, conditions, typ); !strings.Contains(said, say) || len(said) > 1000 || !strings.HasSuffix(said, "applied") {
		t.Errorf("message of %d bytes: %q", len(said), said)
	}
}

// Trouble of the API server is none of what it is asked to store.
func TestTroubleWithdrawsNothing(t *testing.T) {
	for name, fault := range map[string]error{
		"network":  errAPI,
		"internal": apierrors.NewInternalError(errAPI),
		"busy":     apierrors.NewTooManyRequests("later", 1),
		"timeout":  apierrors.NewTimeoutError("late", 1),
		"login":    apierrors.NewUnauthorized("who"),
	} {
		t.Run(name, func(t *testing.T) {
			w := refusing(t, fault)
			w.do(w.client.Update(t.Context(), certSecret(validCert("new"))))
			if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); !errors.Is(err, fault) {
				t.Errorf("error %v", err)
			}
			p := &v1alpha1.IdentityProvider{}
			w.get(namespace, "partner", p)
			if p.Status.Trust == nil || len(p.Status.Conditions) != 5 {
				t.Errorf("status %+v", p.Status)
			}
		})
	}
}

// Where even that cannot be written, both errors are told.
func TestRefusedWithdrawalIsTold(t *testing.T) {
	first := apierrors.NewBadRequest("first")
	w := refusing(t, first)
	w.do(w.client.Update(t.Context(), certSecret(validCert("new"))))
	w.faults["update status"] = errAPI
	if _, err := w.providers.Reconcile(t.Context(), request(namespace, "partner")); !errors.Is(err, first) || !errors.Is(err, errAPI) {
		t.Errorf("error %v", err)
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}
