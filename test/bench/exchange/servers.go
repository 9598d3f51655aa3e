package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
	"github.com/grantor-dev/grantor/test/bench/exchange/load"
	"github.com/grantor-dev/grantor/test/bench/measure"
	"github.com/grantor-dev/grantor/test/harness"
)

// startTimeout is how long a server may take to load everything.
const startTimeout = 5 * time.Minute

// The contenders, by the names that they have in the tables.
const (
	floorName   = "Floor"
	genericName = "General JOSE library"
	smallName   = "Grantor, 1 provider + 1 client"
	loadedName  = "Grantor"
	redisName   = "Grantor with Redis"
	overTLS     = ", HTTP/1.1 over TLS 1.3"
	overHTTP2   = ", HTTP/2 over TLS 1.3"
)

// field is all that is measured for a pair of algorithms.
type field struct {
	pair       pair
	dir        string
	contenders []*contender
	state      *harness.Valkey
	// one are the requests of one client, whom every server knows.
	one *requests
}

// stage is what the servers of all pairs have in common.
type stage struct {
	opts  options
	out   io.Writer
	dir   string
	cores cores
	// small and loaded are worlds, each with the folder of its manifests.
	small, loaded             world
	smallFolder, loadedFolder string
	certificate               *harness.Certificate
}

// of returns the contender with a name, or nil.
func (f *field) of(name string) *contender {
	for _, c := range f.contenders {
		if c.name == name {
			return c
		}
	}
	return nil
}

// startField starts all servers for a pair of algorithms, and waits until they are Ready.
func (s *stage) startField(ctx context.Context, p pair, dir string, transports bool) (f *field, err error) {
	f = &field{pair: p, dir: dir}
	defer func() {
		if err != nil {
			f.stop()
		}
	}()
	if f.state, err = harness.StartValkey(ctx, dir); err != nil {
		return f, err
	}
	ring, err := writeRing(dir, p.token)
	if err != nil {
		return f, err
	}
	f.one = newRequests(s.small, "one client", p.assertion, s.out)
	many := newRequests(s.loaded, measure.Count(s.loaded.clients)+" clients", p.assertion, s.out)
	small := []string{"--manifests", s.smallFolder, "--signing-keys", ring}
	loaded := []string{"--manifests", s.loadedFolder, "--signing-keys", ring}
	shared := []string{"--state", "valkey", "--valkey-address", f.state.Address}
	rows := []row{
		{contender: &contender{name: floorName, requests: f.one, forgetful: true}, kind: kindFloor},
		{contender: &contender{name: genericName, requests: f.one}, kind: kindGeneric},
		{contender: &contender{name: smallName, requests: f.one}, args: small},
		{contender: &contender{name: loadedName, requests: many}, args: loaded},
		{contender: &contender{name: redisName, requests: many, state: f.state}, args: append(shared, loaded...)},
	}
	if transports {
		for _, over := range []struct {
			name     string
			protocol load.Protocol
		}{{overTLS, load.HTTP1}, {overHTTP2, load.HTTP2}} {
			rows = append(
				rows,
				row{contender: &contender{name: floorName + over.name, requests: f.one, forgetful: true, over: over.protocol}, kind: kindFloor},
				row{contender: &contender{name: smallName + over.name, requests: f.one, over: over.protocol}, args: small},
			)
		}
	}
	for _, r := range rows {
		r.contender.pair = p
		if err := s.launch(ctx, dir, r); err != nil {
			return f, err
		}
		f.contenders = append(f.contenders, r.contender)
	}
	return f, s.settle(ctx, f)
}

// row is a contender and how it is started: one of ours by arguments, another by its kind.
type row struct {
	contender *contender
	kind      string
	args      []string
}

func (s *stage) launch(ctx context.Context, dir string, r row) (err error) {
	c := r.contender
	if c.address, err = harness.FreeAddress(ctx); err != nil {
		return err
	}
	ops, err := harness.FreeAddress(ctx)
	if err != nil {
		return err
	}
	l := harness.Launch{Binary: s.opts.binary, Dir: dir, Name: fileName(c.name), OpsAddress: ops, Env: []string{"GOMAXPROCS=1", "GOMEMLIMIT=" + s.opts.memoryLimit}}
	l.Args = append([]string{"standalone", "--issuer", issuer, "--drain", "0s"}, r.args...)
	if r.kind != "" {
		l.Binary = s.opts.self
		l.Args = []string{serveCommand, "--kind", r.kind, "--assertion", c.pair.assertion, "--token", c.pair.token}
	}
	if r.kind == kindFloor {
		l.Env = append(l.Env, "GOGC=400") // as ours has it with a limit: the floor is no target that is made easy
		c.exact = baseline.FloorAnswer()
	}
	l.Args = append(l.Args, "--listen", c.address)
	if c.over != 0 {
		l.Args = append(l.Args, s.certificate.Flags()...)
		c.tls = s.certificate.Transport().TLSClientConfig
	}
	c.process, err = l.Start(ctx)
	return err
}

// fileName is a name without what a file's cannot hold.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

// settle waits until all servers are Ready, and pins them.
func (s *stage) settle(ctx context.Context, f *field) error {
	for _, c := range f.contenders {
		if err := measure.AwaitReady(ctx, c.process, startTimeout); err != nil {
			return err
		}
		if err := pin(ctx, c.process.Pid(), s.cores.server); err != nil {
			return err
		}
	}
	return pin(ctx, f.state.Pid(), s.cores.rest)
}

// stop ends all servers.
func (f *field) stop() {
	for _, c := range f.contenders {
		if c.process != nil {
			c.process.Stop()
		}
	}
	if f.state != nil {
		f.state.Stop()
	}
}
