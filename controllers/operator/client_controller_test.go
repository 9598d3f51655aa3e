package operator

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

func generates(c *v1alpha1.OAuthClient) { c.Spec.Authentication.ClientSecret.Generate = new(true) }

func TestClientIsResolvedAndFailsClosed(t *testing.T) {
	w := newWorld(t, oauthClient())
	if c := w.oauthClient(); c.Status.ClientID != "team-a.app" || c.Status.Credentials != nil {
		t.Errorf("status %+v", c.Status)
	}
	s := clientSecret(clientValue)
	w.do(w.client.Create(t.Context(), s))
	if c := w.oauthClient(); len(c.Status.Credentials) != 1 {
		t.Errorf("status %+v", c.Status)
	}
	w.oauthClient()
	// Each time what was found, and then that it is loaded.
	if w.writes["status"] != 4 {
		t.Errorf("%d writes of status", w.writes["status"])
	}
	w.do(w.client.Delete(t.Context(), s))
	if c := w.oauthClient(); c.Status.Credentials != nil {
		t.Errorf("status %+v", c.Status)
	}
}

func TestClientMissingProviders(t *testing.T) {
	c := oauthClient(func(c *v1alpha1.OAuthClient) {
		c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "partner"}, {Name: "gone"}}
	})
	w := newWorld(t, c, provider(), clientSecret(clientValue))
	got := w.oauthClient()
	if diff := cmp.Diff([]string{"Accepted", "!IdentityProviderNotFound", "CredentialsReady", "Programmed", "!IdentityProviderNotFound"}, summary(got.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
	if want := `IdentityProvider "gone" does not exist in namespace "team-a": create it, or correct the name`; message(t, got.Status.Conditions, "ResolvedRefs") != want {
		t.Errorf("message %q", message(t, got.Status.Conditions, "ResolvedRefs"))
	}
}

func TestClientSecretIsGenerated(t *testing.T) {
	w := newWorld(t, oauthClient(generates, claims("partner-1")))
	c := w.oauthClient()
	if diff := cmp.Diff([]string{"Accepted", "ResolvedRefs", "CredentialsReady", "Programmed", "Ready"}, summary(c.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
	s := &corev1.Secret{}
	w.get(namespace, "app-secret", s)
	if raw, err := base64.RawURLEncoding.DecodeString(string(s.Data[ClientSecretDataKey])); err != nil || len(raw) != 32 {
		t.Errorf("client secret of %d bytes: %v", len(raw), err)
	}
	if s.Type != corev1.SecretTypeOpaque || string(s.Data[ClientIDDataKey]) != "partner-1" || len(s.Data) != 2 || s.Labels["app.kubernetes.io/managed-by"] != "grantor" {
		t.Errorf("Secret %s %v with keys %v", s.Type, s.Labels, len(s.Data))
	}
	want := []metav1.OwnerReference{{APIVersion: "grantor.dev/v1alpha1", Kind: "OAuthClient", Name: "app", UID: c.UID, Controller: new(true)}}
	if diff := cmp.Diff(want, s.OwnerReferences); diff != "" {
		t.Error(diff)
	}

	value := string(s.Data[ClientSecretDataKey])
	w.oauthClient()
	w.get(namespace, "app-secret", s)
	if string(s.Data[ClientSecretDataKey]) != value || w.writes["status"] != 2 {
		t.Error("a second visit changes something")
	}
	w.do(w.client.Delete(t.Context(), s))
	old := c.Status.Credentials[0].KeyedDigest
	if c = w.oauthClient(); len(c.Status.Credentials) != 1 || c.Status.Credentials[0].KeyedDigest == old {
		t.Errorf("status %+v", c.Status)
	}
}

func TestClientSecretIsNotGenerated(t *testing.T) {
	deleted := func(c *v1alpha1.OAuthClient) {
		c.Finalizers, c.DeletionTimestamp = []string{"example.com/hold"}, &metav1.Time{Time: start}
	}
	for name, tc := range map[string]struct {
		client *v1alpha1.OAuthClient
		reason string
	}{
		"not asked for":         {oauthClient(), "SecretNotFound"},
		"contested id":          {oauthClient(generates, claims("contested")), "DuplicateClientID"},
		"client being deleted":  {oauthClient(generates, deleted), ""},
		"existing, of no value": {oauthClient(generates, func(c *v1alpha1.OAuthClient) { c.Spec.Authentication.ClientSecret.SecretRef.Name = "other" }), "SecretKeyNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			existing := secret("other", map[string][]byte{"a": []byte("b")})
			w := newWorld(t, tc.client, claimant("other", "older", "contested", 2*time.Hour), existing)
			w.do(w.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "other"}, existing))
			c := w.oauthClient()
			err := w.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "app-secret"}, &corev1.Secret{})
			if !apierrors.IsNotFound(err) {
				t.Errorf("a Secret was made: %v", err)
			}
			after := &corev1.Secret{}
			w.get(namespace, "other", after)
			if after.ResourceVersion != existing.ResourceVersion {
				t.Error("an existing Secret was changed")
			}
			if got := c.Status.Conditions; tc.reason != "" && got[len(got)-1].Reason != tc.reason || tc.reason == "" && got != nil {
				t.Errorf("conditions %v", summary(got))
			}
		})
	}
}

