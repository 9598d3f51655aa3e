package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantor-dev/grantor/internal/tracing"
)

// traceFlags say what is traced, and where to. What belongs together is one way to say it: of the variables OTEL_… that the
// SDK knows, none switches anything on.
type traceFlags struct {
	endpoint, caFile string
	ratio            float64
	continueTraces   bool

	// set are the flags as they were given.
	set *pflag.FlagSet
}

func (f *traceFlags) add(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringVar(&f.endpoint, "trace-endpoint", "", "URL of an OpenTelemetry collector that takes traces in OTLP over HTTP, for example http://collector.monitoring:4318 (default: nothing is traced)")
	flags.StringVar(&f.caFile, "trace-ca-file", "", "file with the certificates of authorities, in PEM, that sign the collector's (default: those of the system)")
	flags.Float64Var(&f.ratio, "trace-sample-ratio", 0.01, "the part of all requests that is traced, from 0 to 1")
	flags.BoolVar(&f.continueTraces, "trace-continue", false, "make a request a part of the trace that its traceparent names, and trace it if that is sampled. Only where all callers are trusted with that, or a gateway decides: it costs what they like (default: the request's own trace links to that one)")
}

// open returns what makes spans, or nil when nothing is traced.
func (f *traceFlags) open(ctx context.Context, log *slog.Logger) (*tracing.Provider, error) {
	if f.endpoint == "" {
		var err error
		f.set.Visit(func(flag *pflag.Flag) {
			switch flag.Name {
			case "trace-ca-file", "trace-sample-ratio", "trace-continue":
				err = fmt.Errorf("--%s needs --trace-endpoint", flag.Name)
			}
		})
		return nil, err
	}
	instance, _, err := replicaIdentity()
	if err != nil {
		return nil, err
	}
	p, err := tracing.Open(ctx, tracing.Config{
		Endpoint: f.endpoint, CAFile: f.caFile, SampleRatio: f.ratio, ContinueTraces: f.continueTraces,
		Version: version, Instance: instance, Log: log, Metrics: metrics.Registry,
	})
	if err != nil {
		return nil, errors.Join(errors.New("--trace-endpoint, --trace-ca-file, --trace-sample-ratio"), err)
	}
	return p, nil
}
