package tokenserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// traced lets a fixture trace what the sampler takes.
func traced(sampler sdktrace.Sampler) (*tracetest.SpanRecorder, func(*Config)) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder), sdktrace.WithSampler(sampler))
	return recorder, func(c *Config) { c.Tracer = provider.Tracer("test") }
}

// spansSince returns the spans that ended after the first n: the steps in their order, and the whole last.
func spansSince(t *testing.T, r *tracetest.SpanRecorder, n int) []sdktrace.ReadOnlySpan {
	t.Helper()
	ended := r.Ended()
	if len(ended) <= n || len(ended) != len(r.Started()) {
		t.Fatalf("%d of %d spans have ended", len(ended), len(r.Started()))
	}
	return ended[n:]
}

// A request has one trace: its span, and one below it for each step that it came to. The step that refused says why.
func TestSteps(t *testing.T) {
	token := func(steps ...string) []string { return append(steps, "POST /oauth2/token") }
	first := []string{"parse request", "authenticate client", "select grant"}
	all := slices.Concat(first, []string{"verify", "authorize", "redeem", "mint", "respond"})
	for name, tc := range map[string]struct {
		call  func(*fixture) call
		want  []string
		error string // of the last step
	}{
		"jwt bearer": {func(f *fixture) call { return f.call("c1", f.assertion(idpA, "1")) }, token(all...), ""},
		"client credentials": {func(f *fixture) call {
			f.changeClient("c1", own)
			return f.ownCall()
		}, token("parse request", "authenticate client", "select grant", "authorize", "redeem", "mint", "respond"), ""},
		"refresh token": {func(f *fixture) call {
			f.changeClient("c1", refreshing)
			return f.renewal("c1", f.first(t, "1"))
		}, token(all...), ""},
		"token exchange": {func(f *fixture) call {
			f.changeClient("c1", exchanging)
			return f.exchangeCall(f.assertion(idpA, "1"))
		}, token(all...), ""},
		"token exchange for an actor": {func(f *fixture) call {
			f.changeClient("c1", exchanging)
			return f.exchangeCall(f.assertion(idpA, "1")).acting(f.robot("2"))
		}, token(slices.Concat(first, []string{"verify", "verify", "authorize", "redeem", "mint", "respond"})...), ""},
		"no form": {func(*fixture) call {
			return call{method: http.MethodPost, target: PathToken}
		}, token("parse request"), "content_type"},
		"wrong secret": {func(f *fixture) call {
			c := f.call("c1", "x")
			c.basic("c1", "x")
			return c
		}, token("parse request", "authenticate client"), "wrong_client_secret"},
		"unknown grant": {func(f *fixture) call {
			c := f.call("c1", "x")
			c.form.Set("grant_type", "x")
			return c
		}, token(first...), "unknown_grant_type"},
		"forged": {func(f *fixture) call {
			return f.call("c1", sign(idpB, f.claims(idpA, "1")))
		}, token(append(slices.Clone(first), "verify")...), "signature_invalid"},
		"scope": {func(f *fixture) call {
			c := f.call("c1", f.assertion(idpA, "1"))
			c.form.Set("scope", "admin")
			return c
		}, token(append(slices.Clone(first), "verify", "authorize")...), "scope_not_allowed"},
		"replayed": {func(f *fixture) call {
			c := f.call("c1", f.assertion(idpA, "1"))
			f.send(t, c.request())
			return c
		}, token(append(slices.Clone(first), "verify", "authorize", "redeem")...), "replayed"},
		"introspection": {func(f *fixture) call {
			f.addServers()
			return f.introspect("api1", f.accessToken(t))
		}, []string{"parse request", "authenticate client", "verify", "judge token", "respond", "POST /oauth2/introspect"}, ""},
		"revocation": {func(f *fixture) call {
			return f.revocation("c1", f.accessToken(t))
		}, []string{"parse request", "authenticate client", "end token", "respond", "POST /oauth2/revoke"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			recorder, with := traced(sdktrace.AlwaysSample())
			f := newFixture(t, with)
			request := tc.call(f).request()
			before := len(recorder.Ended())
			f.ServeHTTP(httptest.NewRecorder(), request)
			var got []string
			spans := spansSince(t, recorder, before)
			whole := spans[len(spans)-1]
			for _, s := range spans {
				got = append(got, s.Name())
				if s != whole && s.Parent().SpanID() != whole.SpanContext().SpanID() {
					t.Errorf("%s is not below the whole", s.Name())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Fatalf("spans (-want +got):\n%s", diff)
			}
			last := spans[len(spans)-2]
			if failed := last.Status().Code == codes.Error; failed != (tc.error != "") || last.Status().Description != tc.error {
				t.Errorf("the last step says %v, want %q", last.Status(), tc.error)
			}
			records := f.records(t)
			if id := whole.SpanContext().TraceID().String(); records[len(records)-1]["trace_id"] != id {
				t.Errorf("the record has the trace %v, want %s", records[len(records)-1]["trace_id"], id)
			}
		})
	}
}

// Where a request waits for newer keys, that is a step of its own.
func TestStepOfNewerKeys(t *testing.T) {
	recorder, with := traced(sdktrace.AlwaysSample())
	r := &refresher{}
	f := newFixture(t, with, func(c *Config) { c.KeyRefresher = r })
	f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("old")) })
	r.refresh = func(*trust.Provider) bool {
		f.store.Update(func(tx *trust.Tx) { tx.PutProvider(remote("new")) })
		return true
	}
	f.ServeHTTP(httptest.NewRecorder(), f.call("c1", signedBy("new", f.claims(idpA, "1"))).request())
	var got []string
	for _, s := range spansSince(t, recorder, 0) {
		got = append(got, s.Name())
	}
	if want := "verify, await keys, verify, authorize"; !strings.Contains(strings.Join(got, ", "), want) {
		t.Errorf("steps %v, want %s among them", got, want)
	}
}