// Somebody else creates the Secret between the read and the create.
func TestClientSecretOfAnotherWriterIsKept(t *testing.T) {
	w := newWorld(t, oauthClient(generates))
	if _, err := w.keys.DigestKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.faults["create Secret"] = apierrors.NewAlreadyExists(schema.GroupResource{Resource: "secrets"}, "app-secret")
	if got, err := createOrRead(t.Context(), w.client, w.client, newClientSecret(oauthClient(), "app-secret")); got != nil || err != nil {
		t.Errorf("came and went: %v, %v", got, err)
	}
	if c := w.oauthClient(); c.Status.Conditions[1].Reason != v1alpha1.ReasonSecretNotFound {
		t.Errorf("conditions %v", summary(c.Status.Conditions))
	}
	delete(w.faults, "create Secret")
	w.do(w.client.Create(t.Context(), clientSecret(clientValue)))
	got, err := createOrRead(t.Context(), w.client, w.client, newClientSecret(oauthClient(), "app-secret"))
	if err != nil || string(got.Data[ClientSecretDataKey]) != clientValue {
		t.Errorf("error %v", err)
	}
}

func TestClientFollowsTheDigestKey(t *testing.T) {
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	before := w.oauthClient().Status.Credentials[0]
	s := &corev1.Secret{}
	w.get(releaseNamespace, release.DigestKeySecretName, s)
	replaced := keyring.GenerateDigestKey()
	s.Data[keyring.DigestDataKey] = replaced.Marshal()
	w.do(w.client.Update(t.Context(), s))
	after := w.oauthClient().Status.Credentials[0]
	if after.DigestKeyID != replaced.ID() || after.KeyedDigest == before.KeyedDigest {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestClientReturnsAPITrouble(t *testing.T) {
	for _, fault := range []string{"get OAuthClient", "list OAuthClient", "get IdentityProvider", "get Secret", "update status"} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, oauthClient(generates, func(c *v1alpha1.OAuthClient) {
				c.Spec.IdentityProviders = []v1alpha1.IdentityProviderReference{{Name: "partner"}}
			}))
			if _, err := w.keys.DigestKey(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.faults[fault] = errAPI
			if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !errors.Is(err, errAPI) {
				t.Errorf("error %v", err)
			}
			clear(w.faults)
			c := &v1alpha1.OAuthClient{}
			w.get(namespace, "app", c)
			if len(c.Status.Conditions) != 0 || len(w.events()) != 0 {
				t.Errorf("trouble of the API server shows in %+v", c.Status)
			}
		})
	}
}

// Without the digest key nothing is written: what stands in the status is still right.
func TestClientWaitsForTheDigestKey(t *testing.T) {
	broken := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: release.DigestKeySecretName},
		Data:       map[string][]byte{keyring.DigestDataKey: []byte("short")},
	}
	w := newWorld(t, oauthClient(), clientSecret(clientValue), broken)
	if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); err == nil || w.writes["status"] != 0 {
		t.Errorf("error %v, %d writes", err, w.writes["status"])
	}
}
