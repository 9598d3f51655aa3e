package operator

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// Events about key material.
const (
	reasonSigningKeysMissing = "SigningKeysMissing"
	reasonDigestKeyReplaced  = "DigestKeyReplaced"
	actionKeepKeys           = "KeepKeys"
)

// KeyMaterialReconciler makes the Secrets of the release namespace where they do not exist, and never changes one that
// does. What it does when one disappears stands in the package comment.
type KeyMaterialReconciler struct {
	// Client creates Secrets, and reads their metadata from the cache.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets   client.Reader
	Recorder  events.EventRecorder
	Clock     func() time.Time
	Namespace string

	mu sync.Mutex
	// digestKey is what the Secret held in digestVersion; no version means that none was read yet.
	digestKey     keyring.DigestKey
	digestVersion string
	// signingKeysSeen says that this process has seen a key ring, so one that is missing was deleted.
	signingKeysSeen bool
}

// Reconcile implements reconcile.Reconciler, for the two Secrets alone.
func (r *KeyMaterialReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	switch req.NamespacedName {
	case r.name(release.DigestKeySecretName):
		_, err := r.DigestKey(ctx)
		return ctrl.Result{}, err
	case r.name(release.SigningKeysSecretName):
		return ctrl.Result{}, r.ensureSigningKeys(ctx)
	}
	return ctrl.Result{}, nil
}

// DigestKey returns the digest key, making one where there is none. It reads the Secret once for each of its versions.
func (r *KeyMaterialReconciler) DigestKey(ctx context.Context) (keyring.DigestKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.name(release.DigestKeySecretName)
	known := secretMetadata()
	err := r.Client.Get(ctx, name, known)
	if err == nil && r.digestVersion != "" && known.ResourceVersion == r.digestVersion {
		return r.digestKey, nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return keyring.DigestKey{}, fmt.Errorf("get metadata of Secret %s: %w", name, err)
	}
	secret, created, err := r.readOrCreate(ctx, name, func() (*corev1.Secret, error) {
		return r.newSecret(release.DigestKeySecretName, release.DigestKeySecretType, keyring.DigestDataKey, keyring.GenerateDigestKey().Marshal()), nil
	})
	if err != nil {
		return keyring.DigestKey{}, err
	}
	key, err := keyring.ParseDigestKey(secret.Data[keyring.DigestDataKey])
	if err != nil {
		return keyring.DigestKey{}, fmt.Errorf("read Secret %s: %w: restore it from a backup, or delete it to have a new key made and every client secret digested anew", name, err)
	}
	if created && r.digestVersion != "" {
		r.warn(ctx, secret, reasonDigestKeyReplaced,
			"The digest key was deleted, so a new one was made: every client secret is digested anew, and clients can authenticate when the token servers have loaded both")
	}
	r.digestKey, r.digestVersion = key, secret.ResourceVersion
	return key, nil
}

// ensureSigningKeys makes a key ring, if there is none and this process has never seen one.
func (r *KeyMaterialReconciler) ensureSigningKeys(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.name(release.SigningKeysSecretName)
	create := r.newSigningKeys
	if r.signingKeysSeen {
		create = nil
	}
	secret, _, err := r.readOrCreate(ctx, name, create)
	if err != nil {
		return err
	}
	if secret == nil {
		r.warn(ctx, r.newSecret(name.Name, release.SigningKeysSecretType, "", nil), reasonSigningKeysMissing,
			"The signing keys were deleted: restore the Secret from a backup, or restart the operator to have new keys made, with which tokens that are out there no longer verify")
		return nil
	}
	if _, err := keyring.Parse(secret.Data[keyring.RingDataKey]); err != nil {
		return fmt.Errorf("read Secret %s: %w: restore it from a backup, or delete it and restart the operator to have new signing keys made", name, err)
	}
	r.signingKeysSeen = true
	return nil
}

func (r *KeyMaterialReconciler) newSigningKeys() (*corev1.Secret, error) {
	ring, err := keyring.Generate(r.Clock())
	if err != nil {
		return nil, fmt.Errorf("generate signing keys: %w", err)
	}
	text, err := ring.Marshal()
	if err != nil {
		return nil, err
	}
	return r.newSecret(release.SigningKeysSecretName, release.SigningKeysSecretType, keyring.RingDataKey, text), nil
}

// readOrCreate reads a Secret from the API server, and creates what create returns where there is none. Without create, a
// Secret that does not exist is nil.
func (r *KeyMaterialReconciler) readOrCreate(ctx context.Context, name types.NamespacedName, create func() (*corev1.Secret, error)) (secret *corev1.Secret, created bool, err error) {
	secret, err = readSecret(ctx, r.Secrets, name)
	if secret != nil || err != nil || create == nil {
		return secret, false, err
	}
	fresh, err := create()
	if err != nil {
		return nil, false, err
	}
	secret, err = createOrRead(ctx, r.Client, r.Secrets, fresh)
	if err == nil && secret == nil {
		err = fmt.Errorf("create Secret %s: it came and went", name)
	}
	if secret == fresh {
		logf.FromContext(ctx).Info("Created key material", "secret", name)
	}
	return secret, secret == fresh, err
}

func (r *KeyMaterialReconciler) newSecret(name, secretType, key string, value []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: name, Labels: map[string]string{managedByLabel: managedByValue}},
		Type:       corev1.SecretType(secretType),
		Data:       map[string][]byte{key: value},
	}
}

func (r *KeyMaterialReconciler) name(secret string) types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: secret}
}

// warn says it where it is seen: in the log and as an event.
func (r *KeyMaterialReconciler) warn(ctx context.Context, secret *corev1.Secret, reason, message string) {
	logf.FromContext(ctx).Error(nil, message, "secret", client.ObjectKeyFromObject(secret), "reason", reason)
	r.Recorder.Eventf(secret, nil, corev1.EventTypeWarning, reason, actionKeepKeys, "%s", message)
}

func (r *KeyMaterialReconciler) setup(mgr ctrl.Manager) error {
	names := []reconcile.Request{{NamespacedName: r.name(release.DigestKeySecretName)}, {NamespacedName: r.name(release.SigningKeysSecretName)}}
	ours := predicate.NewPredicateFuncs(func(secret client.Object) bool {
		key := client.ObjectKeyFromObject(secret)
		return key == names[0].NamespacedName || key == names[1].NamespacedName
	})
	// A Secret that does not exist sends no event, so both are visited at the start.
	start := source.Func(func(_ context.Context, q queue) error {
		for _, n := range names {
			q.Add(n)
		}
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("keymaterial").
		WatchesRawSource(start).
		WatchesMetadata(&corev1.Secret{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(ours)).
		Complete(r)
}
