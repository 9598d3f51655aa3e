package agent

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// TestRenewal: at two thirds of the life of a token, or a little earlier.
func TestRenewal(t *testing.T) {
	for name, tc := range map[string]struct {
		span   time.Duration
		random float64
		want   time.Duration
	}{
		"an hour":          {time.Hour, 0, 40 * time.Minute},
		"an hour, earlier": {time.Hour, 0.999999999, 34 * time.Minute},
		"a minute":         {time.Minute, 0, 40 * time.Second},
		"no time at all":   {time.Millisecond, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.random = tc.random
			w.answer = func(n int) (exchange.Token, error) {
				if n == 4 {
					w.stop()
					return exchange.Token{}, context.Canceled
				}
				return token(n, tc.span), nil
			}
			w.run(w.keeper())
			for i, at := range w.asked {
				if d := at - time.Duration(i)*tc.want; d < 0 || d > 10*time.Millisecond {
					t.Errorf("asked at %v", w.asked)
				}
			}
			if w.onDisk() != "secret-3" || w.count("exchanges", "ok") != 3 || w.count("writes", "ok") != 3 {
				t.Errorf("on disk: %s", w.onDisk())
			}
		})
	}
}

// TestOutage: the old token stays, and is called good as long as it is; the server is asked again, less and less often.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	w.random = 0.999999
	k := w.keeper()
	w.answer = func(n int) (exchange.Token, error) {
		switch {
		case n == 1:
			return token(1, 10*time.Minute), nil
		case n < 20:
			good := w.up < 10*time.Minute
			if err := k.Health(); (err == nil) != good || w.onDisk() != "secret-1" {
				t.Errorf("after %s: %v, %s", w.up, err, w.onDisk())
			}
			return exchange.Token{}, unavailable(0)
		case n == 20:
			return token(2, 10*time.Minute), nil
		}
		w.stop()
		return exchange.Token{}, context.Canceled
	}
	w.run(k)
	var gaps []int
	for i := 2; i < len(w.asked)-1; i++ {
		gaps = append(gaps, int((w.asked[i]-w.asked[i-1]).Round(time.Second)/time.Second))
	}
	if diff := cmp.Diff([]int{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60}, gaps); diff != "" {
		t.Error(diff)
	}
	if err := k.Health(); w.onDisk() != "secret-2" || !errors.Is(err, nil) && !strings.Contains(err.Error(), "expired") {
		t.Errorf("%s, %v", w.onDisk(), err)
	}
	if !strings.Contains(w.log.String(), `"level":"ERROR"`) || !strings.Contains(w.log.String(), `"old_token_good_for":"0s"`) {
		t.Error("it does not say that the token has expired")
	}
}

// TestRetryAfter: the server is left alone for as long as it says.
func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	w.answer = func(n int) (exchange.Token, error) {
		if n == 4 {
			w.stop()
		}
		return exchange.Token{}, unavailable(90 * time.Second)
	}
	w.run(w.keeper())
	if diff := cmp.Diff([]time.Duration{0, 90 * time.Second, 180 * time.Second, 270 * time.Second}, w.asked); diff != "" {
		t.Error(diff)
	}
}

func TestBackoff(t *testing.T) {
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute, 1 << 40: time.Minute} {
		if least, just := backoff(failures, 0, 0), backoff(failures, 0, 0.999999999); least != most/2 || just > most || just < most-time.Millisecond {
			t.Errorf("%d: %s to %s", failures, least, just)
		}
	}
	if d := backoff(1, time.Hour, 0.5); d < time.Hour || d > 66*time.Minute {
		t.Errorf("%s", d)
	}
}

