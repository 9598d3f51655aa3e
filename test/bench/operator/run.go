package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

// options say what to run.
type options struct {
	binary   string
	full     size
	replicas int
	changes  int
	batches  int
	// quiet is how long it is watched, after a restart, whether something is written.
	quiet   time.Duration
	compare bool
	smoke   bool
}

// sizes are those to compare, the smallest first.
func (o options) sizes() (all []size) {
	for _, divisor := range []int{100, 10} {
		if s := (size{o.full.providers / divisor, o.full.clients / divisor}); o.compare && s.providers >= 10 && s.clients >= 100 {
			all = append(all, s)
		}
	}
	return append(all, o.full)
}

// durations are times of one thing.
type durations = measure.Series[time.Duration]

// figures are what was measured at one size.
type figures struct {
	size size

	create  time.Duration
	stored  uint64
	resolve time.Duration
	written requests
	// resolveCPU is what each process used for that, by name.
	resolveCPU map[string]time.Duration
	// operatorAfter and serverAfter are the memory after all was resolved from nothing.
	operatorAfter, serverAfter measure.Memory

	serverStart    time.Duration
	serverFresh    measure.Memory
	serverRequests requests

	operatorStart time.Duration
	// operatorStartCPU is what the operator and the control plane used for that, by name.
	operatorStartCPU map[string]time.Duration
	operatorFresh    measure.Memory
	operatorRequests requests

	idle             usage
	policy, identity durations
	policyCost       cost
	identityCost     cost
}

// stage is one size being measured.
type stage struct {
	*installation

	opts options
	// out is where progress goes, which nobody needs.
	out       io.Writer
	world     *world
	endpoints endpoints
	figures   figures
}

// run measures every size and returns what was found.
func run(ctx context.Context, out io.Writer, dir string, opts options) (r report, err error) {
	// The program may be built anew meanwhile.
	binary, err := measure.CopyBinary(opts.binary, dir)
	if err != nil {
		return r, err
	}
	opts.binary = binary
	keys, err := newKeyPool()
	if err != nil {
		return r, err
	}
	r.machine = describeMachine()
	for _, s := range opts.sizes() {
		f, err := measureSize(ctx, out, dir, opts, s, keys)
		if err != nil {
			return r, fmt.Errorf("%d clients: %w", s.clients, err)
		}
		r.sizes = append(r.sizes, f)
	}
	return r, nil
}

// measureSize measures one size on a control plane of its own.
func measureSize(ctx context.Context, out io.Writer, dir string, opts options, sz size, keys keyPool) (f figures, err error) {
	if dir, err = os.MkdirTemp(dir, "size-"); err != nil {
		return f, fmt.Errorf("make folder: %w", err)
	}
	in, err := newInstallation(ctx, opts.binary, dir, opts.replicas)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, in.stop()) }()
	s := &stage{
		installation: in, opts: opts, out: out, endpoints: newEndpoints(in.urls), figures: figures{size: sz},
		world: &world{size: sz, client: in.client, keys: keys},
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"declare", s.declare},
		{"resolve everything from nothing", s.resolve},
		{"restart a token server", s.restartServer},
		{"restart the operator", s.restartOperator},
		{"change one at a time", s.measureLatency},
		{"cost of a change", s.measureCost},
	} {
		begin := time.Now()
		_, _ = fmt.Fprintf(out, "==> %d providers, %d clients: %s\n", sz.providers, sz.clients, step.name)
		if err := step.run(ctx); err != nil {
			return s.figures, fmt.Errorf("%s: %w", step.name, err)
		}
		_, _ = fmt.Fprintf(out, "    %s\n", time.Since(begin).Round(10*time.Millisecond))
	}
	return s.figures, nil
}

func (s *stage) measureLatency(ctx context.Context) (err error) {
	if err := s.settle(ctx); err != nil {
		return err
	}
	if s.figures.policy, err = s.latencies(ctx, changePolicy); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if s.figures.identity, err = s.latencies(ctx, changeIdentity); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

func (s *stage) measureCost(ctx context.Context) (err error) {
	if s.opts.batches == 0 {
		return nil
	}
	if err := pause(ctx, idleWindow); err != nil {
		return err
	}
	if s.figures.idle, err = s.idle(ctx); err != nil {
		return err
	}
	if s.figures.policyCost, err = s.costs(ctx, changePolicy, s.figures.idle); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if err := pause(ctx, idleWindow); err != nil {
		return err
	}
	if s.figures.identityCost, err = s.costs(ctx, changeIdentity, s.figures.idle); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

// awaitServers waits until all token servers are Ready.
func (s *stage) awaitServers(ctx context.Context) error {
	for _, p := range append([]*harness.Process{s.operator}, s.servers...) {
		if err := measure.AwaitReady(ctx, p, startTimeout); err != nil {
			return err
		}
	}
	return nil
}
