package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// Exchanger asks a token endpoint. Its errors hold nothing of what is presented.
type Exchanger interface {
	Exchange(ctx context.Context, q exchange.Request) (exchange.Token, error)
}

// Hook is told that there is another token in the file.
type Hook interface {
	Notify(ctx context.Context) error
}

// Keeper keeps the token in a file good. Its methods may be called by several goroutines, but one of Run and Once at a time.
type Keeper struct {
	exchanger Exchanger
	request   exchange.Request
	file      *File
	hooks     []Hook
	clock     Clock
	random    func() float64
	log       *slog.Logger
	metrics   *Metrics

	// unwritten is a token that is in no file yet; empty where there is none.
	unwritten     exchange.Secret
	unwrittenLife life

	mu     sync.Mutex
	onDisk life
	// text is what is on disk, for when somebody removes it.
	text exchange.Secret
}

// KeeperConfig is what a keeper needs. All fields are required but Hooks.
type KeeperConfig struct {
	Exchanger Exchanger
	Request   exchange.Request
	File      *File
	Hooks     []Hook
	Clock     Clock
	// Random returns a number in [0, 1).
	Random  func() float64
	Log     *slog.Logger
	Metrics *Metrics
}

// NewKeeper returns a keeper that knows what is in the file.
func NewKeeper(c KeeperConfig) *Keeper {
	k := &Keeper{
		exchanger: c.Exchanger, request: c.Request, file: c.File, hooks: c.Hooks, clock: c.Clock, random: c.Random, log: c.Log, metrics: c.Metrics,
	}
	// The process may be the second one in a pod, and the server away: what the first one got may still be good.
	k.onDisk = untrustedLife(k.file.Read(), k.clock.now())
	k.metrics.expires(k.onDisk)
	return k
}

// Run renews the token until ctx ends. It returns nil then, and never before.
func (k *Keeper) Run(ctx context.Context) error {
	for failures := 0; ; {
		err := k.renew(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // It was told to stop, and what it did then failed for that.
		}
		if err == nil {
			failures = 0
			if !k.rest(ctx) {
				return nil
			}
			continue
		}
		failures++
		wait := backoff(failures, exchange.RetryAfter(err), k.random())
		k.complain(ctx, err, wait)
		if !k.clock.sleep(ctx, wait) {
			return nil
		}
	}
}

// Once renews the token once, and tries again for as long as the caller is patient.
func (k *Keeper) Once(ctx context.Context, patience time.Duration) error {
	begin := k.clock.now()
	for failures := 1; ; failures++ {
		err := k.renew(ctx)
		if err == nil {
			return nil
		}
		wait := backoff(failures, exchange.RetryAfter(err), k.random())
		if k.clock.now().up-begin.up+wait > patience {
			return err
		}
		k.complain(ctx, err, wait)
		if !k.clock.sleep(ctx, wait) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// renew gets a token, unless there is one that was not written, and writes it.
func (k *Keeper) renew(ctx context.Context) error {
	now := k.clock.now()
	if k.unwritten == "" || k.unwrittenLife.age(now) >= renewalAge(k.unwrittenLife.span, 0) {
		token, err := k.exchanger.Exchange(ctx, k.request)
		k.metrics.exchanged(err)
		if err != nil {
			return err
		}
		if k.unwrittenLife, err = lifeOf(token, now); err != nil {
			return err
		}
		k.unwritten = token.AccessToken
	}
	err := k.file.Write(k.unwritten.Reveal())
	k.metrics.wrote(err)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.onDisk, k.text, k.unwritten = k.unwrittenLife, k.unwritten, ""
	k.mu.Unlock()
	k.metrics.expires(k.onDisk)
	k.log.InfoContext(ctx, "token written", "file", k.file.Path, "good_for", k.onDisk.left(k.clock.now()).Round(time.Second).String())
	k.notify(ctx)
	return nil
}

// notify tells others. What they do with it changes nothing here.
func (k *Keeper) notify(ctx context.Context) {
	for _, h := range k.hooks {
		err := h.Notify(ctx)
		k.metrics.notified(err)
		if err != nil {
			k.log.WarnContext(ctx, "nobody was told of the token", "error", err.Error())
		}
	}
}

// rest waits until the token is to be renewed, and reports whether ctx is still alive then. It looks at the clock and at the file
// every now and then: both can be changed by others.
func (k *Keeper) rest(ctx context.Context) bool {
	due := renewalAge(k.onDisk.span, k.random())
	for {
		age := k.onDisk.age(k.clock.now())
		if age >= due {
			return true
		}
		if !k.clock.sleep(ctx, min(due-age, maxTick)) {
			return false
		}
		if k.file.Exists() {
			continue
		}
		err := k.file.Write(k.text.Reveal())
		k.metrics.wrote(err)
		k.log.WarnContext(ctx, "the file was gone", "file", k.file.Path, "written_again", err == nil)
	}
}

// complain says what went wrong, and what that means for whoever reads the file.
func (k *Keeper) complain(ctx context.Context, err error, wait time.Duration) {
	level, left := slog.LevelWarn, k.onDisk.left(k.clock.now())
	if left == 0 {
		level = slog.LevelError
	}
	k.log.Log(ctx, level, "token not renewed", "error", err.Error(), "old_token_good_for", left.Round(time.Second).String(),
		"next_try_in", wait.Round(time.Millisecond).String())
}

// Health returns nil when the file holds a token that is good, or what is wrong.
func (k *Keeper) Health() error {
	k.mu.Lock()
	l := k.onDisk
	k.mu.Unlock()
	now := k.clock.now()
	switch {
	case l.span == 0:
		return errors.New("there is no token yet")
	case l.left(now) == 0:
		return fmt.Errorf("the token has expired %s ago", (l.age(now) - l.span).Round(time.Second))
	case !k.file.Exists():
		return errors.New("the file is gone")
	}
	return nil
}
