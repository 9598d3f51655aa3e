package integration

import (
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

// waitFor waits until one assertion gets the wanted status from a replica.
func (tn *tenant) waitFor(replica int, assertion string, status int) {
	tn.t.Helper()
	err := harness.Poll(tn.t.Context(), effectTimeout, func() error {
		if a := tn.post(replica, assertion); a.status != status {
			return fmt.Errorf("replica %d answers %+v instead of %d", replica, a, status)
		}
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
}

// accounts makes sure that the ServiceAccount "workload" exists.
func accounts(tn *tenant) {
	tn.t.Helper()
	err := grantor.ControlPlane.Client.Create(tn.t.Context(), &corev1.ServiceAccount{ObjectMeta: tn.meta("workload")})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		tn.t.Fatal(err)
	}
}

var errStillTrusted = errors.New("the deleted certificate is still trusted")

// waitStatus waits until a client gets the wanted status for a fresh assertion from every replica.
func (tn *tenant) waitStatus(id, secret string, status int) {
	tn.t.Helper()
	for replica := range grantor.URLs {
		err := harness.Poll(tn.t.Context(), effectTimeout, func() error {
			if a := tn.postAs(replica, id, secret, tn.assertion()); a.status != status {
				return fmt.Errorf("replica %d answers %+v instead of %d", replica, a, status)
			}
			return nil
		})
		if err != nil {
			tn.t.Fatal(err)
		}
	}
}

func (tn *tenant) readSecret(name string) *corev1.Secret {
	tn.t.Helper()
	return readSecret(tn.t, tn.namespace, name)
}

// ownSecret reads a Secret of Grantor's namespace.
func (tn *tenant) ownSecret(name string) *corev1.Secret {
	tn.t.Helper()
	return readSecret(tn.t, harness.Namespace, name)
}

func readSecret(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{}
	if err := grantor.ControlPlane.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, s); err != nil {
		t.Fatal(err)
	}
	return s
}
