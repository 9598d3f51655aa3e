package trustsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Syncer brings objects into the trust store. Objects and keys are read from caches, always while the store's writer
// lock is held: a cache never goes back in time, so neither does the store.
type Syncer struct {
	objects   client.Reader
	keys      map[string]client.Reader // by Secret name
	store     *trust.Store
	namespace string
	log       logr.Logger
}

// load puts everything that the caches hold into the store and marks it as loaded. The caches must have synced.
func (s *Syncer) load(ctx context.Context) error {
	var err error
	s.store.Update(func(tx *trust.Tx) {
		if err = s.loadObjects(ctx, tx); err != nil {
			return
		}
		for name := range s.keys {
			if err = s.syncKeys(ctx, tx, name); err != nil {
				return
			}
		}
		tx.MarkLoaded()
	})
	return err
}

func (s *Syncer) loadObjects(ctx context.Context, tx *trust.Tx) error {
	var providers v1alpha1.IdentityProviderList
	if err := s.objects.List(ctx, &providers); err != nil {
		return fmt.Errorf("list identity providers: %w", err)
	}
	var clients v1alpha1.OAuthClientList
	if err := s.objects.List(ctx, &clients); err != nil {
		return fmt.Errorf("list OAuth clients: %w", err)
	}
	tx.Clear()
	for i := range providers.Items {
		s.putProvider(tx, &providers.Items[i])
	}
	for i := range clients.Items {
		s.putClient(tx, &clients.Items[i])
	}
	return nil
}

// syncProvider makes the store's entry equal to the object, present or not.
func (s *Syncer) syncProvider(ctx context.Context, key types.NamespacedName) (err error) {
	s.store.Update(func(tx *trust.Tx) {
		var o v1alpha1.IdentityProvider
		switch getErr := s.objects.Get(ctx, key, &o); {
		case apierrors.IsNotFound(getErr):
			tx.DeleteProvider(trust.ObjectKey(key))
		case getErr != nil:
			err = fmt.Errorf("get identity provider: %w", getErr)
		default:
			s.putProvider(tx, &o)
		}
	})
	return err
}

func (s *Syncer) putProvider(tx *trust.Tx, o *v1alpha1.IdentityProvider) {
	p, err := CompileProvider(o)
	if err != nil {
		tx.DeleteProvider(trust.ObjectKey{Namespace: o.Namespace, Name: o.Name})
		s.report(err, "identity provider not used", o)
		return
	}
	tx.PutProvider(p)
}

// syncClient makes the store's entry equal to the object, present or not.
func (s *Syncer) syncClient(ctx context.Context, key types.NamespacedName) (err error) {
	s.store.Update(func(tx *trust.Tx) {
		var o v1alpha1.OAuthClient
		switch getErr := s.objects.Get(ctx, key, &o); {
		case apierrors.IsNotFound(getErr):
			tx.DeleteClient(trust.ObjectKey(key))
		case getErr != nil:
			err = fmt.Errorf("get OAuth client: %w", getErr)
		default:
			s.putClient(tx, &o)
		}
	})
	return err
}

func (s *Syncer) putClient(tx *trust.Tx, o *v1alpha1.OAuthClient) {
	c, err := CompileClient(o)
	if err != nil {
		tx.DeleteClient(trust.ObjectKey{Namespace: o.Namespace, Name: o.Name})
		s.report(err, "OAuth client not used", o)
		return
	}
	tx.PutClient(c)
}

// report logs why an object is not used. That it has no identity yet stands in its conditions, for those who look.
func (s *Syncer) report(err error, message string, o client.Object) {
	if errors.Is(err, ErrNoIdentity) {
		s.log.V(1).Info(message, "namespace", o.GetNamespace(), "name", o.GetName(), "reason", err.Error())
		return
	}
	s.log.Error(err, message, "namespace", o.GetNamespace(), "name", o.GetName())
}

// syncKeys loads one of the two Secrets with the server's own keys. One that is missing or cannot be read leaves the
// keys as they are: a running server goes on with what it has, a new one is not Ready.
func (s *Syncer) syncKeys(ctx context.Context, tx *trust.Tx, name string) error {
	var secret corev1.Secret
	err := s.keys[name].Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		s.log.Info("the Secret with the server's keys does not exist (yet); the operator creates it", "namespace", s.namespace, "name", name)
		return nil
	case err != nil:
		return fmt.Errorf("get Secret %s: %w", name, err)
	}
	if err := setKeys(tx, name, secret.Data); err != nil {
		s.log.Error(err, "the Secret with the server's keys cannot be read: restore it; until then the last good keys are used", "namespace", s.namespace, "name", name)
	}
	return nil
}

func setKeys(tx *trust.Tx, name string, data map[string][]byte) error {
	if name == release.SigningKeysSecretName {
		ring, err := keyring.Parse(data[keyring.RingDataKey])
		if err != nil {
			return err
		}
		tx.SetRing(ring)
		return nil
	}
	key, err := keyring.ParseDigestKey(data[keyring.DigestDataKey])
	if err != nil {
		return err
	}
	tx.SetDigestKey(key)
	return nil
}
