package operator

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

const (
	// digestPoll is how often a rotation that is under way is looked at: what it waits for sends no event.
	digestPoll = 5 * time.Second
	// digestGrace is how long the previous key is kept after the last digest under it is gone here: a token server that
	// has loaded the keys may still be about to learn of a client.
	digestGrace = time.Minute
)

// IndexClientDigestKey finds OAuthClients by the ids of the keys of the digests in their status.
const IndexClientDigestKey = "grantor.client.digest-key"

// digestKeyIDs are the values of IndexClientDigestKey.
func digestKeyIDs(c *v1alpha1.OAuthClient) []string {
	ids := make([]string, len(c.Status.Credentials))
	for i, credential := range c.Status.Credentials {
		ids[i] = credential.DigestKeyID
	}
	return ids
}

// DigestKeyUsers returns a function for KeyMaterialReconciler.DigestKeyInUse that reads from a cache with
// IndexClientDigestKey.
func DigestKeyUsers(cache client.Reader) func(ctx context.Context, id string) (bool, error) {
	return func(ctx context.Context, id string) (bool, error) {
		users, err := listClients(ctx, cache, client.MatchingFields{IndexClientDigestKey: id}, client.Limit(1))
		return len(users) > 0, err
	}
}

// DigestKey returns the active digest key, making one where there is none. It reads the Secret once for each of its
// versions.
func (r *KeyMaterialReconciler) DigestKey(ctx context.Context) (keyring.DigestKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := r.name(release.DigestKeySecretName)
	known := secretMetadata()
	err := r.Client.Get(ctx, name, known)
	if err == nil && r.digestVersion != "" && known.ResourceVersion == r.digestVersion {
		return r.digestKeys.Active(), nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return keyring.DigestKey{}, fmt.Errorf("get metadata of Secret %s: %w", name, err)
	}
	if _, err := r.loadDigestKeys(ctx); err != nil {
		return keyring.DigestKey{}, err
	}
	return r.digestKeys.Active(), nil
}

// loadDigestKeys reads the Secret, making it where there is none, and holds what is in it.
func (r *KeyMaterialReconciler) loadDigestKeys(ctx context.Context) (*corev1.Secret, error) {
	name := r.name(release.DigestKeySecretName)
	secret, created, err := r.readOrCreate(ctx, name, func() (*corev1.Secret, error) {
		keys := keyring.NewDigestKeys(keyring.GenerateDigestKey())
		return r.newSecret(release.DigestKeySecretName, release.DigestKeySecretType, keys.Marshal()), nil
	})
	if err != nil {
		return nil, err
	}
	keys, err := keyring.ParseDigestKeys(secret.Data)
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w: restore it from a backup, or delete it to have a new key made and every client secret digested anew", name, err)
	}
	if created && r.digestVersion != "" {
		r.warn(ctx, secret, reasonDigestKeyReplaced,
			"The digest key was deleted, so a new one was made: every client secret is digested anew, and clients can authenticate when the token servers have loaded both")
	}
	r.digestKeys, r.digestVersion = keys, secret.ResourceVersion
	return secret, nil
}

// reconcileDigestKeys makes the digest key where there is none, and takes a step of a rotation where it is time for one.
// When the active key changes, the watch on the Secret has every client digested anew.
func (r *KeyMaterialReconciler) reconcileDigestKeys(ctx context.Context) (ctrl.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	secret, err := r.loadDigestKeys(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	keys := r.digestKeys
	loaded := r.Replicas != nil && r.Replicas.SecretLoaded(secret.Name, secret.ResourceVersion)
	needed, err := r.previousNeeded(ctx, keys, loaded)
	if err != nil {
		return ctrl.Result{}, err
	}
	next, changed := keys.Advance(rotationRequest(secret), loaded, needed)
	if changed {
		delete(secret.Data, keyring.PreviousDigestDataKey)
		delete(secret.Data, keyring.NextDigestDataKey)
		maps.Copy(secret.Data, next.Marshal())
		if swapped, err := r.swap(ctx, secret); err != nil || !swapped {
			return ctrl.Result{RequeueAfter: swapDelay}, err
		}
		r.digestKeys, r.digestVersion, r.previousIdle = next, secret.ResourceVersion, time.Time{}
		r.tellDigestKeys(ctx, secret, keys, next)
	}
	if next.Rotating() {
		return ctrl.Result{RequeueAfter: digestPoll}, nil
	}
	return ctrl.Result{}, nil
}

// previousNeeded reports whether the previous key, if there is one, may still be needed: until every token server knows
// the active one, while a client's digest is under it, and a little longer.
func (r *KeyMaterialReconciler) previousNeeded(ctx context.Context, keys keyring.DigestKeys, loaded bool) (bool, error) {
	id := keys.PreviousID()
	needed := id == "" || !loaded || r.DigestKeyInUse == nil
	if !needed {
		var err error
		if needed, err = r.DigestKeyInUse(ctx, id); err != nil {
			return true, fmt.Errorf("find clients of the previous digest key: %w", err)
		}
	}
	now := r.Clock()
	switch {
	case needed:
		r.previousIdle = time.Time{}
	case r.previousIdle.IsZero():
		r.previousIdle = now
	}
	return needed || now.Sub(r.previousIdle) < digestGrace, nil
}

func (r *KeyMaterialReconciler) tellDigestKeys(ctx context.Context, secret *corev1.Secret, before, after keyring.DigestKeys) {
	switch {
	case after.Active().ID() != before.Active().ID():
		r.tell(ctx, secret, reasonDigestKeyActivated, fmt.Sprintf("Digest key %s is active: every client secret is digested anew", after.Active().ID()))
	case after.NextID() != before.NextID():
		r.tell(ctx, secret, reasonDigestKeyAdded, fmt.Sprintf("Digest key %s was added: it becomes active when every token server has loaded it", after.NextID()))
	default:
		r.tell(ctx, secret, reasonDigestKeyRemoved, fmt.Sprintf("Digest key %s was removed: no client's digest is under it any more", before.PreviousID()))
	}
}
