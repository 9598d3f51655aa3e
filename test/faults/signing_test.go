package faults

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

const (
	signingKeys = "grantor-signing-keys"
	digestKey   = "grantor-digest-key"
	ringKey     = "ring.json"
)

// ownSecret reads a Secret of the release.
func ownSecret(ctx context.Context, name string) (*corev1.Secret, error) {
	s := &corev1.Secret{}
	if err := world.cp.Client.Get(ctx, client.ObjectKey{Namespace: harness.Namespace, Name: name}, s); err != nil {
		return nil, fmt.Errorf("get Secret %s: %w", name, err)
	}
	return s, nil
}

// TestF38SigningKeysLost: P-05: the Secret with the signing keys is deleted, or garbled. Token servers that run sign with what
// they have, ones that start are not Ready, and nobody makes keys of its own.
func TestF38SigningKeysLost(t *testing.T) {
	for name, tc := range map[string]struct {
		lose, restore func(ctx context.Context, good *corev1.Secret) error
	}{
		"deleted": {
			lose: func(ctx context.Context, good *corev1.Secret) error {
				return world.cp.Client.Delete(ctx, good.DeepCopy())
			},
			restore: func(ctx context.Context, good *corev1.Secret) error {
				return world.cp.Client.Create(ctx, &corev1.Secret{
					ObjectMeta: metav1.ObjectMeta{Namespace: good.Namespace, Name: good.Name, Labels: good.Labels},
					Type:       good.Type, Data: good.Data,
				})
			},
		},
		"garbled": {
			lose:    func(ctx context.Context, _ *corev1.Secret) error { return setRing(ctx, []byte(garbage)) },
			restore: func(ctx context.Context, good *corev1.Secret) error { return setRing(ctx, good.Data[ringKey]) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTenant(t)
			good, err := ownSecret(t.Context(), signingKeys)
			try(t, err)
			published := fetchKeys(t, world.URLs[0])
			load := tn.load(50)
			try(t, tc.lose(t.Context(), good))
			newcomer, endpoint, err := world.StartAnotherTokenServer(t.Context(), fmt.Sprint("tokenserver-", serial.Add(1)))
			try(t, err)
			defer newcomer.Stop()
			try(t, harness.Poll(t.Context(), soon, func() error {
				_, _, err := newcomer.Get(t.Context(), "/healthz")
				return err
			}))
			during(t, 4*time.Second, func() error { return errors.Join(keyless(t.Context(), newcomer), serving(t.Context())) })
			if a, err := exchange(t.Context(), endpoint, tn.clientID(), clientSecret, tn.assertion()); err != nil || a.outcome() != "503 temporarily_unavailable" {
				t.Errorf("without keys, the endpoint answers %s, %v", a.outcome(), err)
			}
			try(t, tc.restore(t.Context(), good))
			within(t, refusal, "a new token server is Ready after the keys are restored", func() error { return isReady(t.Context(), newcomer) })
			for _, base := range append([]string{endpoint}, world.URLs...) {
				if now := fetchKeys(t, base); !sameKeys(now, published) {
					t.Errorf("%s publishes other keys than before: %v, %v", base, now, published)
				}
			}
			tn.flawless(load)
		})
	}
}

// garbage is what stands in place of the key ring.
const garbage = "garbage"

// keyless returns nil while a token server is not Ready for the want of keys, and nobody has made any.
func keyless(ctx context.Context, p *harness.Process) error {
	if status, _, err := p.Get(ctx, "/readyz"); err != nil || status != 503 {
		return fmt.Errorf("without keys, /readyz answers %d: %w", status, orElse(err))
	}
	now, err := ownSecret(ctx, signingKeys)
	if err == nil && string(now.Data[ringKey]) != garbage || err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("somebody has made signing keys: %w", orElse(err))
	}
	return nil
}

// setRing replaces the text of the key ring.
func setRing(ctx context.Context, text []byte) error {
	for {
		s, err := ownSecret(ctx, signingKeys)
		if err != nil {
			return err
		}
		s.Data[ringKey] = text
		if err = world.cp.Client.Update(ctx, s); !apierrors.IsConflict(err) {
			return err
		}
	}
}
