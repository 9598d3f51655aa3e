package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// noon is when every test begins.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// time passes only while somebody waits.
type fakeClock struct {
	wall  time.Time
	up    time.Duration
	waits []time.Duration
	// during is called after each wait.
	during func()
}

func (c *fakeClock) clock() Clock {
	return Clock{
		Wall: func() time.Time { return c.wall }, Uptime: func() time.Duration { return c.up },
		After: func(d time.Duration) <-chan time.Time {
			c.waits = append(c.waits, d)
			c.wall, c.up = c.wall.Add(d), c.up+d
			if c.during != nil {
				c.during()
			}
			ready := make(chan time.Time, 1)
			ready <- c.wall
			return ready
		},
	}
}

// world is a keeper, and what is around it.
type world struct {
	*fakeClock

	t        *testing.T
	dir      string
	log      *bytes.Buffer
	registry *prometheus.Registry
	metrics  *Metrics
	// asked is when the endpoint was asked, since noon.
	asked  []time.Duration
	answer func(n int) (exchange.Token, error)
	random float64
	hooks  []Hook
	stop   context.CancelFunc
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fakeClock: &fakeClock{wall: noon}, t: t, dir: t.TempDir(), log: &bytes.Buffer{}, registry: prometheus.NewRegistry()}
	var err error
	if w.metrics, err = NewMetrics(w.registry); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) path() string { return filepath.Join(w.dir, "token") }

// Exchange is the token endpoint's answer.
func (w *world) Exchange(context.Context, exchange.Request) (exchange.Token, error) {
	w.asked = append(w.asked, w.wall.Sub(noon))
	return w.answer(len(w.asked))
}

func (w *world) keeper() *Keeper {
	return NewKeeper(KeeperConfig{
		Exchanger: w, File: &File{Path: w.path(), Mode: 0o640}, Hooks: w.hooks, Clock: w.clock(), Random: func() float64 { return w.random },
		Log: slog.New(slog.NewJSONHandler(w.log, nil)), Metrics: w.metrics,
	})
}

// run lets a keeper run until somebody calls stop.
func (w *world) run(k *Keeper) {
	w.t.Helper()
	var ctx context.Context
	ctx, w.stop = context.WithCancel(w.t.Context())
	defer w.stop()
	if err := k.Run(ctx); err != nil {
		w.t.Error(err)
	}
	if text := w.log.String(); strings.Contains(text, "secret-") {
		w.t.Errorf("the log holds a token: %s", text)
	}
}

// token is the nth one.
func token(n int, span time.Duration) exchange.Token {
	return exchange.Token{AccessToken: exchange.Secret(fmt.Sprint("secret-", n)), ExpiresIn: span}
}

// jwt is a token that says itself when it expires.
func jwt(claims string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"ES256"}`) + "." + part(claims) + "." + part("secret-")
}

func (w *world) onDisk() string {
	w.t.Helper()
	text, err := os.ReadFile(w.path())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return string(text)
}

// value is that of a metric, with an outcome or without.
func (w *world) value(name, outcome string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (outcome == "" || m.GetLabel()[0].GetValue() == outcome) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	w.t.Fatalf("there is no %s{outcome=%q}", name, outcome)
	return 0
}

func (w *world) count(name, outcome string) float64 {
	return w.value("grantor_agent_"+name+"_total", outcome)
}

func (w *world) expiry() float64 { return w.value("grantor_agent_token_expiry_timestamp_seconds", "") }

// unavailable is how an endpoint answers that wants to be left alone.
func unavailable(wait time.Duration) error {
	return &exchange.RefusalError{Status: 503, Code: "temporarily_unavailable", RetryAfter: wait}
}
