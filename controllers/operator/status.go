package operator

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// FieldManager owns the fields of status.
const FieldManager = "grantor-operator"

const (
	// conflictDelay gives the cache time to catch up with the write that was in the way.
	conflictDelay = 100 * time.Millisecond
	// maxEventNote is the limit of the events API.
	maxEventNote = 1024
	// actionResolve is what the operator was doing when a transition happened.
	actionResolve = "Resolve"
)

// statusWriter writes statuses and reports their transitions.
type statusWriter struct {
	client   client.Client
	recorder events.EventRecorder
	clock    func() time.Time
}

// statusChange is a status that may differ from the one in the object.
type statusChange struct {
	object client.Object
	kind   string
	// previous and next are *v1alpha1.IdentityProviderStatus or *v1alpha1.OAuthClientStatus.
	previous, next any
	// before and after are their conditions.
	before, after []metav1.Condition
}

// write stores the status if it changes anything, and reports a transition of Ready. The result asks for a visit after the
// given time, or soon when somebody else has changed the object: then what was evaluated is out of date.
func (w statusWriter) write(ctx context.Context, change statusChange, nextVisit time.Duration) (ctrl.Result, error) {
	if equality.Semantic.DeepEqual(change.previous, change.next) {
		return later(nextVisit), nil
	}
	err := w.store(ctx, change)
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictDelay}, nil
	}
	if isRefusal(err) {
		err = errors.Join(err, w.withdraw(ctx, change.withdrawn(err, w.clock())))
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("write status of %s %s: %w", change.kind, client.ObjectKeyFromObject(change.object), err)
	}
	w.report(change)
	return later(nextVisit), nil
}

// +kubebuilder:rbac:groups=grantor.dev,resources=identityproviders/status;oauthclients/status,verbs=update

// store replaces the whole status, under the resourceVersion that it was computed from: an operator that fell behind cannot
// bring back what has been taken away, and nothing that somebody else put there stays trusted.
func (w statusWriter) store(ctx context.Context, change statusChange) error {
	request, err := change.request()
	if err != nil {
		return err
	}
	// What the API server does not know it drops. That it need not look for it makes the write cheaper.
	return w.client.SubResource("status").Update(ctx, request, client.FieldOwner(FieldManager), client.FieldValidation(metav1.FieldValidationIgnore))
}

// request is the object with all that the API server takes from it in a write of its status: sending it the rest would only
// cost it the reading.
func (c statusChange) request() (client.Object, error) {
	identity := metav1.ObjectMeta{
		Namespace: c.object.GetNamespace(), Name: c.object.GetName(), UID: c.object.GetUID(), ResourceVersion: c.object.GetResourceVersion(),
	}
	switch next := c.next.(type) {
	case *v1alpha1.IdentityProviderStatus:
		return &v1alpha1.IdentityProvider{ObjectMeta: identity, Status: *next}, nil
	case *v1alpha1.OAuthClientStatus:
		return &v1alpha1.OAuthClient{ObjectMeta: identity, Status: *next}, nil
	default:
		return nil, fmt.Errorf("%T is no status", c.next)
	}
}

// report makes an event of a change of Ready or of its reason, and of warnings about keys that still work.
func (w statusWriter) report(change statusChange) {
	w.reportReady(change)
	for _, typ := range []string{v1alpha1.ConditionKeysReady, v1alpha1.ConditionCredentialsReady} {
		before, after := meta.FindStatusCondition(change.before, typ), meta.FindStatusCondition(change.after, typ)
		if after == nil || after.Status != metav1.ConditionTrue {
			continue
		}
		switch after.Reason {
		case v1alpha1.ReasonCertificateExpiresSoon:
			if before == nil || before.Message != after.Message { // 30 days, and then 7.
				w.event(change.object, corev1.EventTypeWarning, after)
			}
		case v1alpha1.ReasonFetchFailing:
			if !sameOutcome(before, after) {
				w.event(change.object, corev1.EventTypeWarning, after)
			}
		}
	}
}

// reportReady is silent about what every object goes through: that token servers load its first version, or the next, and
// have loaded it. What follows a failure is said.
func (w statusWriter) reportReady(change statusChange) {
	before, after := meta.FindStatusCondition(change.before, v1alpha1.ConditionReady), meta.FindStatusCondition(change.after, v1alpha1.ConditionReady)
	passing := before == nil || before.Status == metav1.ConditionTrue || before.Reason == v1alpha1.ReasonPending
	good := after.Status == metav1.ConditionTrue || after.Reason == v1alpha1.ReasonPending
	if sameOutcome(before, after) || passing && good {
		return
	}
	eventType := corev1.EventTypeWarning
	if good || after.Reason == v1alpha1.ReasonGrantDisabled {
		eventType = corev1.EventTypeNormal
	}
	w.event(change.object, eventType, after)
}

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

func sameOutcome(before, after *metav1.Condition) bool {
	return before != nil && before.Status == after.Status && before.Reason == after.Reason
}

func (w statusWriter) event(object client.Object, eventType string, c *metav1.Condition) {
	w.recorder.Eventf(object, nil, eventType, c.Reason, actionResolve, "%s", truncate(c.Message, maxEventNote))
}

// truncate cuts text to at most n bytes of valid UTF-8.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
