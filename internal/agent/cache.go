package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// maxCached bounds how many kinds of tokens are kept; the one that was not asked for the longest goes first.
const maxCached = 64

// How long the server is left alone after a failure, unless it says so itself.
const (
	refusedPause     = 10 * time.Second
	unavailablePause = time.Second
)

// Cache keeps tokens for those who ask by resource and scope. It asks for each of them once at a time.
type Cache struct {
	exchanger Exchanger
	request   exchange.Request
	clock     Clock
	metrics   *Metrics

	entries *lru.Cache[string, entry]
	flights singleflight.Group
}

// entry is what was answered last. There may be a token and an error: it could not be renewed, and is good.
type entry struct {
	token exchange.Token
	life  life
	// err is of the last time, and pause how long it counts.
	err   error
	pause life
}

// NewCache returns a cache of what the request and those who ask say.
func NewCache(e Exchanger, request exchange.Request, clock Clock, m *Metrics) (*Cache, error) {
	entries, err := lru.New[string, entry](maxCached)
	if err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	return &Cache{exchanger: e, request: request, clock: clock, metrics: m, entries: entries}, nil
}

// get returns a token and for how long it is good. Empty lists mean what the request of the cache says.
func (c *Cache) get(ctx context.Context, resources, scopes []string) (exchange.Token, time.Duration, error) {
	q := c.request
	if len(resources) > 0 {
		q.Resources = sorted(resources)
	}
	if len(scopes) > 0 {
		q.Scopes = sorted(scopes)
	}
	key := strings.Join(q.Resources, " ") + "\n" + strings.Join(q.Scopes, " ")
	if e, ok := c.entries.Get(key); ok && !e.stale(c.clock.now()) {
		return e.answer(c.clock.now())
	}
	// Who asked first may go away; what he asked for is for all who wait.
	flight := c.flights.DoChan(key, func() (any, error) { return c.fetch(context.WithoutCancel(ctx), key, q), nil })
	select {
	case <-ctx.Done():
		return exchange.Token{}, 0, ctx.Err()
	case result := <-flight:
		e, ok := result.Val.(entry)
		if !ok {
			return exchange.Token{}, 0, result.Err
		}
		return e.answer(c.clock.now())
	}
}

// fetch asks, unless somebody has just done so, and keeps what comes.
func (c *Cache) fetch(ctx context.Context, key string, q exchange.Request) entry {
	now := c.clock.now()
	e, ok := c.entries.Get(key)
	if ok && !e.stale(now) {
		return e
	}
	token, err := c.exchanger.Exchange(ctx, q)
	c.metrics.exchanged(err)
	if err == nil {
		var l life
		if l, err = lifeOf(token, now); err == nil {
			e = entry{token: token, life: l}
		}
	}
	if err != nil {
		pause := unavailablePause
		if exchange.OutcomeOf(err) == exchange.Refused {
			pause = refusedPause
		}
		e.err, e.pause = err, life{now, max(pause, exchange.RetryAfter(err))}
	}
	c.entries.Add(key, e)
	return e
}

// stale reports whether it is time to ask again.
func (e entry) stale(now instant) bool {
	if e.err != nil {
		return e.pause.left(now) == 0
	}
	return e.life.age(now) >= renewalAge(e.life.span, 0)
}

// answer is a token while there is one that is good, and else why not.
func (e entry) answer(now instant) (exchange.Token, time.Duration, error) {
	if left := e.life.left(now); left > 0 {
		return e.token, left, nil
	}
	return exchange.Token{}, 0, e.err
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
