package trustsync

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/internal/release"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// Back-off of the reflectors: long enough for many replicas not to burden an API server that comes back, short enough
// for them to be loaded seconds later.
const (
	retryFirst  = 200 * time.Millisecond
	retryMax    = 3 * time.Second
	retryJitter = 0.3
)

// Syncer keeps a trust store equal to the objects in the API server. A reflector per part writes into it, in the order of
// the watch; no copy of the objects is kept beside it.
type Syncer struct {
	store        *trust.Store
	sources      map[part]*cache.ListWatch
	mirrors      map[part]*mirror
	changes      *changes
	progress     *progress
	contact      *contact
	publisher    *Publisher
	maxStaleness time.Duration
	clock        func() time.Time
	panics       prometheus.Counter
	log          logr.Logger
}

func (s *Syncer) mirror(of part, k kind) *mirror {
	return &mirror{part: of, kind: k, store: s.store, changes: s.changes, progress: s.progress, contact: s.contact}
}

func (s *Syncer) reflector(of part, m *mirror) *cache.Reflector {
	return cache.NewReflectorWithOptions(s.contact.watched(of, s.sources[of]), nil, m, cache.ReflectorOptions{
		Name: of.String(), TypeDescription: of.String(), Logger: new(quiet(s.log)),
		Backoff: &wait.Backoff{Duration: retryFirst, Factor: 2, Jitter: retryJitter, Steps: 10, Cap: retryMax},
	})
}

// guard stops answers from a store that has grown too old, and lets them start again.
func (s *Syncer) guard(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var suspended bool
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, ok := s.progress.loaded(); !ok || s.contact.stale(s.maxStaleness) == suspended {
			continue
		}
		if suspended = !suspended; suspended {
			s.log.Info("nothing was heard from the API server for too long: answering nothing until it is back", "limit", s.maxStaleness.String())
			s.store.Update((*trust.Tx).MarkUnloaded)
			continue
		}
		s.log.Info("the API server is back: answering again")
		s.store.Update((*trust.Tx).MarkLoaded)
	}
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
	keys, err := keyring.ParseDigestKeys(data)
	if err != nil {
		return err
	}
	tx.SetDigestKeys(keys)
	return nil
}