// attributesOf are the attributes of a span, as text.
func attributesOf(s sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes() {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

func TestSpanOfRequest(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		call   func(*fixture) call
		status codes.Code
		want   map[string]string
	}{
		"granted": {nil, func(f *fixture) call { return f.call("c1", f.assertion(idpA, "1")) }, codes.Unset, map[string]string{
			"http.response.status_code": "200", "grantor.reason": "ok", "grantor.grant_type": oauth.GrantTypeJWTBearer,
			"grantor.client": "team-a/c1", "grantor.identity_provider": "team-a/idp-a",
		}},
		"refused": {nil, func(f *fixture) call { return f.call("nobody", "x") }, codes.Unset, map[string]string{
			"http.response.status_code": "401", "grantor.reason": "unknown_client", "error.type": "invalid_client",
		}},
		"failed": {
			func(c *Config) { c.Replay = consume(func() error { return errors.New("no") }) },
			func(f *fixture) call { return f.call("c1", f.assertion(idpA, "1")) }, codes.Error,
			map[string]string{
				"http.response.status_code": "503", "grantor.reason": "state_unavailable", "error.type": "temporarily_unavailable",
				"grantor.grant_type": oauth.GrantTypeJWTBearer, "grantor.client": "team-a/c1", "grantor.identity_provider": "team-a/idp-a",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			recorder, with := traced(sdktrace.AlwaysSample())
			changes := []func(*Config){with}
			if tc.change != nil {
				changes = append(changes, tc.change)
			}
			f := newFixture(t, changes...)
			f.ServeHTTP(httptest.NewRecorder(), tc.call(f).request())
			spans := spansSince(t, recorder, 0)
			whole := spans[len(spans)-1]
			got := attributesOf(whole)
			if got["grantor.request_id"] != f.records(t)[0]["request_id"] {
				t.Errorf("request %q", got["grantor.request_id"])
			}
			delete(got, "grantor.request_id")
			tc.want["http.request.method"], tc.want["grantor.endpoint"] = http.MethodPost, "token"
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if whole.SpanKind() != trace.SpanKindServer || whole.Status().Code != tc.status {
				t.Errorf("kind %v, status %v", whole.SpanKind(), whole.Status())
			}
		})
	}
}

const (
	callersTraceID = "0af7651916cd43dd8448eb211c80319c"
	callersParent  = "00-" + callersTraceID + "-b7ad6b7169203331-01"
)

// a caller who says that his trace is sampled decides nothing here, unless the server was told to let him. Where it is
// traced all the same, it links to his trace, without his text.
func TestCallersTrace(t *testing.T) {
	for name, tc := range map[string]struct {
		sampler           sdktrace.Sampler
		continueTraces    bool
		parent            string
		traced, continues bool
		links             int
	}{
		"Q-06 not sampled, whatever he says":   {sdktrace.NeverSample(), false, callersParent, false, false, 0},
		"Q-06 sampled, linked":                 {sdktrace.AlwaysSample(), false, callersParent, true, false, 1},
		"Q-06 sampled, though he says not":     {sdktrace.AlwaysSample(), false, callersParent[:53] + "00", true, false, 1},
		"continued":                            {sdktrace.ParentBased(sdktrace.NeverSample()), true, callersParent, true, true, 0},
		"continued, not sampled by the caller": {sdktrace.ParentBased(sdktrace.AlwaysSample()), true, callersParent[:53] + "00", false, false, 0},
		"no parent":                            {sdktrace.AlwaysSample(), true, "", true, false, 0},
		"garbled":                              {sdktrace.AlwaysSample(), false, callersParent + "x", true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			recorder, with := traced(tc.sampler)
			f := newFixture(t, with, func(c *Config) { c.ContinueTraces = tc.continueTraces })
			c := f.call("c1", f.assertion(idpA, "1"))
			c.header.Set("Traceparent", tc.parent)
			c.header.Set("Tracestate", "evil=text")
			if a := f.send(t, c.request()); a.status != http.StatusOK {
				t.Fatalf("got %d", a.status)
			}
			if _, has := f.records(t)[0]["trace_id"]; has != tc.traced || (len(recorder.Ended()) > 0) != tc.traced {
				t.Fatalf("%d spans, the record has a trace: %v, want %v", len(recorder.Ended()), has, tc.traced)
			}
			if !tc.traced {
				return
			}
			whole := recorder.Ended()[len(recorder.Ended())-1]
			if continues := whole.SpanContext().TraceID().String() == callersTraceID; continues != tc.continues || len(whole.Links()) != tc.links {
				t.Errorf("continues the caller's trace: %v, with %d links", continues, len(whole.Links()))
			}
			expectBareLinks(t, whole.Links())
		})
	}
}

