package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/standalone"
	"github.com/grantor-dev/grantor/test/bench/exchange/load"
	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	// scaleCommand is the first argument of this program where it drives the handler within its own process.
	scaleCommand = "scale"
	// scaleAssertions is how many assertions serve for all exchanges there.
	scaleAssertions = 512
)

// renumbered makes every use one of another assertion, so that a few that were signed before serve for many.
type renumbered struct {
	*state.Memory

	n atomic.Uint64
}

func (m *renumbered) Consume(ctx context.Context, use state.Use, now time.Time) error {
	binary.BigEndian.PutUint64(use.ID[:], m.n.Add(1))
	return m.Memory.Consume(ctx, use, now)
}

// scale drives the handler with one goroutine on one core and with two on two, in turns, and prints by how many times more
// exchanges two make, for each round.
func scale(ctx context.Context, out, audit io.Writer, args []string) error {
	var manifests, ring string
	var rounds int
	var during time.Duration
	f := flag.NewFlagSet(scaleCommand, flag.ContinueOnError)
	f.StringVar(&manifests, "manifests", "", "folder of YAML files")
	f.StringVar(&ring, "signing-keys", "", "file that holds the signing keys")
	f.IntVar(&rounds, "count", 1, "rounds")
	f.DurationVar(&during, "duration", time.Second, "how long one measurement takes")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	handler, err := newHandler(ctx, manifests, ring, audit)
	if err != nil {
		return err
	}
	asked := newRequests(world{1, 1}, "one process", "RS256", io.Discard)
	if err := asked.ensure(ctx, scaleAssertions); err != nil {
		return err
	}
	var ratios []float64
	for round := range rounds + 1 {
		var perSecond [3]float64
		for _, workers := range []int{1, 2} {
			runtime.GOMAXPROCS(workers)
			if perSecond[workers], err = drive(ctx, handler, asked.made, workers, during); err != nil {
				return err
			}
		}
		if round > 0 { // The first one warms up.
			ratios = append(ratios, perSecond[2]/perSecond[1])
		}
	}
	if err := json.NewEncoder(out).Encode(ratios); err != nil {
		return fmt.Errorf("print ratios: %w", err)
	}
	return nil
}

// newHandler is the handler as the standalone command makes it, but for what remembers uses.
func newHandler(ctx context.Context, manifests, ringFile string, audit io.Writer) (http.Handler, error) {
	text, err := os.ReadFile(ringFile)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	ring, err := keyring.Parse(text)
	if err != nil {
		return nil, err
	}
	log, store := slog.New(slog.NewJSONHandler(audit, nil)), trust.NewStore()
	loader, err := standalone.NewLoader(manifests, store, ring, keyring.GenerateDigestKey(), log)
	if err != nil {
		return nil, err
	}
	if err := loader.Load(ctx, time.Now()); err != nil {
		return nil, err
	}
	memory := state.NewMemory(time.Now().Add(-time.Minute))
	return tokenserver.NewHandler(tokenserver.Config{
		Issuer: issuer, Trust: store, Replay: &renumbered{Memory: memory}, Revocations: memory, Now: time.Now, Audit: log,
		Metrics: prometheus.NewRegistry(),
	})
}

// discarded is an answer of which only the status is kept.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }

// drive lets so many goroutines exchange, each without a pause, and returns how many exchanges they make per second.
func drive(ctx context.Context, handler http.Handler, asked []load.Request, workers int, during time.Duration) (float64, error) {
	var sum atomic.Int64
	errs := make([]error, workers)
	begin := time.Now()
	var working sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			done := 0
			for ; time.Since(begin) < during && errs[w] == nil; done++ {
				errs[w] = exchange(ctx, handler, asked[(w*len(asked)/workers+done)%len(asked)])
			}
			sum.Add(int64(done))
		})
	}
	working.Wait()
	return float64(sum.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

func exchange(ctx context.Context, handler http.Handler, asked load.Request) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenPath, strings.NewReader(string(asked.Raw[asked.Body:])))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", asked.Authorization)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := &discarded{header: http.Header{}, status: http.StatusOK}
	handler.ServeHTTP(w, r)
	if w.status != http.StatusOK {
		return fmt.Errorf("the answer is not good: %d", w.status)
	}
	return nil
}

// measureScaling runs that in a process of its own, on all cores.
func (s *stage) measureScaling(ctx context.Context) (measure.Series[float64], error) {
	ring, err := writeRing(s.dir, "ES256")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, "scale.log"))
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, s.opts.self, scaleCommand, "--manifests", s.smallFolder, "--signing-keys", ring,
		"--count", fmt.Sprint(s.opts.rounds), "--duration", s.opts.duration.String())
	cmd.Stderr = log
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("measure scaling: %w; its log is %s", err, log.Name())
	}
	var ratios measure.Series[float64]
	if err := json.Unmarshal(text, &ratios); err != nil {
		return nil, fmt.Errorf("measure scaling: %w", err)
	}
	return ratios, nil
}