// TestClockJumps: whichever of the two clocks went on further counts.
func TestClockJumps(t *testing.T) {
	for name, tc := range map[string]struct {
		jump time.Duration
		// until is the time that passes until the next renewal.
		least, most time.Duration
	}{
		"none":                   {0, 40 * time.Minute, 40 * time.Minute},
		"back by a day":          {-24 * time.Hour, 40 * time.Minute, 40 * time.Minute},
		"ahead by a day":         {24 * time.Hour, 10 * time.Minute, 10*time.Minute + maxTick},
		"ahead by half an hour":  {29 * time.Minute, 11 * time.Minute, 11*time.Minute + maxTick},
		"the machine has slept":  {time.Hour, 10 * time.Minute, 10*time.Minute + maxTick},
		"ahead, and not too far": {time.Minute, 39 * time.Minute, 39*time.Minute + maxTick},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			jumped := false
			w.during = func() {
				if !jumped && w.up >= 10*time.Minute {
					w.wall, jumped = w.wall.Add(tc.jump), true
				}
			}
			var renewed time.Duration
			w.answer = func(n int) (exchange.Token, error) {
				if n == 2 {
					renewed = w.up
					w.stop()
				}
				return token(n, time.Hour), nil
			}
			w.run(w.keeper())
			if renewed < tc.least || renewed > tc.most {
				t.Errorf("renewed after %s", renewed)
			}
		})
	}
}