func expectBareLinks(t *testing.T, links []sdktrace.Link) {
	t.Helper()
	for _, link := range links {
		if link.SpanContext.TraceID().String() != callersTraceID || link.SpanContext.TraceState().Len() != 0 || len(link.Attributes) != 0 {
			t.Errorf("links to %+v", link)
		}
	}
}

// nothing that a caller can write, and no secret, is in a span.
func TestSpansHoldNothingOfTheRequest(t *testing.T) {
	const mark = "MARK7"
	recorder, with := traced(sdktrace.AlwaysSample())
	f := newFixture(t, with)
	send := func(change func(*call)) {
		c := f.call("c1", sign(idpA, f.claims(idpA, mark+"1").Set("sub", `"`+mark+`"`)))
		c.header.Set("Traceparent", callersParent)
		c.header.Set("Tracestate", "a="+mark)
		c.header.Set("Baggage", "a="+mark)
		c.header.Set("User-Agent", mark)
		change(&c)
		f.ServeHTTP(httptest.NewRecorder(), c.request())
	}
	for _, parameter := range []string{"grant_type", "assertion", "scope", "resource", "client_id", "client_secret", mark} {
		send(func(c *call) { c.form.Set(parameter, mark) })
	}
	send(func(c *call) { c.basic(mark, mark) })
	send(func(c *call) { c.target = "/t/" + mark + PathToken })
	send(func(c *call) { c.target += "?tenantDomain=" + mark })
	send(func(c *call) { c.form.Set("assertion", sign(idpA, f.claims("https://"+mark, "1"))) })
	spans := spansSince(t, recorder, 0)
	known := []attribute.Key{
		"http.request.method", "http.response.status_code", "error.type", "grantor.endpoint", "grantor.request_id", "grantor.reason",
		"grantor.grant_type", "grantor.client", "grantor.identity_provider",
	}
	for _, s := range spans {
		text, err := json.Marshal(tracetest.SpanStubFromReadOnlySpan(s))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), mark) || len(s.Events()) != 0 {
			t.Errorf("%s holds what a caller wrote: %s", s.Name(), text)
		}
		for _, a := range s.Attributes() {
			if !slices.Contains(known, a.Key) {
				t.Errorf("%s has the attribute %s", s.Name(), a.Key)
			}
		}
	}
	if len(spans) < 40 {
		t.Errorf("only %d spans: the requests do not reach what they should", len(spans))
	}
}

// What is not traced costs nothing.
func TestNoTraceCostsNothing(t *testing.T) {
	f := newFixture(t)
	rec := &record{err: oauth.AsError(nil)}
	request := f.call("c1", "x").request()
	request.Header.Set("Traceparent", callersParent)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		rec.trace = f.startTrace(request, endpointToken)
		rec.enter(ctx, stepParse)
		rec.failed(rec.err)
		rec.trace.end(rec, "server_error", "internal")
	}); n != 0 || rec.trace.id() != "" {
		t.Errorf("%v allocations, trace %q", n, rec.trace.id())
	}
}
