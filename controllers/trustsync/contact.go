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

// contact knows when the API server was last heard of, for each part.
type contact struct {
	mu    sync.Mutex
	parts map[part]*hearing
	clock func() time.Time
	log   logr.Logger
}

type hearing struct {
	last    time.Time
	failing bool
}

// newContact counts from now on as if the API server had just been heard of.
func newContact(parts []part, log logr.Logger, clock func() time.Time) *contact {
	c := &contact{parts: map[part]*hearing{}, clock: clock, log: log}
	for _, of := range parts {
		c.parts[of] = &hearing{last: clock()}
	}
	return c
}

// register adds a gauge for each kind.
func (c *contact) register(r prometheus.Registerer) error {
	for _, kind := range []string{
		release.KindIdentityProviders, release.KindOAuthClients, release.KindSigningKeys, release.KindDigestKey,
	} {
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

// staleness is for how long the part of a kind that was heard of least has not been.
func (c *contact) staleness(kind string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var most time.Duration
	for of, h := range c.parts {
		if of.kind == kind {
			most = max(most, c.clock().Sub(h.last))
		}
	}
	return most
}

// stale reports whether any part has not been heard of for longer than the limit.
func (c *contact) stale(limit time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.parts {
		if c.clock().Sub(h.last) > limit {
			return true
		}
	}
	return false
}

func (c *contact) succeeded(of part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.parts[of]
	h.last = c.clock()
	if h.failing {
		h.failing = false
		c.log.Info("the API server is heard of again", of.values()...)
	}
}

// failed logs the first of a series of failures.
func (c *contact) failed(of part, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.parts[of]; !h.failing {
		h.failing = true
		c.log.Error(err, "cannot follow the API server; going on with what is loaded, and trying again", of.values()...)
	}
}

// watched returns a source that notes contact. What it lists is consistent: a list that an API server's cache may answer
// with an old state could bring back what was deleted.
func (c *contact) watched(of part, source *cache.ListWatch) *cache.ListWatch {
	// Only what arrives counts as heard: a watch that opens has said nothing yet.
	note := func(ctx context.Context, err error) {
		if err != nil && ctx.Err() == nil {
			c.failed(of, err)
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