// TestHealthByBothClocks: a clock that is set back makes no token good again.
func TestHealthByBothClocks(t *testing.T) {
	for name, change := range map[string]func(*world){
		"time passes":      func(w *world) { w.up, w.wall = w.up+time.Hour, w.wall.Add(time.Hour) },
		"the wall jumps":   func(w *world) { w.wall = w.wall.Add(time.Hour) },
		"it was set back":  func(w *world) { w.up, w.wall = w.up+time.Hour, w.wall.Add(-time.Hour) },
		"the file is gone": func(w *world) { _ = os.Remove(w.path()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.keeper()
			if err := k.Health(); err == nil || !strings.Contains(err.Error(), "no token yet") {
				t.Errorf("before: %v", err)
			}
			w.answer = func(n int) (exchange.Token, error) { return token(n, time.Hour), nil }
			if err := k.Once(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if err := k.Health(); err != nil || w.expiry() != float64(noon.Add(time.Hour).Unix()) {
				t.Errorf("%v, expiry %v", err, w.expiry())
			}
			change(w)
			if err := k.Health(); err == nil {
				t.Error("it is called good")
			}
		})
	}
}

// TestFileIsGone: somebody has cleaned up.
func TestFileIsGone(t *testing.T) {
	w := newWorld(t)
	w.answer = func(n int) (exchange.Token, error) { return token(n, time.Hour), nil }
	removed := false
	w.during = func() {
		switch {
		case !removed:
			removed = os.Remove(w.path()) == nil
		case w.up > 2*maxTick:
			if w.onDisk() != "secret-1" {
				t.Error("it was not written again")
			}
			w.stop()
		}
	}
	w.run(w.keeper())
	if len(w.asked) != 1 {
		t.Errorf("asked %d times", len(w.asked))
	}
}

// TestDiskTrouble: a token that could not be written is not asked for again, but written as soon as that can be done.
func TestDiskTrouble(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(w.path()+"/in the way", 0o700); err != nil {
		t.Fatal(err)
	}
	w.answer = func(n int) (exchange.Token, error) { return token(n, time.Hour), nil }
	k := w.keeper()
	w.during = func() {
		if len(w.waits) == 3 {
			if err := os.RemoveAll(w.path()); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.waits) > 3 {
			w.stop()
		}
	}
	w.run(k)
	if len(w.asked) != 1 || w.onDisk() != "secret-1" || w.count("writes", "failed") != 3 || !strings.Contains(w.log.String(), "put token in place") {
		t.Errorf("asked %d times, on disk %s, %s", len(w.asked), w.onDisk(), w.log)
	}
}

// TestDiskTroubleForLong: what was not written gets old, too.
func TestDiskTroubleForLong(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(w.path()+"/in the way", 0o700); err != nil {
		t.Fatal(err)
	}
	w.answer = func(n int) (exchange.Token, error) {
		if n == 2 {
			w.stop()
		}
		return token(n, 9*time.Minute), nil
	}
	w.run(w.keeper())
	if len(w.asked) != 2 || w.asked[1] < 6*time.Minute || w.asked[1] > 7*time.Minute {
		t.Errorf("asked at %v", w.asked)
	}
}

// TestSecondProcess: what the first one wrote is good as long as it says itself.
func TestSecondProcess(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		good bool
	}{
		"good":              {jwt(`{"exp":1780318800}`), true}, // 13:00
		"expired":           {jwt(`{"exp":1780311600}`), false},
		"of no known life":  {jwt(`{}`), false},
		"opaque":            {"opaque", false},
		"empty":             {"", false},
		"for ever":          {jwt(`{"exp":1e300}`), false},
		"of words":          {jwt(`{"exp":"never"}`), false},
		"before all things": {jwt(`{"exp":-1e300}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := os.WriteFile(w.path(), []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			k := w.keeper()
			w.answer = func(int) (exchange.Token, error) {
				if (k.Health() == nil) != tc.good {
					t.Errorf("%v", k.Health())
				}
				w.stop()
				return exchange.Token{}, unavailable(0)
			}
			w.run(k)
			if len(w.asked) != 1 || w.asked[0] != 0 || w.onDisk() != tc.text {
				t.Errorf("asked %v, on disk %s", w.asked, w.onDisk())
			}
		})
	}
}

// TestLifeOfToken: as the server says, or else as the token does, or else it is no token to be kept.
func TestLifeOfToken(t *testing.T) {
	now := instant{wall: noon}
	for name, tc := range map[string]struct {
		token exchange.Token
		want  time.Duration
	}{
		"server":       {exchange.Token{AccessToken: exchange.Secret(jwt(`{"exp":1780318800}`)), ExpiresIn: time.Minute}, time.Minute},
		"token":        {exchange.Token{AccessToken: exchange.Secret(jwt(`{"exp":1780318800}`))}, time.Hour},
		"nobody":       {exchange.Token{AccessToken: "opaque"}, 0},
		"already over": {exchange.Token{AccessToken: exchange.Secret(jwt(`{"exp":1780311600}`))}, 0},
	} {
		if l, err := lifeOf(tc.token, now); l.span != tc.want || (err == nil) != (tc.want > 0) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func TestOnce(t *testing.T) {
	w := newWorld(t)
	w.answer = func(n int) (exchange.Token, error) {
		if n < 4 {
			return exchange.Token{}, unavailable(5 * time.Second)
		}
		return token(n, time.Hour), nil
	}
	if err := w.keeper().Once(t.Context(), 15*time.Second); err != nil || w.onDisk() != "secret-4" {
		t.Errorf("%v, %s", err, w.onDisk())
	}
	w = newWorld(t)
	w.answer = func(int) (exchange.Token, error) { return exchange.Token{}, unavailable(5 * time.Second) }
	if err := w.keeper().Once(t.Context(), 14*time.Second); exchange.OutcomeOf(err) != exchange.Unavailable || w.up != 10*time.Second {
		t.Errorf("%v after %s", err, w.up)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.keeper().Once(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// hook counts.
type hook struct {
	told int
	err  error
	see  func()
}

func (h *hook) Notify(context.Context) error {
	h.told++
	if h.see != nil {
		h.see()
	}
	return h.err
}

// TestHooks: everybody is told of each token when it is there, whoever cannot be told.
func TestHooks(t *testing.T) {
	w := newWorld(t)
	first, second := &hook{err: errors.New("nobody there")}, &hook{}
	second.see = func() {
		if want := []string{"", "secret-1", "secret-2"}[second.told]; w.onDisk() != want {
			t.Errorf("%s instead of %s", w.onDisk(), want)
		}
	}
	w.hooks = []Hook{first, second}
	w.answer = func(n int) (exchange.Token, error) {
		if n == 3 {
			w.stop()
			return exchange.Token{}, context.Canceled
		}
		return token(n, time.Minute), nil
	}
	w.run(w.keeper())
	if first.told != 2 || second.told != 2 || w.count("notifications", "failed") != 2 || w.count("notifications", "ok") != 2 {
		t.Errorf("told %d and %d times", first.told, second.told)
	}
}
