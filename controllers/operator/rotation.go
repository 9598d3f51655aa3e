package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/profile"
)

// RotatedAtAnnotation says, on a Secret that the operator made, when its client secret became the current one (RFC 3339).
const RotatedAtAnnotation = "grantor.dev/rotated-at"

// rotate changes the secret of a client whose interval is over, in two steps: a next secret is added, and when every token
// server accepts it, it becomes the current one. So whoever reads the Secret never finds one that does not work yet. It
// returns how long the next step can wait, 0 for until an event.
func (r *OAuthClientReconciler) rotate(ctx context.Context, c *v1alpha1.OAuthClient, in ClientInput, outcome ClientOutcome) (time.Duration, error) {
	auth, secret := c.Spec.Authentication.ClientSecret, in.References.Secret
	if auth == nil || auth.RotationInterval == "" || !ptr.Deref(auth.Generate, false) || secret == nil || !metav1.IsControlledBy(secret, c) ||
		ptr.Deref(secret.Immutable, false) || len(secret.Data[ClientSecretDataKey]) == 0 || outcome.Status.ClientID == "" {
		return 0, nil
	}
	interval, err := profile.Duration(auth.RotationInterval)
	if err != nil {
		return 0, nil //nolint:nilerr // The schema does not let this happen on a cluster, and trying again would not help.
	}
	if len(secret.Data[NextClientSecretDataKey]) > 0 {
		if !programmedWithNext(outcome.Status) {
			return 0, nil
		}
		return r.update(ctx, secret, promoted(secret, in.Now))
	}
	since := currentSince(secret)
	if since.After(in.Now) {
		// Of a clock that was ahead. The interval begins now, instead of a rotation that might come right after another.
		changed := secret.DeepCopy()
		setRotatedAt(changed, in.Now)
		return r.update(ctx, secret, changed)
	}
	if wait := since.Add(interval).Sub(in.Now); wait > 0 {
		return min(wait, longestVisit), nil
	}
	changed := secret.DeepCopy()
	changed.Data[NextClientSecretDataKey] = randomClientSecret()
	return r.update(ctx, secret, changed)
}

// unrotatable says why a Secret will not be rotated, as the end of what CredentialsReady says, or nothing.
func unrotatable(c *v1alpha1.OAuthClient, secret *corev1.Secret) string {
	switch {
	case c.Spec.Authentication.ClientSecret.RotationInterval == "":
		return ""
	case !metav1.IsControlledBy(secret, c):
		return "; it is not rotated, for the operator did not make it: delete it to have a new one made"
	case ptr.Deref(secret.Immutable, false):
		return "; it is not rotated, for it is immutable: delete it to have a new one made"
	}
	return ""
}

// sayUnrotated adds to CredentialsReady that the API server has refused a rotation. Its answer is not repeated: a policy
// could put what is in the Secret there.
func sayUnrotated(conditions []metav1.Condition, refusal error) {
	if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionCredentialsReady); c != nil {
		c.Message += fmt.Sprintf("; it could not be rotated, which is tried again by itself, for the API server refuses the change (%s): ask who runs the cluster what stands in the way, for example a policy", apierrors.ReasonForError(refusal))
	}
}

// programmedWithNext reports whether every token server accepts the next secret.
func programmedWithNext(s v1alpha1.OAuthClientStatus) bool {
	return meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionProgrammed) &&
		slices.ContainsFunc(s.Credentials, func(k v1alpha1.ClientCredential) bool { return k.ID == credentialNext })
}

// promoted is the Secret with its next secret as the current one.
func promoted(secret *corev1.Secret, now time.Time) *corev1.Secret {
	changed := secret.DeepCopy()
	changed.Data = maps.Clone(secret.Data)
	changed.Data[PreviousClientSecretDataKey] = secret.Data[ClientSecretDataKey]
	changed.Data[ClientSecretDataKey] = secret.Data[NextClientSecretDataKey]
	delete(changed.Data, NextClientSecretDataKey)
	setRotatedAt(changed, now)
	return changed
}

func setRotatedAt(secret *corev1.Secret, now time.Time) {
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, RotatedAtAnnotation, now.UTC().Format(time.RFC3339))
}

// currentSince is when the current secret became that.
func currentSince(secret *corev1.Secret) time.Time {
	if t, err := time.Parse(time.RFC3339, secret.Annotations[RotatedAtAnnotation]); err == nil {
		return t
	}
	return secret.CreationTimestamp.Time
}

// +kubebuilder:rbac:groups="",resources=secrets,verbs=update

// update stores a Secret, unless somebody else has changed it since it was read.
func (r *OAuthClientReconciler) update(ctx context.Context, read, changed *corev1.Secret) (time.Duration, error) {
	changed.ResourceVersion = read.ResourceVersion
	err := r.Client.Update(ctx, changed, client.FieldOwner(FieldManager))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return conflictDelay, nil
	}
	if err != nil {
		return 0, fmt.Errorf("update Secret %s: %w", client.ObjectKeyFromObject(read), err)
	}
	return 0, nil
}
