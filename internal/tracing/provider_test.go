package tracing

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// collector is an OTLP endpoint that keeps what it is sent.
type collector struct {
	mu     sync.Mutex
	spans  map[string]*tracepb.Span
	about  map[string]string
	errors []string
	posts  int
	status int
}

// ServeHTTP reads an ExportTraceServiceRequest by the numbers of its fields in opentelemetry/proto/collector/trace/v1: 1 for
// resource_spans, and no other.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.errors = append(c.errors, fmt.Sprintf("%s %s %s %v", r.Method, r.URL, r.Header.Get("Content-Type"), err))
	}
	if c.status != 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(c.status)
		return
	}
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		value, m := protowire.ConsumeBytes(body[max(n, 0):])
		var of tracepb.ResourceSpans
		if number != 1 || kind != protowire.BytesType || m < 0 || proto.Unmarshal(value, &of) != nil {
			c.errors = append(c.errors, fmt.Sprintf("field %d of kind %d", number, kind))
			return
		}
		c.keep(&of)
		body = body[n+m:]
	}
}

func (c *collector) keep(of *tracepb.ResourceSpans) {
	c.spans, c.about = map[string]*tracepb.Span{}, map[string]string{}
	for _, a := range of.GetResource().GetAttributes() {
		c.about[a.GetKey()] = a.GetValue().GetStringValue()
	}
	for _, scope := range of.GetScopeSpans() {
		for _, s := range scope.GetSpans() {
			c.spans[s.GetName()] = s
		}
	}
}

// run opens a provider, lets work make spans, and ends it.
func run(t *testing.T, c Config, work func(trace.Tracer)) (metrics *prometheus.Registry, log string) {
	t.Helper()
	var lines strings.Builder
	metrics = prometheus.NewRegistry()
	c.Log, c.Metrics = slog.New(slog.NewJSONHandler(&lines, nil)), metrics
	p, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	work(p.Tracer())
	ended, end := context.WithCancel(t.Context())
	end()
	if err := p.Run(ended); err != nil {
		t.Fatal(err)
	}
	return metrics, lines.String()
}

// series returns the values of the metric of spans by outcome.
func series(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	return got
}

func two(tracer trace.Tracer) {
	ctx, whole := tracer.Start(context.Background(), "whole", trace.WithSpanKind(trace.SpanKindServer))
	_, part := tracer.Start(ctx, "part")
	part.SetAttributes(attribute.String("key", "value"))
	part.End()
	whole.End()
}

