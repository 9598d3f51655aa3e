package agent

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// Clock is the time, twice: the one that people set, and one that never goes back, but may stand still while the machine sleeps.
type Clock struct {
	Wall   func() time.Time
	Uptime func() time.Duration
	After  func(time.Duration) <-chan time.Time
}

// instant is a moment by both.
type instant struct {
	wall time.Time
	up   time.Duration
}

func (c Clock) now() instant { return instant{c.Wall().Round(0), c.Uptime()} }

// sleep reports whether ctx is still alive after so long.
func (c Clock) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c.After(d):
		return ctx.Err() == nil
	}
}

// life is how long a token is good.
type life struct {
	from instant
	span time.Duration
}

// age is by the clock that went on further: a clock that was set back makes no token younger, and neither does a machine that
// slept.
func (l life) age(now instant) time.Duration {
	return max(now.wall.Sub(l.from.wall), now.up-l.from.up, 0)
}

// left is how long it is still good; 0 for not at all.
func (l life) left(now instant) time.Duration { return max(l.span-l.age(now), 0) }

// The shape of waiting.
const (
	// minInterval is how often a token is renewed at most, whatever its life.
	minInterval = time.Second
	// maxTick is how long is waited at once: clocks jump, and files go away.
	maxTick              = 15 * time.Second
	minBackoff           = time.Second
	maxBackoff           = time.Minute
	renewalJitterPortion = 10
)

// renewalAge is when a token is renewed: at two thirds of its life, or up to a tenth of it earlier, so that those who were
// started together do not go on together. random is in [0, 1).
func renewalAge(span time.Duration, random float64) time.Duration {
	return max(span*2/3-time.Duration(float64(span)*random/renewalJitterPortion), minInterval)
}

// backoff is how long to wait after so many failures in a row, and never less than the server asks for.
func backoff(failures int, retryAfter time.Duration, random float64) time.Duration {
	d := time.Duration(math.Min(float64(minBackoff)*math.Pow(2, float64(failures-1)), float64(maxBackoff)))
	return max(d/2+time.Duration(float64(d/2)*random), retryAfter+time.Duration(float64(retryAfter)*random/renewalJitterPortion))
}

var errNoLifetime = errors.New("the token endpoint does not say how long the token is good (expires_in), and the token does not either")

// lifeOf is the life of a token that was asked for at a moment: what passed on the way is not part of what is left.
func lifeOf(token exchange.Token, asked instant) (life, error) {
	if token.ExpiresIn > 0 {
		return life{asked, token.ExpiresIn}, nil
	}
	if l := untrustedLife(token.AccessToken.Reveal(), asked); l.span > 0 {
		return l, nil
	}
	return life{}, errNoLifetime
}

// untrustedLife reads exp of a token, or nothing. It only ever decides when to look for another one.
func untrustedLife(token string, now instant) life {
	_, text, err := exchange.Decode(token)
	if err != nil {
		return life{}
	}
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil || claims.Expiry > math.MaxInt32*1000 {
		return life{}
	}
	return life{now, max(time.Unix(int64(claims.Expiry), 0).Sub(now.wall), 0)}
}
