package operator

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const anotherValue = "another-secret-of-thirty-two-bytes"

// An operator that starts does not read the Secrets that it has digested already.
func TestUnchangedSecretIsNotRead(t *testing.T) {
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	first := w.oauthClient()
	w.restart()
	w.settle(w.clients, request(namespace, "app")) // It reads the digest key, once for each process.
	w.reads = 0
	writes := w.writes["status"]
	again := w.oauthClient()
	if w.reads != 0 || w.writes["status"] != writes || again.ResourceVersion != first.ResourceVersion {
		t.Errorf("%d reads, %d writes", w.reads, w.writes["status"]-writes)
	}
}

// The seal fits one version of one Secret, and what the operator itself has written.
func TestSealedCredentialsAreMended(t *testing.T) {
	for name, change := range map[string]func(*world, *v1alpha1.OAuthClient){
		"another secret": func(w *world, _ *v1alpha1.OAuthClient) {
			s := &corev1.Secret{}
			w.get(namespace, "app-secret", s)
			s.Data[ClientSecretDataKey] = []byte(anotherValue)
			w.do(w.client.Update(t.Context(), s))
		},
		"a Secret that was made anew": func(w *world, _ *v1alpha1.OAuthClient) {
			w.do(w.client.Delete(t.Context(), clientSecret(clientValue)))
			s := clientSecret(anotherValue)
			s.UID = "made-anew"
			w.do(w.client.Create(t.Context(), s))
		},
		"no Secret": func(w *world, _ *v1alpha1.OAuthClient) {
			w.do(w.client.Delete(t.Context(), clientSecret(clientValue)))
		},
		"a digest of somebody else": func(w *world, c *v1alpha1.OAuthClient) {
			c.Status.Credentials[0].KeyedDigest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			w.do(w.client.Status().Update(t.Context(), c))
		},
		"one more digest": func(w *world, c *v1alpha1.OAuthClient) {
			c.Status.Credentials = append(c.Status.Credentials, v1alpha1.ClientCredential{ID: "next", DigestKeyID: "x", KeyedDigest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
			w.do(w.client.Status().Update(t.Context(), c))
		},
		"no seal": func(w *world, c *v1alpha1.OAuthClient) {
			c.Status.CredentialsSeal = ""
			w.do(w.client.Status().Update(t.Context(), c))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oauthClient(), clientSecret(clientValue))
			before := w.oauthClient()
			change(w, before.DeepCopy())
			w.restart()
			after := w.oauthClient()
			secret := &corev1.Secret{}
			if err := w.client.Get(t.Context(), request(namespace, "app-secret").NamespacedName, secret); err != nil {
				if len(after.Status.Credentials) != 0 || after.Status.CredentialsSeal != "" {
					t.Errorf("credentials %+v without a Secret", after.Status.Credentials)
				}
				return
			}
			key, err := w.keys.DigestKey(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := credential(credentialCurrent, after, secret.Data[ClientSecretDataKey], key)
			if len(after.Status.Credentials) != 1 || after.Status.Credentials[0] != want || !secretUnchanged(after, secret, key) {
				t.Errorf("status %+v", after.Status)
			}
		})
	}
}

// A rotation that the API server refuses keeps no status from being true.
func TestRefusedRotationKeepsNoStatus(t *testing.T) {
	w := newWorld(t, oauthClient(rotates), generatedSecret())
	w.oauthClient()
	w.now = start.Add(rotationInterval)
	s := &corev1.Secret{}
	w.get(namespace, "app-secret", s)
	s.Data[ClientSecretDataKey] = []byte(anotherValue)
	w.do(w.client.Update(t.Context(), s))
	w.faults["update Secret"] = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "app-secret", errAPI)
	if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); !apierrors.IsForbidden(err) {
		t.Errorf("error %v", err)
	}
	clear(w.faults)
	key, err := w.keys.DigestKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &v1alpha1.OAuthClient{}
	w.get(namespace, "app", c)
	if want := credential(credentialCurrent, c, []byte(anotherValue), key); len(c.Status.Credentials) == 0 || c.Status.Credentials[0] != want {
		t.Errorf("credentials %+v are those of before", c.Status.Credentials)
	}
}

// A Secret that was emptied ends its credentials also when a rotation is due.
func TestEmptiedSecretIsNotRotated(t *testing.T) {
	w := newWorld(t, oauthClient(rotates), generatedSecret())
	w.oauthClient()
	w.now = start.Add(rotationInterval)
	s := &corev1.Secret{}
	w.get(namespace, "app-secret", s)
	s.Data = nil
	w.do(w.client.Update(t.Context(), s))
	if c := w.oauthClient(); len(c.Status.Credentials) != 0 {
		t.Errorf("credentials %+v", c.Status.Credentials)
	}
	w.get(namespace, "app-secret", s)
	if len(s.Data) != 0 {
		t.Errorf("the Secret got %d values", len(s.Data))
	}
}

// What cannot be digested stays, but what is gone goes, when the digest key cannot be read.
func TestClientsWithoutDigestKey(t *testing.T) {
	w := newWorld(t, oauthClient(), clientSecret(clientValue))
	w.oauthClient()
	w.clients.DigestKeys = noDigestKey{}
	if _, err := w.clients.Reconcile(t.Context(), request(namespace, "app")); err == nil {
		t.Error("no error without a digest key")
	}
	w.do(w.client.Delete(t.Context(), clientSecret(clientValue)))
	if c := w.oauthClient(); len(c.Status.Credentials) != 0 {
		t.Errorf("credentials %+v of a Secret that is gone", c.Status.Credentials)
	}
}

type noDigestKey struct{}

func (noDigestKey) DigestKey(context.Context) (keyring.DigestKey, error) {
	return keyring.DigestKey{}, errAPI
}
