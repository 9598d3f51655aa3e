package operator

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
)

// TestKeyRotationAgainstAnAPIServer: compare and swap is a promise of the API server, so it is asked.
func TestKeyRotationAgainstAnAPIServer(t *testing.T) {
	c := startCluster(t)
	loaded := &replicas{}
	operators := make([]*KeyMaterialReconciler, 4)
	for i := range operators {
		operators[i] = &KeyMaterialReconciler{
			Client: c.client, Secrets: c.client, Recorder: events.NewFakeRecorder(1000), Clock: func() time.Time { return start }, Namespace: releaseNamespace,
			Replicas: loaded, DigestKeyInUse: func(context.Context, string) (bool, error) { return false, nil },
		}
	}
	visit := func(name string) {
		t.Helper()
		errs := make([]error, len(operators))
		var group sync.WaitGroup
		for i, r := range operators {
			group.Go(func() { _, errs[i] = r.Reconcile(t.Context(), request(releaseNamespace, name)) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	stored := func(name string) *corev1.Secret {
		t.Helper()
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: name}}
		if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	annotate := func(name, value string) {
		t.Helper()
		s := stored(name)
		s.Annotations = map[string]string{rotateAnnotation: value}
		if err := c.client.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	keysOf := func() int {
		t.Helper()
		ring, err := keyring.Parse(stored(release.SigningKeysSecretName).Data[keyring.RingDataKey])
		if err != nil {
			t.Fatal(err)
		}
		return len(ring.PublicKeys())
	}
	visit(release.SigningKeysSecretName)
	visit(release.DigestKeySecretName)
	for range 5 {
		annotate(release.SigningKeysSecretName, "1")
		visit(release.SigningKeysSecretName)
		if got := keysOf(); got != 2 {
			t.Fatalf("%d operators asked for one successor: %d keys", len(operators), got)
		}
	}
	annotate(release.DigestKeySecretName, "1")
	for step, want := range []string{keyring.NextDigestDataKey, keyring.PreviousDigestDataKey} {
		visit(release.DigestKeySecretName)
		s := stored(release.DigestKeySecretName)
		if keys, err := keyring.ParseDigestKeys(s.Data); err != nil || s.Data[want] == nil {
			t.Errorf("step %d: keys %v, error %v", step, keys, err)
		}
		loaded.version = s.ResourceVersion
	}
}
