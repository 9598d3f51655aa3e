package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// noLimit is for tests that ask until a client is known: all of them come from one address.
const noLimit = "--auth-failure-burst=0"

// Grantor is an operator and token servers that work on one control plane.
type Grantor struct {
	ControlPlane *ControlPlane
	Operator     *Process
	TokenServers []*Process
	// Issuer is the issuer of the access tokens; it is where the first token server listens.
	Issuer string
	// URLs are where the token servers listen.
	URLs []string
	// Binary is the program that all of them run.
	Binary string

	dir string
	// operatorArgs and tokenServerArgs are more arguments.
	operatorArgs, tokenServerArgs []string
}

// StartGrantor starts an operator, with more arguments where they are given, and replicas of the token server, and waits
// until all are Ready.
func StartGrantor(ctx context.Context, cp *ControlPlane, binary, dir string, replicas int, operatorArgs ...string) (*Grantor, error) {
	g := &Grantor{ControlPlane: cp, Binary: binary, dir: dir, operatorArgs: operatorArgs}
	err := g.startAll(ctx, replicas)
	return g, err
}

// StartGrantorFor is StartGrantor for the objects of some namespaces, and of Grantor's own.
func StartGrantorFor(ctx context.Context, cp *ControlPlane, binary, dir string, replicas int, namespaces ...string) (*Grantor, error) {
	watch := []string{"--watch-namespaces", strings.Join(namespaces, ",")}
	g := &Grantor{ControlPlane: cp, Binary: binary, dir: dir, operatorArgs: watch, tokenServerArgs: watch}
	err := g.startAll(ctx, replicas)
	return g, err
}

func (g *Grantor) startAll(ctx context.Context, replicas int) error {
	for range replicas {
		address, err := FreeAddress(ctx)
		if err != nil {
			return err
		}
		g.URLs = append(g.URLs, "http://"+address)
	}
	g.Issuer = g.URLs[0]
	if err := g.StartOperator(ctx); err != nil {
		return err
	}
	for i := range g.URLs {
		p, err := g.startTokenServer(ctx, i)
		if err != nil {
			g.Stop()
			return err
		}
		g.TokenServers = append(g.TokenServers, p)
	}
	for _, p := range append([]*Process{g.Operator}, g.TokenServers...) {
		if err := p.WaitReady(ctx); err != nil {
			g.Stop()
			return err
		}
	}
	return nil
}

// StartOperator starts the operator, the first time or again.
func (g *Grantor) StartOperator(ctx context.Context) (err error) {
	g.Operator, err = g.start(ctx, "operator", "grantor-operator", append([]string{"operator"}, g.operatorArgs...)...)
	return err
}

// RestartTokenServer starts a token server again that has ended, and waits until it is Ready.
func (g *Grantor) RestartTokenServer(ctx context.Context, i int) error {
	p, err := g.startTokenServer(ctx, i)
	if err != nil {
		return err
	}
	g.TokenServers[i] = p
	return p.WaitReady(ctx)
}

func (g *Grantor) startTokenServer(ctx context.Context, i int) (*Process, error) {
	return g.start(ctx, fmt.Sprintf("tokenserver-%d", i), "grantor-tokenserver", append([]string{
		"tokenserver", "--issuer", g.Issuer, "--listen", g.URLs[i][len("http://"):], "--drain", "0s", noLimit,
	}, g.tokenServerArgs...)...)
}

func (g *Grantor) start(ctx context.Context, name, serviceAccount string, args ...string) (*Process, error) {
	l, err := g.launch(ctx, name, serviceAccount, args...)
	if err != nil {
		return nil, err
	}
	return l.Start(ctx)
}

func (g *Grantor) launch(ctx context.Context, name, serviceAccount string, args ...string) (Launch, error) {
	kubeconfig, err := g.ControlPlane.KubeconfigFor(ctx, serviceAccount)
	if err != nil {
		return Launch{}, err
	}
	ops, err := FreeAddress(ctx)
	if err != nil {
		return Launch{}, err
	}
	args = append(args, "--kubeconfig", kubeconfig, "--namespace", Namespace)
	return Launch{Binary: g.Binary, Dir: g.dir, Name: name, OpsAddress: ops, Args: args}, nil
}

// Stop ends all processes, the token servers first.
func (g *Grantor) Stop() {
	for _, p := range append(g.TokenServers, g.Operator) {
		if p != nil {
			p.Stop()
		}
	}
}

// Logs returns the files with what the processes write.
func (g *Grantor) Logs() ([]string, error) {
	if g.Operator == nil {
		return nil, errors.New("not started")
	}
	logs := []string{g.Operator.Log}
	for _, p := range g.TokenServers {
		logs = append(logs, p.Log)
	}
	return logs, nil
}
