package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTimeout bounds how long a process that ends tries to send what it still holds.
const flushTimeout = 5 * time.Second

// Config says what is traced, and where to.
type Config struct {
	// Endpoint is the URL of a collector. Without a path, /v1/traces is meant.
	Endpoint string
	// CAFile holds the authorities that may sign the collector's certificate, in PEM; empty means those of the system.
	CAFile string
	// SampleRatio is the part of all requests that is traced.
	SampleRatio float64
	// ContinueTraces lets a caller who sends a traceparent decide whether a request is traced.
	ContinueTraces bool
	// Version and Instance tell processes apart.
	Version, Instance string
	Log               *slog.Logger
	Metrics           prometheus.Registerer
}

// Provider makes tracers whose spans it sends.
type Provider struct {
	sdk *sdktrace.TracerProvider
	log *slog.Logger
}

// Open returns a provider, or an error that says what is wrong with the configuration. A collector that is not there is no
// error.
func Open(ctx context.Context, c Config) (*Provider, error) {
	if !(c.SampleRatio >= 0 && c.SampleRatio <= 1) { // NaN is neither
		return nil, fmt.Errorf("a ratio of %v is not from 0 to 1", c.SampleRatio)
	}
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("start exporter: %w", err)
	}
	counted, err := newCounted(exporter, c.Log, c.Metrics)
	if err != nil {
		return nil, err
	}
	sampler := sdktrace.TraceIDRatioBased(c.SampleRatio)
	if c.ContinueTraces {
		sampler = sdktrace.ParentBased(sampler)
	}
	sdk := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(counted),
		sdktrace.WithSampler(sampler),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "grantor"),
			attribute.String("service.version", c.Version),
			attribute.String("service.instance.id", c.Instance),
		)),
	)
	return &Provider{sdk, c.Log}, nil
}

// Tracer returns what begins spans.
func (p *Provider) Tracer() trace.Tracer {
	return p.sdk.Tracer("github.com/grantor-dev/grantor/tokenserver")
}

// Run waits until its context ends, and then sends what is left. That it cannot be sent is no failure of the process.
func (p *Provider) Run(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := p.sdk.Shutdown(ctx); err != nil {
		p.log.WarnContext(ctx, "cannot send the last spans", "error", err.Error())
	}
	return nil
}

// counted counts spans by what became of them, and says once when they can no longer be sent.
type counted struct {
	sdktrace.SpanExporter

	log           *slog.Logger
	sent, dropped prometheus.Counter
	failing       bool // The SDK exports one batch at a time.
}

func newCounted(e sdktrace.SpanExporter, log *slog.Logger, registry prometheus.Registerer) (*counted, error) {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grantor_trace_spans_total",
		Help: "Spans by outcome: sent to the collector, or dropped because it did not take them.",
	}, []string{"outcome"})
	if err := registry.Register(spans); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &counted{SpanExporter: e, log: log, sent: spans.WithLabelValues("sent"), dropped: spans.WithLabelValues("dropped")}, nil
}

// ExportSpans implements [sdktrace.SpanExporter]. It returns no error, which the SDK would write to standard error each time.
func (c *counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		c.dropped.Add(float64(len(spans)))
		if !c.failing {
			c.log.WarnContext(ctx, "cannot send spans to the collector; dropping them, and trying again with the next", "error", err.Error())
		}
	} else {
		c.sent.Add(float64(len(spans)))
		if c.failing {
			c.log.InfoContext(ctx, "the collector takes spans again")
		}
	}
	c.failing = err != nil
	return nil
}
