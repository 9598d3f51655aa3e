package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// rotateAnnotation on one of the two Secrets asks for new keys: whenever its value is another than the one that was taken
// up last.
const rotateAnnotation = "grantor.dev/rotate"

// swapDelay is how long to wait after somebody else has written a Secret first.
const swapDelay = time.Second

// Events about key material.
const (
	reasonSigningKeysMissing      = "SigningKeysMissing"
	reasonSigningKeyAdded         = "SigningKeyAdded"
	reasonSigningKeyRemoved       = "SigningKeyRemoved"
	reasonSigningKeyImported      = "SigningKeyImported"
	reasonSigningKeyImportRefused = "SigningKeyImportRefused"
	reasonDigestKeyReplaced       = "DigestKeyReplaced"
	reasonDigestKeyAdded          = "DigestKeyAdded"
	reasonDigestKeyActivated      = "DigestKeyActivated"
	reasonDigestKeyRemoved        = "DigestKeyRemoved"
	actionKeepKeys                = "KeepKeys"
)

// replicaView tells what the token servers have loaded.
type replicaView interface {
	// SecretLoaded reports whether every live token server has loaded that version of a Secret of the release namespace,
	// or a later one.
	SecretLoaded(name, resourceVersion string) bool
}

// KeyMaterialReconciler makes the Secrets of the release namespace where they do not exist, and rotates the keys in them.
// It writes by compare and swap, so that two operators at once make one sequence of keys. What it does when a Secret
// disappears stands in the package comment.
type KeyMaterialReconciler struct {
	// Client creates and updates Secrets, and reads their metadata from the cache.
	Client client.Client
	// Secrets reads Secrets from the API server, not from a cache.
	Secrets   client.Reader
	Recorder  events.EventRecorder
	Clock     func() time.Time
	Namespace string
	// Rotation says when signing keys come and go.
	Rotation keyring.RotationPolicy
	// ImportSecret names a Secret of the release namespace with a signing key to import; empty for none.
	ImportSecret string
	// Replicas tells what the token servers have loaded; nil for nothing, and then no digest key becomes active.
	Replicas replicaView
	// DigestKeyInUse reports whether the status of an OAuthClient holds a digest under the key with an id; nil for always,
	// and then no digest key is removed.
	DigestKeyInUse func(ctx context.Context, id string) (bool, error)

	mu sync.Mutex
	// digestKeys is what the Secret held in digestVersion; no version means that none was read yet.
	digestKeys    keyring.DigestKeys
	digestVersion string
	// previousIdle is since when the previous digest key is not needed; zero while it is.
	previousIdle time.Time
	// signingKeysSeen says that this process has seen a key ring, so one that is missing was deleted.
	signingKeysSeen bool
	// importRefused is why the key to import was refused last, so that it is said once.
	importRefused string
}

// Reconcile implements reconcile.Reconciler, for the two Secrets alone.
func (r *KeyMaterialReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	switch req.NamespacedName {
	case r.name(release.DigestKeySecretName):
		return r.reconcileDigestKeys(ctx)
	case r.name(release.SigningKeysSecretName):
		return r.reconcileSigningKeys(ctx)
	}
	return ctrl.Result{}, nil
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

// +kubebuilder:rbac:groups="",namespace=grantor-system,resources=secrets,resourceNames=grantor-signing-keys;grantor-digest-key,verbs=update

// swap writes a Secret back that was read from the API server, unless somebody else has written it since: then it reports
// false, and the caller starts again from what is there.
func (r *KeyMaterialReconciler) swap(ctx context.Context, secret *corev1.Secret) (bool, error) {
	err := r.Client.Update(ctx, secret, client.FieldOwner(FieldManager))
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		logf.FromContext(ctx).V(1).Info("Key material was written by somebody else", "secret", client.ObjectKeyFromObject(secret))
		return false, nil
	case err != nil:
		return false, fmt.Errorf("update Secret %s: %w", client.ObjectKeyFromObject(secret), err)
	}
	return true, nil
}

// rotationRequest returns the value of the annotation, shortened where it is longer than one that a person writes.
func rotationRequest(secret *corev1.Secret) string {
	const longest = 64
	value := secret.Annotations[rotateAnnotation]
	if len(value) <= longest {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (r *KeyMaterialReconciler) newSecret(name, secretType string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: name, Labels: map[string]string{managedByLabel: managedByValue}},
		Type:       corev1.SecretType(secretType),
		Data:       data,
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

// tell says what went as it should, in the same places.
func (r *KeyMaterialReconciler) tell(ctx context.Context, secret *corev1.Secret, reason, message string) {
	logf.FromContext(ctx).Info(message, "secret", client.ObjectKeyFromObject(secret), "reason", reason)
	r.Recorder.Eventf(secret, nil, corev1.EventTypeNormal, reason, actionKeepKeys, "%s", message)
}

// ofSecret returns the Secret of ours that a change of a Secret concerns: the key to import goes into the ring.
func (r *KeyMaterialReconciler) ofSecret(_ context.Context, secret client.Object) []reconcile.Request {
	switch key := client.ObjectKeyFromObject(secret); {
	case key == r.name(release.DigestKeySecretName), key == r.name(release.SigningKeysSecretName):
		return []reconcile.Request{{NamespacedName: key}}
	case r.ImportSecret != "" && key == r.name(r.ImportSecret):
		return []reconcile.Request{{NamespacedName: r.name(release.SigningKeysSecretName)}}
	default:
		return nil
	}
}

func (r *KeyMaterialReconciler) setup(mgr ctrl.Manager) error {
	if err := r.Rotation.Validate(); err != nil {
		return err
	}
	// A Secret that does not exist sends no event, so both are visited at the start.
	start := source.Func(func(_ context.Context, q queue) error {
		for _, n := range []string{release.DigestKeySecretName, release.SigningKeysSecretName} {
			q.Add(reconcile.Request{NamespacedName: r.name(n)})
		}
		return nil
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("keymaterial").
		WatchesRawSource(start).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.ofSecret)).
		Complete(r)
}
