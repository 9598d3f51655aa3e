package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"

	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
)

// serveCommand is the first argument of this program where it is one of the servers that are measured.
const serveCommand = "serve"

// The kinds of servers that this program can be.
const (
	kindFloor   = "floor"
	kindGeneric = "generic"
)

// serve is this program as a server.
func serve(ctx context.Context, args []string) error {
	var kind string
	var p pair
	var l baseline.Listeners
	f := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	f.StringVar(&kind, "kind", kindFloor, "floor or generic")
	f.StringVar(&p.assertion, "assertion", "RS256", "algorithm of assertions")
	f.StringVar(&p.token, "token", "ES256", "algorithm of access tokens")
	f.StringVar(&l.Listen, "listen", "", "address")
	f.StringVar(&l.OpsListen, "ops-listen", "", "address of /readyz and /metrics")
	f.StringVar(&l.CertFile, "tls-cert-file", "", "certificate")
	f.StringVar(&l.KeyFile, "tls-key-file", "", "its key")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	handler, err := newBaseline(kind, p)
	if err != nil {
		return err
	}
	return baseline.Serve(ctx, l, handler)
}

func newBaseline(kind string, p pair) (http.Handler, error) {
	switch kind {
	case kindFloor:
		return baseline.NewFloor(p.assertion, p.token)
	case kindGeneric:
		return baseline.NewGeneric(baseline.Trust{
			Issuer: issuer, AssertionIssuer: assertionIssuer(0), KeyID: keyID(p.assertion, 0),
			ClientID: world{1, 1}.clientID(0), Secret: secret(0), Scope: scope,
		}, p.assertion, p.token)
	default:
		return nil, fmt.Errorf("there is no server of the kind %q", kind)
	}
}
