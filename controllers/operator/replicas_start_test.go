package operator

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/release"
)

// The first of several Leases says nothing about the others, so nobody is counted before all of them have been seen; and
// whoever is not there then may be late.
func TestLeasesAreListedFirst(t *testing.T) {
	f := newFleet(t)
	for _, name := range []string{"a", "b"} {
		f.write(lease(name, start, 100))
	}
	foreign := lease("c", start, 100)
	foreign.Labels = nil
	f.write(foreign)
	changes := 0
	again := &Replicas{Client: f.Client, Clock: f.Clock}
	again.Subscribe(func() { changes++ })
	if _, err := again.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: releaseNamespace, Name: release.LeaseName("a")}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Loaded{Patience: firstPatience}, again.Loaded(release.KindOAuthClients, "team-a", "100")); diff != "" || again.SecretLoaded(release.SigningKeysSecretName, "100") {
		t.Error(diff)
	}
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, 4 * time.Second, 14 * time.Second} {
		f.now = start.Add(wait)
		want := Loaded{Have: 2, Live: 2, Patience: max(firstPatience-wait, 0)}
		if diff := cmp.Diff(want, again.Loaded(release.KindOAuthClients, "team-a", "100")); diff != "" {
			t.Errorf("after %s: %s", wait, diff)
		}
	}
	if changes == 0 || !again.NeedLeaderElection() {
		t.Error("nobody is told")
	}
	if err := (&Replicas{Client: failingList{f.Client}, Clock: f.Clock}).Start(t.Context()); err == nil {
		t.Error("counts without a list")
	}
}

// failingList answers no list.
type failingList struct{ client.Client }

func (failingList) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errAPI
}
