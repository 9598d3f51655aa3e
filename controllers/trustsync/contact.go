package trustsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/grantor-dev/grantor/internal/release"
)

// contact knows when the API server was last heard of, for each kind.
type contact struct {
	mu    sync.Mutex
	kinds map[string]*hearing
	clock func() time.Time
	log   logr.Logger
}

type hearing struct {
	last    time.Time
	failing bool
}

// newContact counts from now on as if the API server had just been heard of.
func newContact(log logr.Logger, clock func() time.Time) *contact {
	c := &contact{kinds: map[string]*hearing{}, clock: clock, log: log}
	for _, kind := range []string{
		release.KindIdentityProviders, release.KindOAuthClients, release.KindSigningKeys, release.KindDigestKey,
	} {
		c.kinds[kind] = &hearing{last: clock()}
	}
	return c
}

// register adds a gauge for each kind.
func (c *contact) register(r prometheus.Registerer) error {
	for kind := range c.kinds {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "grantor_trust_staleness_seconds",
			Help: "Time since the API server was last heard of: a list, an event, or its word, once a minute, that " +
				"nothing happened.",
			ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return c.staleness(kind).Seconds() })
		if err := r.Register(gauge); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

func (c *contact) staleness(kind string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.clock().Sub(c.kinds[kind].last), 0)
}

// stale reports whether any kind has not been heard of for longer than the limit.
func (c *contact) stale(limit time.Duration) bool {
	for kind := range c.kinds {
		if c.staleness(kind) > limit {
			return true
		}
	}
	return false
}

func (c *contact) succeeded(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.kinds[kind]
	h.last = c.clock()
	if h.failing {
		h.failing = false
		c.log.Info("the API server is heard of again", "kind", kind)
	}
}

// failed logs the first of a series of failures.
func (c *contact) failed(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.kinds[kind]; !h.failing {
		h.failing = true
		c.log.Error(err, "cannot follow the API server; going on with what is loaded, and trying again", "kind", kind)
	}
}

// watched returns a source that notes contact. What it lists is consistent: a list that an API server's cache may answer
// with an old state could bring back what was deleted.
func (c *contact) watched(kind string, source *cache.ListWatch) *cache.ListWatch {
	// Only what arrives counts as heard: a watch that opens has said nothing yet.
	note := func(ctx context.Context, err error) {
		if err != nil && ctx.Err() == nil {
			c.failed(kind, err)
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			if options.ResourceVersion == "0" {
				options.ResourceVersion = ""
			}
			list, err := source.ListWithContextFunc(ctx, options)
			note(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := source.WatchFuncWithContext(ctx, options)
			note(ctx, err)
			return w, err
		},
	}
}
