package operator

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// A rotation that cannot happen is said as long as that is so, and the client goes on to work.
func TestRotationThatIsRefusedIsSaid(t *testing.T) {
	resource, kind := schema.GroupResource{Resource: "secrets"}, schema.GroupKind{Kind: "Secret"}
	for name, tc := range map[string]struct {
		fault error
		say   string
	}{
		"policy":  {apierrors.NewForbidden(resource, "app-secret", errors.New("it was "+clientValue)), "refuses the change (Forbidden): ask"},
		"invalid": {apierrors.NewInvalid(kind, "app-secret", nil), "refuses the change (Invalid): ask"},
		"trouble": {errAPI, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oauthClient(rotates), generatedSecret())
			before := saidOfCredentials(t, w.oauthClient())
			w.now = start.Add(rotationInterval)
			w.faults["update Secret"] = tc.fault
			writes := w.writes["status"]
			for range 3 {
				if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !errors.Is(err, tc.fault) {
					t.Errorf("not tried again: error %v", err)
				}
			}
			checkUnrotated(t, w, before, tc.say)
			if got := w.writes["status"] - writes; got > 2 {
				t.Errorf("%d writes of status", got)
			}

			clear(w.faults)
			w.oauthClient()
			w.oauthClient()
			c := w.oauthClient()
			if said := saidOfCredentials(t, c); strings.Contains(said, "refuses") || len(c.Status.Credentials) != 2 {
				t.Errorf("message %q, credentials %v", said, c.Status.Credentials)
			}
		})
	}
}

// checkUnrotated holds what a client that goes on to work says, and what it says besides.
func checkUnrotated(t *testing.T, w *world, before, say string) {
	t.Helper()
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	said, added := strings.CutPrefix(saidOfCredentials(t, c), before)
	if !added || !strings.Contains(said, say) || (said == "") != (say == "") || strings.Contains(said, clientValue) {
		t.Errorf("message %q", said)
	}
	if diff := cmp.Diff([]string{"Accepted", "ResolvedRefs", "CredentialsReady", "Programmed", "Ready"}, summary(c.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
}

// It is said before a rotation is due, and nobody is asked to change the Secret.
func TestImmutableSecretIsSaidNotToRotate(t *testing.T) {
	const note = "; it is not rotated, for it is immutable: delete it to have a new one made"
	for name, tc := range map[string]struct {
		client func(*v1alpha1.OAuthClient)
		secret func(*corev1.Secret)
		want   bool
	}{
		"immutable":   {rotates, func(s *corev1.Secret) { s.Immutable = new(true) }, true},
		"mutable":     {rotates, func(s *corev1.Secret) { s.Immutable = new(false) }, false},
		"no interval": {generates, func(s *corev1.Secret) { s.Immutable = new(true) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := generatedSecret()
			tc.secret(s)
			w := newWorld(t, oauthClient(tc.client), s)
			if said := saidOfCredentials(t, w.oauthClient()); strings.HasSuffix(said, note) != tc.want {
				t.Errorf("message %q", said)
			}
		})
	}
}

func saidOfCredentials(t *testing.T, c *v1alpha1.OAuthClient) string {
	t.Helper()
	return message(t, c.Status.Conditions, v1alpha1.ConditionCredentialsReady)
}
