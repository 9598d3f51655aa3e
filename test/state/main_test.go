package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/state/valkey"
)

const (
	// patience is how long something may take that takes no time worth mention on a machine that does nothing else.
	patience = 20 * time.Second
	// slack is how much longer than promised something may take here. How long it takes in truth is measured in test/faults.
	slack = 2 * time.Second
)

// stalls are what times are judged without: other tests use the machine too.
var stalls = harness.WatchStalls(context.Background())

func id(n int) state.ID {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// server starts a server for the test alone.
func server(t *testing.T, args ...string) *harness.Valkey {
	t.Helper()
	v, err := harness.StartValkey(t.Context(), t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Stop)
	return v
}

// begun starts a server whose memory began some seconds ago.
func begun(t *testing.T, args ...string) *harness.Valkey {
	t.Helper()
	v := server(t, args...)
	open(t, config(v.Address))
	eventually(t, patience, func() error {
		markers, err := v.Do("EVAL", "return #redis.call('KEYS', '*:since')", "0")
		if err == nil && markers != "64" {
			err = errors.New("there are " + markers + " markers")
		}
		return err
	})
	age(t, v)
	return v
}

// age makes the memory of a server begin 20 s earlier, in all partitions.
func age(t *testing.T, v *harness.Valkey) {
	t.Helper()
	if _, err := v.Do("EVAL", `for _, name in ipairs(redis.call('KEYS', '*:since')) do
	local since, count = string.match(redis.call('GET', name), '^(%d+):(%d+)$')
	redis.call('SET', name, string.format('%.0f:%s', since - 20000000, count))
end`, "0"); err != nil {
		t.Fatal(err)
	}
}

// logs are the log lines of a store.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) contain(text string) bool { return l.count(text) > 0 }

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// config is that of a store on one server, or on nodes of a Cluster, or on Sentinels.
func config(addresses ...string) valkey.Config {
	return valkey.Config{
		Addresses: addresses, Prefix: valkey.DefaultPrefix, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}
}

// open opens a store that is examined until the test ends.
func open(t *testing.T, c valkey.Config) *valkey.Store {
	t.Helper()
	s, err := valkey.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return s
}

// past waits until the time has come.
func past(t *testing.T, when time.Time) {
	t.Helper()
	eventually(t, time.Until(when)+patience, func() error {
		if time.Now().Before(when) {
			return errors.New("too early")
		}
		return nil
	})
}

func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	if err := harness.Poll(t.Context(), within, check); err != nil {
		t.Fatal(err)
	}
}

// fresh is the first use of an assertion that was made now and lives for five minutes.
func fresh(n int) state.Use {
	now := time.Now()
	return state.Use{ID: id(n), From: now, Until: now.Add(5 * time.Minute), Proven: true}
}

// usable waits until the store decides, and the memory of its server has begun.
func usable(t *testing.T, s *valkey.Store) {
	t.Helper()
	n := 1_000_000_000
	eventually(t, patience, func() error {
		n++
		return s.Consume(t.Context(), fresh(n), time.Now())
	})
}
