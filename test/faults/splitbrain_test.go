//go:build faults

package faults

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// TestF22SplitBrain: the leading operator freezes, another takes over and changes the status of objects, and the first one
// wakes up with what it knew before. It must end, or write nothing.
func TestF22SplitBrain(t *testing.T) {
	tn := newTenant(t)
	second := standBy(t)
	before, _, err := leader(t.Context())
	try(t, err)
	first := world.Operator
	try(t, first.Pause())
	world.Operator = second
	frozen := time.Now()
	takeOver(t, before, 17*time.Second)
	for name := range map[string]int{"a": 0, "b": 0, "c": 0} {
		tn.create(tn.secret(name, "client_secret", []byte(clientSecret)))
		tn.create(tn.client(name))
		tn.waitReady(&v1alpha1.OAuthClient{}, name)
	}
	tn.delete(&corev1.Secret{ObjectMeta: tn.meta("partner-cert")})
	within(t, soon, "the new leader misses a Secret", func() error {
		return tn.is(&v1alpha1.IdentityProvider{}, "partner", v1alpha1.ConditionReady, v1alpha1.ReasonSecretNotFound)
	})
	<-time.After(time.Until(frozen.Add(leaderFreeze)))
	versions := statusVersions(t)
	writes := watchWrites(t, tn)
	try(t, first.Resume())
	within(t, 15*time.Second, "the one that woke up has ended", func() error {
		if !first.HasEnded() {
			return fmt.Errorf("it lives")
		}
		return nil
	})
	during(t, watchAfterThaw, func() error { return tn.everywhere("400 invalid_grant") })
	unchanged(t, versions)
	if n := writes(); len(n) > 0 {
		t.Errorf("objects were written after the old leader woke up: %v", n)
	}
	world.keepOperator(t)
}
