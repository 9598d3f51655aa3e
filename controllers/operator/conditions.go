package operator

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// verdict is what one condition says.
type verdict struct {
	ok              bool
	reason, message string
}

func yes(reason, format string, args ...any) verdict {
	return verdict{ok: true, reason: reason, message: fmt.Sprintf(format, args...)}
}

func no(reason, format string, args ...any) verdict {
	return verdict{reason: reason, message: fmt.Sprintf(format, args...)}
}

// visit is what the conditions of one evaluation have in common.
type visit struct {
	// existing are the conditions so far: one whose status stays keeps its time of transition.
	existing   []metav1.Condition
	generation int64
	now        time.Time
}

// condition is a verdict with its type.
type condition struct {
	typ string
	verdict
}

// existingVerdict is what a condition of this generation said before, if there is one.
func (v visit) existingVerdict(typ string) (verdict, bool) {
	c := meta.FindStatusCondition(v.existing, typ)
	if c == nil || c.ObservedGeneration != v.generation {
		return verdict{}, false
	}
	return verdict{ok: c.Status == metav1.ConditionTrue, reason: c.Reason, message: c.Message}, true
}

// conditions returns the given conditions and Ready, which carries the first that is not True. Conditions of other types
// are dropped: the operator owns all of the status.
func (v visit) conditions(grantEnabled bool, ready string, parts ...condition) []metav1.Condition {
	summary := yes(v1alpha1.ReasonReady, "%s", ready)
	if !grantEnabled {
		summary = no(v1alpha1.ReasonGrantDisabled, "The grant is switched off: set spec.grantEnabled to true to switch it on")
	}
	if i := slices.IndexFunc(parts, func(c condition) bool { return !c.ok }); i >= 0 {
		summary = parts[i].verdict
	}
	parts = append(parts, condition{v1alpha1.ConditionReady, summary})
	list := make([]metav1.Condition, 0, len(parts))
	for _, c := range parts {
		if previous := meta.FindStatusCondition(v.existing, c.typ); previous != nil {
			list = append(list, *previous)
		}
		status := metav1.ConditionFalse
		if c.ok {
			status = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&list, metav1.Condition{
			Type: c.typ, Status: status, Reason: c.reason, Message: c.message,
			ObservedGeneration: v.generation, LastTransitionTime: metav1.NewTime(v.now),
		})
	}
	return list
}
