package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

// options say what to run.
type options struct {
	// binary is Grantor, and self this program, which is the other servers too.
	binary, self string
	full         world
	rounds       int
	// duration is how long one measurement takes.
	duration time.Duration
	// memoryLimit is GOMEMLIMIT of every server.
	memoryLimit string
	smoke       bool
}

// roundsOf is how often a pair is measured: a smoke run looks closely at the first alone.
func (o options) roundsOf(p pair) int {
	if o.smoke && p != pairs()[0] {
		return 1
	}
	return o.rounds
}

// firstRate is what a server is taken to do at most before it was tried, per second.
const firstRate = 15_000

// pairs are those that are measured, the first one in every way.
func pairs() []pair {
	return []pair{{"RS256", "ES256"}, {"ES256", "ES256"}, {"EdDSA", "EdDSA"}, {"RS256", "RS256"}}
}

// run measures everything and returns what was found.
func run(ctx context.Context, out io.Writer, dir string, opts options) (r report, err error) {
	s := &stage{opts: opts, out: out, dir: dir, small: world{1, 1}, loaded: opts.full}
	if s.opts.binary, err = measure.CopyBinary(opts.binary, dir); err != nil {
		return r, err
	}
	if s.cores, err = findCores(); err != nil {
		return r, err
	}
	if s.certificate, err = harness.NewCertificate(dir); err != nil {
		return r, err
	}
	if s.smallFolder, err = s.small.write(dir); err != nil {
		return r, err
	}
	if s.loadedFolder, err = s.loaded.write(dir); err != nil {
		return r, err
	}
	r = report{world: opts.full, smoke: opts.smoke, machine: s.describeMachine()}
	for i, p := range pairs() {
		f, err := s.measurePair(ctx, p, i == 0)
		if err != nil {
			return r, fmt.Errorf("%s: %w", p, err)
		}
		r.fields = append(r.fields, f)
	}
	s.sayf("scaling")
	r.scaling, err = s.measureScaling(ctx)
	return r, err
}

func (s *stage) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "==> "+format+"\n", args...)
}

// measurePair measures a pair of algorithms, and the first one over every transport.
func (s *stage) measurePair(ctx context.Context, p pair, first bool) (f *field, err error) {
	dir, err := os.MkdirTemp(s.dir, "pair-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s.sayf("%s: start servers", p)
	begin := time.Now()
	if f, err = s.startField(ctx, p, dir, first); err != nil {
		return f, err
	}
	defer f.stop()
	for _, c := range f.contenders {
		if c.idle, err = measure.MemoryOf(c.process.Pid()); err != nil {
			return f, err
		}
	}
	if err := s.countAllocations(ctx, f); err != nil {
		return f, err
	}
	s.sayf("%s: warm up (%s)", p, time.Since(begin).Round(time.Second/10))
	if err := s.warmUp(ctx, f); err != nil {
		return f, err
	}
	for round := range s.opts.roundsOf(p) {
		s.sayf("%s: round %d", p, round+1)
		if err := s.round(ctx, f, round); err != nil {
			return f, err
		}
	}
	err = f.confirm(ctx)
	return f, err
}

// ahead signs what will be needed, and then leaves the core of the servers.
func (s *stage) ahead(ctx context.Context, f *field, closed, open time.Duration) (back func() error, err error) {
	for _, c := range f.contenders {
		if err := c.requests.ensure(ctx, c.needs(closed, open)); err != nil {
			return nil, err
		}
	}
	return s.cores.aside(ctx)
}

func (s *stage) warmUp(ctx context.Context, f *field) (err error) {
	during := s.opts.duration / 4
	for _, c := range f.contenders {
		c.perSecond = firstRate
	}
	back, err := s.ahead(ctx, f, during, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back()) }()
	for _, c := range f.contenders {
		if err := c.warmUp(ctx, during); err != nil {
			return err
		}
	}
	return nil
}

// round lets all servers take their turn, in another order each time, so that none of them is always the first.
func (s *stage) round(ctx context.Context, f *field, round int) (err error) {
	back, err := s.ahead(ctx, f, s.opts.duration, s.opts.duration)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back()) }()
	for i := range f.contenders {
		c := f.contenders[(i+round)%len(f.contenders)]
		if err := c.cost(ctx, s.opts.duration); err != nil {
			return err
		}
		if c.over != 0 {
			continue
		}
		if err := c.latency(ctx, s.opts.duration); err != nil {
			return err
		}
		if c.state != nil && round == 0 {
			if err := c.countTrips(ctx); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(s.out, "    %s\n", c)
	}
	return nil
}

// confirm compares what Grantor itself counts with the answers: the audit log and the metrics are on.
func (f *field) confirm(ctx context.Context) error {
	const counter = "grantor_token_requests_total"
	for _, c := range f.contenders {
		if c.ours() {
			audited, err := c.audited()
			if err != nil {
				return err
			}
			found, err := measure.Scrape(ctx, http.DefaultClient, c.process.OpsURL+"/metrics", counter)
			if err != nil {
				return err
			}
			if counted := int(found.Sum(counter, "code", "ok")); audited != c.figures.answers || counted != c.figures.answers {
				return fmt.Errorf("%s: of %d exchanges, the audit log has %d and the metrics %d", c.name, c.figures.answers, audited, counted)
			}
		}
	}
	return nil
}
