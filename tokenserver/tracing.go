package tokenserver

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// step is a step of the pipeline, by the name of its span.
type step string

// The steps, in the order in which they are taken; no endpoint has all of them.
const (
	stepParse        step = "parse request"
	stepAuthenticate step = "authenticate client"
	stepSelectGrant  step = "select grant"
	stepVerify       step = "verify"
	stepAwaitKeys    step = "await keys"
	stepAuthorize    step = "authorize"
	stepRedeem       step = "redeem"
	stepMint         step = "mint"
	stepJudge        step = "judge token"
	stepEnd          step = "end token"
	stepRespond      step = "respond"
)

// requestTrace is the trace of one request: a span for the whole of it, and below that one for each step, of which one at a
// time is open. Nil is a request without a trace, which costs nothing.
//
// Invariant: what a span says is a constant, one of a closed set, or the name of an object; never what a request holds.
type requestTrace struct {
	tracer      trace.Tracer
	whole, step trace.Span
}

// startTrace begins the trace of a request, or returns nil when nobody wants it.
func (h *Handler) startTrace(r *http.Request, e endpoint) *requestTrace {
	if h.config.Tracer == nil {
		return nil
	}
	ctx, options := r.Context(), []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	switch callers := callersSpan(ctx, r.Header); {
	case !callers.IsValid():
	case h.config.ContinueTraces:
		ctx = trace.ContextWithRemoteSpanContext(ctx, callers)
	default:
		// Anybody can send a traceparent that says that the trace is sampled: it must not decide what this server spends. The
		// link leads to the caller's trace all the same; a tracestate is text of the caller.
		options = append(options, trace.WithLinks(trace.Link{SpanContext: callers.WithTraceState(trace.TraceState{})}))
	}
	_, whole := h.config.Tracer.Start(ctx, e.spanName(), options...)
	if !whole.IsRecording() {
		whole.End()
		return nil
	}
	return &requestTrace{tracer: h.config.Tracer, whole: whole}
}

// callersSpan is what W3C Trace Context says of the caller's span, or an invalid one.
func callersSpan(ctx context.Context, h http.Header) trace.SpanContext {
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(h)))
}

// spanName is the name of the span of a request.
func (e endpoint) spanName() string {
	switch e {
	case endpointIntrospection:
		return http.MethodPost + " " + PathIntrospection
	case endpointRevocation:
		return http.MethodPost + " " + PathRevocation
	case endpointToken:
	}
	return http.MethodPost + " " + PathToken
}

// id is that of the trace, or empty.
func (t *requestTrace) id() string {
	if t == nil {
		return ""
	}
	return t.whole.SpanContext().TraceID().String()
}

// enter says that a request comes to a step, and with it that the one before is done.
func (r *record) enter(ctx context.Context, s step) {
	t := r.trace
	if t == nil {
		return
	}
	t.leave()
	_, t.step = t.tracer.Start(trace.ContextWithSpan(ctx, t.whole), string(s)) //nolint:spancheck // The next step ends it, or the end of the request.
}

func (t *requestTrace) leave() {
	if t.step != nil {
		t.step.End()
		t.step = nil
	}
}

// failed marks the step that refused.
func (r *record) failed(err *oauth.Error) {
	if t := r.trace; t != nil && t.step != nil {
		t.step.SetAttributes(attribute.String("error.type", string(err.Reason)))
		t.step.SetStatus(codes.Error, string(err.Reason))
	}
}

// end ends the trace with what the record says.
func (t *requestTrace) end(rec *record, code, reason string) {
	if t == nil {
		return
	}
	t.leave()
	status := http.StatusOK
	if code != outcomeOK {
		status = rec.err.Code.Status()
		t.whole.SetAttributes(attribute.String("error.type", code))
	}
	if status >= http.StatusInternalServerError {
		t.whole.SetStatus(codes.Error, reason)
	}
	t.whole.SetAttributes(
		attribute.String("http.request.method", http.MethodPost),
		attribute.Int("http.response.status_code", status),
		attribute.String("grantor.endpoint", string(rec.endpoint)),
		attribute.String("grantor.request_id", rec.id),
		attribute.String("grantor.reason", reason),
	)
	if rec.grantType != "" {
		t.whole.SetAttributes(attribute.String("grantor.grant_type", rec.grantType))
	}
	if rec.client != nil {
		t.whole.SetAttributes(attribute.String("grantor.client", rec.client.Key.String()))
	}
	if rec.provider != nil {
		t.whole.SetAttributes(attribute.String("grantor.identity_provider", rec.provider.Key.String()))
	}
	t.whole.End()
}