// authority writes the file with who signs the certificate of a server.
func authority(t *testing.T, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Spans come to the collector, over HTTP and over TLS, also those that nobody has sent when the process ends.
func TestSpansAreSent(t *testing.T) {
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			c := &collector{}
			server := httptest.NewUnstartedServer(c)
			config := Config{SampleRatio: 1, Version: "v1", Instance: "pod-1"}
			if secure {
				server.StartTLS()
				config.CAFile = authority(t, server)
			} else {
				server.Start()
			}
			defer server.Close()
			config.Endpoint = server.URL
			metrics, log := run(t, config, two)
			whole, part := c.spans["whole"], c.spans["part"]
			if len(c.errors) > 0 || whole == nil || part == nil || log != "" {
				t.Fatalf("errors %v, spans %v, log %q", c.errors, c.spans, log)
			}
			if string(part.GetParentSpanId()) != string(whole.GetSpanId()) || string(part.GetTraceId()) != string(whole.GetTraceId()) ||
				whole.GetKind() != tracepb.Span_SPAN_KIND_SERVER || part.GetAttributes()[0].GetValue().GetStringValue() != "value" {
				t.Errorf("whole %v, part %v", whole, part)
			}
			want := map[string]string{"service.name": "grantor", "service.version": "v1", "service.instance.id": "pod-1"}
			if diff := cmp.Diff(want, c.about); diff != "" {
				t.Errorf("resource (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]float64{"sent": 2, "dropped": 0}, series(t, metrics)); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

// A collector that does not take spans, or sends them elsewhere, costs nothing but the spans, and is named once.
func TestSpansAreDropped(t *testing.T) {
	for name, tc := range map[string]struct{ status, posts int }{
		"busy": {http.StatusServiceUnavailable, 2}, "redirects": {http.StatusTemporaryRedirect, 2}, "not there": {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := &collector{status: tc.status}
			server := httptest.NewServer(c)
			defer server.Close()
			if tc.status == 0 {
				server.Close()
			}
			b := openBatched(t, server.URL)
			b.send(t)
			b.send(t)
			if got := series(t, b.metrics); got["dropped"] != 4 || got["sent"] != 0 || c.posts != tc.posts {
				t.Errorf("counts %v, %d requests", got, c.posts)
			}
			if log := b.lines.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "cannot send spans") {
				t.Errorf("the log says %q", log)
			}
		})
	}
}

// When the collector is back, spans are sent again, and that is said.
func TestCollectorComesBack(t *testing.T) {
	c := &collector{status: http.StatusServiceUnavailable}
	server := httptest.NewServer(c)
	defer server.Close()
	b := openBatched(t, server.URL)
	b.send(t)
	c.status = 0
	b.send(t)
	if got := series(t, b.metrics); got["sent"] != 2 || !strings.Contains(b.lines.String(), "takes spans again") {
		t.Errorf("counts %v, log %q", got, b.lines.String())
	}
}

// batched is a provider that sends when it is told to.
type batched struct {
	*Provider

	metrics *prometheus.Registry
	lines   strings.Builder
}

func openBatched(t *testing.T, url string) *batched {
	t.Helper()
	b := &batched{metrics: prometheus.NewRegistry()}
	var err error
	b.Provider, err = Open(t.Context(), Config{
		Endpoint: url, SampleRatio: 1, Log: slog.New(slog.NewJSONHandler(&b.lines, nil)), Metrics: b.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *batched) send(t *testing.T) {
	t.Helper()
	two(b.Tracer())
	if err := b.sdk.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Making a span never waits for a collector that hangs.
func TestNothingWaitsForTheCollector(t *testing.T) {
	hang := make(chan struct{})
	release := sync.OnceFunc(func() { close(hang) })
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer release()
	p, err := Open(t.Context(), Config{
		Endpoint: server.URL, SampleRatio: 1, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for range 10_000 {
		two(p.Tracer())
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("20,000 spans took %s", took)
	}
	release()
}

// The ratio alone decides what is sampled, whatever the environment says; a parent does where that is wanted.
func TestSampling(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	for name, tc := range map[string]struct {
		config Config
		parent trace.SpanContext
		least  int
		most   int
	}{
		"none":                        {Config{}, trace.SpanContext{}, 0, 0},
		"all":                         {Config{SampleRatio: 1}, trace.SpanContext{}, 1000, 1000},
		"a tenth":                     {Config{SampleRatio: .1}, trace.SpanContext{}, 30, 250},
		"the parent is continued":     {Config{ContinueTraces: true}, parent, 1000, 1000},
		"continued, without a parent": {Config{ContinueTraces: true}, trace.SpanContext{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&collector{})
			defer server.Close()
			tc.config.Endpoint = server.URL
			sampled := 0
			run(t, tc.config, func(tracer trace.Tracer) {
				for range 1000 {
					_, s := tracer.Start(trace.ContextWithRemoteSpanContext(t.Context(), tc.parent), "x")
					if s.IsRecording() {
						sampled++
					}
					s.End()
				}
			})
			if sampled < tc.least || sampled > tc.most {
				t.Errorf("%d of 1000 are sampled, want %d to %d", sampled, tc.least, tc.most)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(garbage, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{
		"no URL":              {Endpoint: "collector:4318"},
		"another scheme":      {Endpoint: "grpc://collector:4317"},
		"no host":             {Endpoint: "http://"},
		"credentials":         {Endpoint: "http://user:password@collector"},
		"query":               {Endpoint: "http://collector/?x=y"},
		"authorities of http": {Endpoint: "http://collector", CAFile: garbage},
		"no authorities":      {Endpoint: "https://collector", CAFile: garbage},
		"no file":             {Endpoint: "https://collector", CAFile: garbage + "x"},
		"ratio above 1":       {Endpoint: "http://collector", SampleRatio: 1.1},
		"ratio below 0":       {Endpoint: "http://collector", SampleRatio: -.1},
		"no ratio":            {Endpoint: "http://collector", SampleRatio: math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			c.Log, c.Metrics = slog.New(slog.DiscardHandler), prometheus.NewRegistry()
			if _, err := Open(t.Context(), c); err == nil {
				t.Error("it is accepted")
			}
		})
	}
	if c, err := newClient(Config{Endpoint: "http://collector/own/path"}); err != nil || c.url != "http://collector/own/path" {
		t.Errorf("%v, %v", c, err)
	}
}
