package operator

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// A Secret that is gone ends what was in it, whatever keeps a new one from being made.
func TestDeletedSecretThatCannotBeMadeAnewEndsTrust(t *testing.T) {
	resource := schema.GroupResource{Resource: "secrets"}
	for name, tc := range map[string]struct {
		fault error
		say   string
	}{
		"quota":   {apierrors.NewForbidden(resource, "app-secret", errors.New("exceeded quota: small")), "mend what stands in the way, or ask who runs the cluster to. The API server says: secrets \"app-secret\" is forbidden: exceeded quota: small"},
		"invalid": {apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "app-secret", field.ErrorList{field.Forbidden(field.NewPath("data"), "no")}), "The API server says: Secret \"app-secret\" is invalid: data: Forbidden: no"},
		"long":    {apierrors.NewForbidden(resource, "app-secret", errors.New(strings.Repeat("x", 40000))), "The API server says: "},
		"webhook": {apierrors.NewInternalError(errors.New("failed calling webhook: dial tcp 10.0.0.7:4711")), "the operator's log says what is wrong"},
		"network": {errAPI, "the operator's log says what is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oauthClient(generates))
			if c := w.oauthClient(); len(c.Status.Credentials) != 1 {
				t.Fatalf("status %+v", c.Status)
			}
			w.events()
			w.do(w.client.Delete(t.Context(), clientSecret("")))
			w.faults["create Secret"] = tc.fault
			for range 3 { // What is found, that it is loaded, and then nothing.
				if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !errors.Is(err, tc.fault) {
					t.Errorf("not tried again: error %v", err)
				}
			}
			checkUnmade(t, w, tc.say)

			clear(w.faults)
			if c := w.oauthClient(); len(c.Status.Credentials) != 1 || c.Status.Conditions[1].Status != metav1.ConditionTrue {
				t.Errorf("status %+v", c.Status)
			}
		})
	}
}

// checkUnmade holds what the status of a client says whose Secret cannot be made.
func checkUnmade(t *testing.T, w *world, say string) {
	t.Helper()
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	if c.Status.Credentials != nil || c.Status.CredentialsSeal != "" {
		t.Errorf("still authenticated by %+v", c.Status.Credentials)
	}
	want := []string{"Accepted", "!SecretNotFound", "!RefsNotResolved", "Programmed", "!SecretNotFound"}
	if diff := cmp.Diff(want, summary(c.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
	said := message(t, c.Status.Conditions, v1alpha1.ConditionResolvedRefs)
	if start := `Secret "app-secret" does not exist in namespace "team-a" and could not be made`; !strings.HasPrefix(said, start) || !strings.Contains(said, say) {
		t.Errorf("message %q", said)
	}
	if len(said) > 1000 || strings.Contains(said, "4711") {
		t.Errorf("message of %d bytes: %q", len(said), said)
	}
	if diff := cmp.Diff([]string{"Warning SecretNotFound"}, w.eventReasons()); diff != "" {
		t.Error(diff)
	}
	if w.writes["status"] != 4 {
		t.Errorf("%d writes of status", w.writes["status"])
	}
}

// The same holds while there is no digest key either.
func TestSecretThatCannotBeMadeNeedsNoDigestKey(t *testing.T) {
	w := newWorld(t, oauthClient(generates))
	w.oauthClient()
	w.do(w.client.Delete(t.Context(), clientSecret("")))
	w.do(w.client.DeleteAllOf(t.Context(), &corev1.Secret{}))
	w.restart()
	w.faults["create Secret"] = errAPI
	if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !errors.Is(err, errAPI) {
		t.Errorf("error %v", err)
	}
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	if c.Status.Credentials != nil || len(c.Status.Conditions) == 0 {
		t.Errorf("status %+v", c.Status)
	}
}

// What cannot be told is no reason to end what is in force.
func TestSecretThatCannotBeReadChangesNothing(t *testing.T) {
	w := newWorld(t, oauthClient(generates))
	before := w.oauthClient()
	w.do(w.client.Delete(t.Context(), clientSecret("")))
	w.faults["get Secret"] = errAPI
	if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !errors.Is(err, errAPI) {
		t.Errorf("error %v", err)
	}
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	if diff := cmp.Diff(before.Status, c.Status); diff != "" {
		t.Error(diff)
	}
}
