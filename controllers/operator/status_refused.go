package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// isRefusal reports whether the API server will not take a request because of what it holds, however often it is sent.
func isRefusal(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// withdraw writes what stands in for a status that was refused. That is written once: the status in its place goes on to be
// refused at every attempt.
func (w statusWriter) withdraw(ctx context.Context, change statusChange) error {
	if equality.Semantic.DeepEqual(change.previous, change.next) {
		return nil
	}
	if err := w.store(ctx, change); err != nil {
		return err
	}
	w.report(change)
	return nil
}

// withdrawn is the change that trusts nothing and says why. Invariant: what was in force never stays because what is to
// replace it cannot be written. It has none of what was evaluated, so that nothing of it can be refused again.
func (c statusChange) withdrawn(refusal error, now time.Time) statusChange {
	said := no(v1alpha1.ReasonStatusRefused,
		"Nothing of this object is in force, for the API server refuses the status with what was found%s: put usual key material in its place, and have the CustomResourceDefinitions of this version of Grantor applied",
		causeOf(refusal))
	v := visit{existing: c.before, generation: c.object.GetGeneration(), now: now}
	switch c.next.(type) {
	case *v1alpha1.IdentityProviderStatus:
		c.after = v.conditions(true, "", condition{v1alpha1.ConditionKeysReady, said})
		c.next = &v1alpha1.IdentityProviderStatus{ObservedGeneration: v.generation, Conditions: c.after}
	case *v1alpha1.OAuthClientStatus:
		c.after = v.conditions(true, "", condition{v1alpha1.ConditionCredentialsReady, said})
		c.next = &v1alpha1.OAuthClientStatus{ObservedGeneration: v.generation, Conditions: c.after}
	}
	return c
}

// causeOf is the first of the causes that the API server gives, by field, in parentheses: it gives them in any order. It is
// empty without any.
func causeOf(refusal error) string {
	status, ok := errors.AsType[*apierrors.StatusError](refusal)
	if !ok || status.ErrStatus.Details == nil || len(status.ErrStatus.Details.Causes) == 0 {
		return ""
	}
	first := slices.MinFunc(status.ErrStatus.Details.Causes, func(a, b metav1.StatusCause) int {
		return cmp.Or(cmp.Compare(noField(a), noField(b)), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return truncate(fmt.Sprintf(" (%s: %s", first.Field, first.Message), maxRefusalBytes) + ")"
}

// noField puts causes that are of no field behind all others.
func noField(c metav1.StatusCause) int {
	if c.Field == "" || c.Field == "<nil>" {
		return 1
	}
	return 0
}
