package operator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// The label of the Secrets that the operator makes.
const (
	managedByLabel = "app.kubernetes.io/managed-by"
	managedByValue = "grantor"
)

// generatedSecretBytes is the strength of a client secret that the operator makes.
const generatedSecretBytes = 32

// DigestKeySource gives the key of the digests of client secrets.
type DigestKeySource interface {
	DigestKey(ctx context.Context) (keyring.DigestKey, error)
}

// OAuthClientReconciler resolves the client ids and credentials of OAuthClients into their status.
type OAuthClientReconciler struct {
	// Client reads from the cache, with the indexes of this package, and writes.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets    client.Reader
	DigestKeys DigestKeySource
	Recorder   events.EventRecorder
	Clock      func() time.Time
	// Namespace is where the digest key is.
	Namespace string
}

// +kubebuilder:rbac:groups=grantor.dev,resources=oauthclients,verbs=get;list;watch

// Reconcile implements reconcile.Reconciler.
func (r *OAuthClientReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	c := &v1alpha1.OAuthClient{}
	if err := r.Client.Get(ctx, req.NamespacedName, c); err != nil {
		return ctrl.Result{}, ignoreNotFound(err, "get OAuthClient %s", req)
	}
	if !c.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	in, err := r.gather(ctx, c)
	if err != nil {
		return ctrl.Result{}, err
	}
	outcome := EvaluateClient(in)
	return statusWriter{r.Client, r.Recorder}.write(ctx, statusChange{
		object: c, kind: "OAuthClient",
		previous: &c.Status, before: c.Status.Conditions,
		next: &outcome.Status, after: outcome.Status.Conditions,
	}, 0)
}

// gather reads what the evaluation of a client depends on.
func (r *OAuthClientReconciler) gather(ctx context.Context, c *v1alpha1.OAuthClient) (ClientInput, error) {
	in := ClientInput{Client: c, Now: r.Clock()}
	var err error
	if in.DigestKey, err = r.DigestKeys.DigestKey(ctx); err != nil {
		return in, err
	}
	if in.Rivals, err = listClients(ctx, r.Client, client.MatchingFields{IndexClientID: ClientID(c)}); err != nil {
		return in, err
	}
	if in.MissingProviders, err = r.missingProviders(ctx, c); err != nil {
		return in, err
	}
	if auth := c.Spec.Authentication.ClientSecret; auth != nil {
		// The Secret of one who does not hold its client id would carry an id that is not its own.
		generate := ptr.Deref(auth.Generate, false) && sameObject(clientIDHolder(c, in.Rivals), c)
		in.Secret, err = r.clientSecret(ctx, c, auth.SecretRef.Name, generate)
	}
	return in, err
}

func (r *OAuthClientReconciler) missingProviders(ctx context.Context, c *v1alpha1.OAuthClient) ([]string, error) {
	var missing []string
	for _, ref := range c.Spec.IdentityProviders {
		err := r.Client.Get(ctx, types.NamespacedName{Namespace: c.Namespace, Name: ref.Name}, &v1alpha1.IdentityProvider{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, ref.Name)
		case err != nil:
			return nil, fmt.Errorf("get IdentityProvider %s/%s: %w", c.Namespace, ref.Name, err)
		}
	}
	return missing, nil
}

// clientSecret reads the Secret of a client, and makes it where that is asked for and it does not exist.
func (r *OAuthClientReconciler) clientSecret(ctx context.Context, c *v1alpha1.OAuthClient, name string, generate bool) (*corev1.Secret, error) {
	key := types.NamespacedName{Namespace: c.Namespace, Name: name}
	secret, err := readSecret(ctx, r.Secrets, key)
	if secret != nil || err != nil || !generate {
		return secret, err
	}
	return createOrRead(ctx, r.Client, r.Secrets, newClientSecret(c, name))
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
		return nil, fmt.Errorf("create Secret %s: %w", key, err)
	}
	return secret, nil
}

func newClientSecret(c *v1alpha1.OAuthClient, name string) *corev1.Secret {
	random := make([]byte, generatedSecretBytes)
	_, _ = rand.Read(random) // Never fails: crypto/rand ends the process instead.
	owner := metav1.NewControllerRef(c, v1alpha1.GroupVersion().WithKind("OAuthClient"))
	// Blocking the owner's deletion needs a permission on its finalizers, and has no use here.
	owner.BlockOwnerDeletion = nil
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Namespace, Name: name,
			Labels:          map[string]string{managedByLabel: managedByValue},
			OwnerReferences: []metav1.OwnerReference{*owner},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			ClientIDDataKey:     []byte(ClientID(c)),
			ClientSecretDataKey: []byte(base64.RawURLEncoding.EncodeToString(random)),
		},
	}
}

// inNamespaceOf finds, by an index of names, the clients that name an object of their own namespace.
func (r *OAuthClientReconciler) inNamespaceOf(index string) related {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		found, err := listClients(ctx, r.Client, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index: obj.GetName()})
		return requests(found), err
	}
}

// rivals finds the clients of all namespaces that claim the client id that a client does.
func (r *OAuthClientReconciler) rivals(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
	found, err := listClients(ctx, r.Client, client.MatchingFields{IndexClientID: clientIDOf(obj)})
	return requests(found), err
}

func (r *OAuthClientReconciler) setup(mgr ctrl.Manager, opts controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("oauthclient").
		For(&v1alpha1.OAuthClient{}).
		Watches(&v1alpha1.OAuthClient{}, onClaim(clientIDOf, r.rivals)).
		Watches(&v1alpha1.IdentityProvider{}, onExistence(r.inNamespaceOf(IndexClientProvider))).
		WatchesMetadata(&corev1.Secret{}, onChange(r.dependingOn(r.inNamespaceOf(IndexClientSecret)))).
		WithOptions(opts).
		Complete(r)
}

// dependingOn returns the clients that depend on a Secret: those that refer to it, and all of them if it is the digest key.
func (r *OAuthClientReconciler) dependingOn(referring related) related {
	return func(ctx context.Context, secret client.Object) ([]reconcile.Request, error) {
		if secret.GetNamespace() != r.Namespace || secret.GetName() != release.DigestKeySecretName {
			return referring(ctx, secret)
		}
		found, err := listClients(ctx, r.Client)
		return requests(found), err
	}
}

func clientIDOf(obj client.Object) string {
	if c, ok := obj.(*v1alpha1.OAuthClient); ok {
		return ClientID(c)
	}
	return ""
}
