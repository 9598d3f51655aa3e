package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/throttle"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// maxRememberedSignatures bounds the memory that the flag can ask for, at about 150 bytes each.
const maxRememberedSignatures = 1_000_000

// maxObjectMetrics is beyond what anybody can read at once.
const maxObjectMetrics = 1_000_000

// arrival is for how long a token server is not Ready yet when its memory begins: what was made just before that is on its way,
// and is refused there, while it is good for those that have remembered for longer.
const arrival = time.Second

// endpointFlags are the flags of whatever answers token requests.
type endpointFlags struct {
	issuer, listen, opsListen string
	disabledGrants            []string
	drain                     time.Duration
	rememberedSignatures      int
	maxObjectMetrics          int
	tls                       tlsFlags
	callers                   callerFlags
	state                     stateFlags
	traces                    traceFlags
}

func (f *endpointFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.issuer, "issuer", "", "issuer (iss) of the access tokens and base URL of all endpoints, as callers see it, for example https://auth.example.com (required)")
	flags.StringVar(&f.listen, "listen", ":8080", "address of the public endpoints")
	flags.StringVar(&f.opsListen, "ops-listen", ":8081", opsListenUsage)
	flags.StringSliceVar(&f.disabledGrants, "disable-grant", nil, "grant that is refused to everybody: "+strings.Join(grantNames(), ", "))
	flags.DurationVar(&f.drain, "drain", 5*time.Second, "how long to go on answering after a stop signal, while not Ready, so that load balancers notice")
	flags.IntVar(&f.rememberedSignatures, "remember-signatures", 0, "how many signatures of assertions to remember whose provider lets them be presented again (replay: Reuse), so that each is verified once; all else about an assertion is judged every time; 0 for none")
	flags.IntVar(&f.maxObjectMetrics, "metrics-max-objects", 10_000, "how many clients, and how many identity providers, have metrics of their own: those that are used first; the others are counted together, without a name; 0 for none")
	f.tls.add(flags, "", "the public endpoints", "plain HTTP, for TLS ends before this process")
	f.callers.add(flags)
	f.state.add(flags)
	f.traces.add(flags)
}

// endpoint is a token endpoint ready to be served.
type endpoint struct {
	flags   *endpointFlags
	handler http.Handler
	keyPair *keyPair
	ops     *ops
	// run is what keeps all this in order until its context ends.
	run func(context.Context) error
}

// check says what is wrong with the flags that can be judged by themselves.
func (f *endpointFlags) check() error {
	if f.issuer == "" {
		return errors.New("--issuer is required, for example --issuer https://auth.example.com")
	}
	if f.drain < 0 {
		return errors.New("--drain must not be negative")
	}
	if f.rememberedSignatures < 0 || f.rememberedSignatures > maxRememberedSignatures {
		return fmt.Errorf("--remember-signatures must be 0 to %d", maxRememberedSignatures)
	}
	if f.maxObjectMetrics < 0 || f.maxObjectMetrics > maxObjectMetrics {
		return fmt.Errorf("--metrics-max-objects must be 0 to %d", maxObjectMetrics)
	}
	if f.tls.certificate != "" && !strings.HasPrefix(f.issuer, "https://") {
		return errors.New("--issuer must begin with https:// when --tls-cert-file is set: callers find the endpoints by it")
	}
	return f.callers.check()
}

// newEndpoint checks the flags and builds the handlers around a trust store. keys is nil where keys are never fetched.
func (f *endpointFlags) newEndpoint(ctx context.Context, store *trust.Store, keys tokenserver.KeyRefresher, audit *slog.Logger) (*endpoint, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	disabled, err := grantTypes(f.disabledGrants)
	if err != nil {
		return nil, err
	}
	keyPair, err := f.tls.keyPair(ctx, audit, metrics.Registry)
	if err != nil {
		return nil, err
	}
	peers, err := f.callers.peers()
	if err != nil {
		return nil, err
	}
	domains, err := f.callers.tenantDomains()
	if err != nil {
		return nil, err
	}
	shared, err := f.state.open(ctx, audit)
	if err != nil {
		return nil, err
	}
	traces, err := f.traces.open(ctx, audit)
	if err != nil {
		return nil, err
	}
	config := tokenserver.Config{
		Issuer: f.issuer, Trust: store, Replay: shared, Revocations: shared, Now: time.Now, Audit: audit, Metrics: metrics.Registry,
		DisabledGrants: disabled, KeyRefresher: keys, TenantDomains: domains, Peers: peers, Failures: throttle.New(f.callers.failures, time.Now()),
		RememberedSignatures: f.rememberedSignatures, MaxObjectMetrics: f.maxObjectMetrics,
	}
	run := shared.run
	if traces != nil {
		config.Tracer, config.ContinueTraces, run = traces.Tracer(), f.traces.continueTraces, together(shared.run, traces.Run)
	}
	handler, err := tokenserver.NewHandler(config)
	if err != nil {
		return nil, fmt.Errorf("--issuer: %w", err)
	}
	ready := func() error {
		switch {
		case time.Now().Before(shared.since.Add(arrival)):
			return errors.New("starting")
		case !store.Snapshot().Ready():
			return errors.New("waiting for the first full load of identity providers, clients and signing keys")
		}
		return nil
	}
	return &endpoint{flags: f, handler: handler, keyPair: keyPair, ops: &ops{ready: ready}, run: run}, nil
}

// listeners returns the public port and the one for operations.
func (e *endpoint) listeners() []listener {
	return []listener{
		{name: "the token endpoint", flag: "--listen", address: e.flags.listen, handler: e.handler, keyPair: e.keyPair},
		{name: "operations", flag: "--ops-listen", address: e.flags.opsListen, handler: e.ops.handler()},
	}
}

// grantTypes turns the short names of grants into grant_type values.
func grantTypes(names []string) ([]string, error) {
	var out []string
	for _, n := range names {
		i := slices.Index(grantNames(), n)
		if i < 0 {
			return nil, fmt.Errorf("--disable-grant %q is unknown: use %s", n, strings.Join(grantNames(), ", "))
		}
		if g := oauth.Grants()[i].Type; !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out, nil
}

// grantNames are the short names of all grants.
func grantNames() []string {
	var names []string
	for _, g := range oauth.Grants() {
		names = append(names, g.Name)
	}
	return names
}
