package operator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// The label of the Secrets that the operator makes.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	managedByValue = "grantor"
)

// generatedSecretBytes is the strength of a client secret that the operator makes.
const generatedSecretBytes = 32

// secretUnchanged reports whether the Secret of a client need not be read again: an operator that starts would read every
// Secret of the cluster. One that rotates is read, since what is due stands in it.
func (r *OAuthClientReconciler) secretUnchanged(ctx context.Context, c *v1alpha1.OAuthClient, key keyring.DigestKey) (bool, error) {
	auth := c.Spec.Authentication.ClientSecret
	if auth == nil || auth.RotationInterval != "" {
		return false, nil
	}
	known := secretMetadata()
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: c.Namespace, Name: auth.SecretRef.Name}, known)
	if err != nil {
		return false, ignoreNotFound(err, "get metadata of Secret %s/%s", c.Namespace, auth.SecretRef.Name)
	}
	return secretUnchanged(c, known, key), nil
}

// clientSecret reads the Secret of a client, and makes it where that is asked for and it does not exist. That it cannot be
// made is no error of reading: the Secret is gone, and the client must lose what was in it whatever keeps a new one away.
func (r *OAuthClientReconciler) clientSecret(ctx context.Context, c *v1alpha1.OAuthClient, name string, generate bool) (refs References, err error) {
	refs.Secret, err = r.seenSecret(ctx, types.NamespacedName{Namespace: c.Namespace, Name: name})
	if refs.Secret != nil || err != nil || !generate {
		return refs, err
	}
	refs.Secret, err = createOrRead(ctx, r.Client, r.Secrets, newClientSecret(c, name))
	if failed, ok := errors.AsType[*createError](err); ok {
		return References{Unmade: failed}, nil
	}
	return refs, err
}

// createError says that an object does not exist, because it could not be created.
type createError struct {
	object string
	cause  error
}

func (e *createError) Error() string { return fmt.Sprintf("create %s: %s", e.object, e.cause) }

func (e *createError) Unwrap() error { return e.cause }

// seenSecret reads a Secret in the version that its watch has told of, or a later one. The API server has that in memory;
// what the watch does not know of is looked for in etcd.
func (r *OAuthClientReconciler) seenSecret(ctx context.Context, name types.NamespacedName) (*corev1.Secret, error) {
	seen := secretMetadata()
	if err := r.Client.Get(ctx, name, seen); err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("get metadata of Secret %s: %w", name, err)
	}
	return readSecret(ctx, r.Secrets, name, &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: seen.ResourceVersion}})
}

// +kubebuilder:rbac:groups="",resources=secrets,verbs=create

// createOrRead creates a Secret, or returns the one that somebody else created meanwhile. It never changes one.
func createOrRead(ctx context.Context, c client.Client, live client.Reader, secret *corev1.Secret) (*corev1.Secret, error) {
	key := client.ObjectKeyFromObject(secret)
	err := c.Create(ctx, secret, client.FieldOwner(FieldManager))
	if apierrors.IsAlreadyExists(err) {
		return readSecret(ctx, live, key)
	}
	if err != nil {
		return nil, &createError{object: "Secret " + key.String(), cause: err}
	}
	return secret, nil
}

func newClientSecret(c *v1alpha1.OAuthClient, name string) *corev1.Secret {
	owner := metav1.NewControllerRef(c, v1alpha1.GroupVersion().WithKind(kindClient))
	// Blocking the owner's deletion needs a permission on its finalizers, and has no use here.
	owner.BlockOwnerDeletion = nil
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Namespace, Name: name,
			Labels:          map[string]string{managedByLabel: managedByValue},
			OwnerReferences: []metav1.OwnerReference{*owner},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{ClientIDDataKey: []byte(ClientID(c)), ClientSecretDataKey: randomClientSecret()},
	}
}

// randomClientSecret returns a new client secret, base64url.
func randomClientSecret() []byte {
	random := make([]byte, generatedSecretBytes)
	_, _ = rand.Read(random) // Never fails: crypto/rand ends the process instead.
	return base64.RawURLEncoding.AppendEncode(nil, random)
}
