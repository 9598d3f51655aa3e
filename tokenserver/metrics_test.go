package tokenserver

import (
	"crypto/elliptic"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

func elliptic256() elliptic.Curve { return elliptic.P256() }

// series returns the sum of the values of a metric, of those series that have the labels: name, value, name, value, ….
func (f *fixture) series(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			matches := true
			for i := 0; i < len(labels); i += 2 {
				matches = matches && has[labels[i]] == labels[i+1]
			}
			if matches {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func (f *fixture) countSeries(t testing.TB) int {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, family := range families {
		n += len(family.GetMetric())
	}
	return n
}

func TestMetrics(t *testing.T) {
	f := newFixture(t)
	f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	f.send(t, f.call("nobody", "x").request())
	f.send(t, f.call("nobody", "x").request())
	for name, tc := range map[string]struct {
		metric string
		labels []string
		want   float64
	}{
		"granted":         {"grantor_token_requests_total", []string{"code", "ok", "reason", "ok"}, 1},
		"refused":         {"grantor_token_requests_total", []string{"code", "invalid_grant", "reason", "replayed"}, 1},
		"refused twice":   {"grantor_token_requests_total", []string{"code", "invalid_client", "reason", "unknown_client"}, 2},
		"all":             {"grantor_token_requests_total", nil, 4},
		"durations":       {"grantor_token_request_duration_seconds", nil, 4},
		"by grant":        {"grantor_token_requests_total", []string{"grant", "jwt-bearer"}, 2},
		"before a grant":  {"grantor_token_requests_total", []string{"grant", "none", "reason", "unknown_client"}, 2},
		"time by grant":   {"grantor_token_request_duration_seconds", []string{"grant", "jwt-bearer"}, 2},
		"client granted":  {"grantor_client_token_requests_total", []string{"namespace", "team-a", "name", "c1", "outcome", "granted"}, 1},
		"client refused":  {"grantor_client_token_requests_total", []string{"namespace", "team-a", "name", "c1", "outcome", "refused"}, 1},
		"nobody else":     {"grantor_client_token_requests_total", nil, 2},
		"provider":        {"grantor_provider_token_requests_total", []string{"name", "idp-a", "outcome", "granted"}, 1},
		"panics":          {"grantor_panics_total", nil, 0},
		"providers":       {"grantor_trust_providers", nil, 3},
		"clients":         {"grantor_trust_clients", nil, 5},
		"ready":           {"grantor_trust_ready", nil, 1},
		"nothing of that": {"grantor_token_requests_total", []string{"code", "invalid_scope"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := f.series(t, tc.metric, tc.labels...); got != tc.want {
				t.Errorf("%s %v is %v, want %v", tc.metric, tc.labels, got, tc.want)
			}
		})
	}
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil); tx.Clear() })
	if f.series(t, "grantor_trust_ready") != 0 || f.series(t, "grantor_trust_clients") != 0 {
		t.Error("the gauges do not follow the store")
	}
}

// What an assertion that is refused claims to be of counts for that provider; what a client has who does not authenticate, for
// nobody. An object that is gone has no metrics.
func TestMetricsOfObjects(t *testing.T) {
	const clients, providers = "grantor_client_token_requests_total", "grantor_provider_token_requests_total"
	f := newFixture(t)
	f.send(t, f.call("c1", sign(idpB, f.claims(idpA, "1"))).request())
	if got := f.series(t, providers, "name", "idp-a", "outcome", "refused"); got != 1 {
		t.Errorf("a forged assertion counts %v times", got)
	}
	f.send(t, f.call("c1", f.assertion("https://unknown.test", "1")).request())
	wrong := f.call("c2", f.assertion(idpB, "1"))
	wrong.basic("c2", "wrong")
	f.send(t, wrong.request())
	if f.series(t, providers) != 1 || f.series(t, clients, "name", "c2") != 0 || f.series(t, clients, "name", "c1") != 2 {
		t.Error("an unknown issuer, or a client that did not authenticate, counts")
	}
	f.store.Update(func(tx *trust.Tx) {
		tx.DeleteClient(trust.ObjectKey{Namespace: "team-a", Name: "c1"})
		tx.DeleteProvider(trust.ObjectKey{Namespace: "team-a", Name: "idp-a"})
	})
	if f.series(t, providers) != 0 || f.series(t, clients) != 0 {
		t.Error("an object that is gone still has metrics")
	}
}

// Objects beyond the bound are counted under no name, for good: a counter must not fall. One that is gone makes room.
func TestMetricsOfObjectsAreBounded(t *testing.T) {
	const clients, providers = "grantor_client_token_requests_total", "grantor_provider_token_requests_total"
	f := newFixture(t, func(c *Config) { c.MaxObjectMetrics = 1 })
	ask := func(client, issuer, id string) { f.send(t, f.call(client, f.assertion(issuer, id)).request()) }
	expect := func(when, metric, name string, want float64) {
		t.Helper()
		if got := f.series(t, metric, "name", name); got != want {
			t.Errorf("%s: %s of %q is %v, not %v", when, metric, name, got, want)
		}
	}
	ask("c1", idpA, "1")
	ask("c1", idpA, "2")
	expect("within the bound", clients, "c1", 2)
	expect("within the bound", clients, "", 0)
	ask("c2", idpB, "3")
	ask("c1", idpA, "4")
	for metric, names := range map[string][2]string{clients: {"c1", "c2"}, providers: {"idp-a", "idp-b"}} {
		expect("beyond it", metric, names[0], 3)
		expect("beyond it", metric, names[1], 0)
		expect("beyond it", metric, "", 1)
	}
	f.store.Update(func(tx *trust.Tx) { tx.DeleteClient(trust.ObjectKey{Namespace: "team-a", Name: "c1"}) })
	expect("gone", clients, "c1", 0)
	ask("c2", idpB, "5")
	expect("with room again", clients, "c2", 1)
	expect("with room again", clients, "", 1)
}

// With a bound of none, nobody has a name.
func TestMetricsOfNoObjects(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxObjectMetrics = 0 })
	f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	for _, metric := range []string{"grantor_client_token_requests_total", "grantor_provider_token_requests_total"} {
		if all, named := f.series(t, metric), f.series(t, metric, "name", ""); all != 1 || named != 1 {
			t.Errorf("%s: %v in all, %v without a name", metric, all, named)
		}
	}
}

// RFC 9110 §13.1.2: what a verifier has already is told apart from what it is sent.
func TestMetricsOfDocuments(t *testing.T) {
	f := newFixture(t)
	tag := f.send(t, ask(http.MethodGet, PathJWKS, "")).header.Get("ETag")
	again := ask(http.MethodGet, PathJWKS, "")
	again.Header.Set("If-None-Match", tag)
	f.ServeHTTP(httptest.NewRecorder(), again)
	f.send(t, ask(http.MethodGet, PathMetadata, ""))
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) })
	f.send(t, ask(http.MethodGet, PathOpenIDMetadata, ""))
	for _, labels := range [][]string{
		{"document", "jwks", "status", "200"},
		{"document", "jwks", "status", "304"},
		{"document", "metadata", "status", "200"},
		{"document", "openid_metadata", "status", "503"},
	} {
		if got := f.series(t, "grantor_document_request_duration_seconds", labels...); got != 1 {
			t.Errorf("%v counts %v times", labels, got)
		}
	}
}

// What counts a request allocates nothing.
func TestMetricsAllocateNothing(t *testing.T) {
	f := newFixture(t)
	c, p := f.store.Snapshot().Client("c1"), f.store.Snapshot().Provider("team-a", idpA)
	for name, rec := range map[string]*record{
		"granted":       {endpoint: endpointToken, grantType: oauth.GrantTypeJWTBearer, client: c, voucher: voucher{provider: p}},
		"refused":       {endpoint: endpointToken, err: oauth.AsError(nil), client: c, voucher: voucher{untrustedProvider: p}},
		"introspection": {endpoint: endpointIntrospection},
	} {
		code := outcomeOK
		if rec.err != nil {
			code = string(rec.err.Code)
		}
		if n := testing.AllocsPerRun(100, func() { f.metrics.observe(rec, code, "x", 0) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// exemplars are the names of metrics with those of their exemplars.
func (f *fixture) exemplars(t testing.TB) (found []string) {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, b := range m.GetHistogram().GetBucket() {
				for _, l := range b.GetExemplar().GetLabel() {
					found = append(found, family.GetName()+" "+l.GetName()+" "+l.GetValue())
				}
			}
		}
	}
	return found
}

// A request that has a trace leaves it in its bucket, and no other does.
func TestExemplars(t *testing.T) {
	_, with := traced(sdktrace.AlwaysSample())
	for name, tc := range map[string]struct {
		changes []func(*Config)
		want    bool
	}{"with a trace": {[]func(*Config){with}, true}, "without": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, tc.changes...)
			f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
			found := f.exemplars(t)
			id, _ := f.records(t)[0]["trace_id"].(string)
			var want []string
			if tc.want {
				want = []string{"grantor_token_request_duration_seconds trace_id " + id}
			}
			if diff := cmp.Diff(want, found); diff != "" || tc.want == (id == "") {
				t.Errorf("exemplars (-want +got):\n%s", diff)
			}
		})
	}
}

// what callers make up does not become series.
func TestMetricCardinality(t *testing.T) {
	f := newFixture(t)
	before := f.countSeries(t)
	key := jwttest.EC(idpA, elliptic256())
	for i := range 10_000 {
		n := strconv.Itoa(i)
		var c call
		switch {
		case i%20 == 0: // a signature is verified
			c = f.call("c1", sign(idpA, f.claims(idpA, "jti "+n).Set("sub", jwttest.Quote("sub "+n))))
		case i%20 == 1: // and a wrong one too
			c = f.call("c1", jwttest.Compact("ES256", key, `{"alg":"ES256","kid":"kid `+n+`"}`, f.claims(idpB, n).String()))
		case i%3 == 0:
			c = f.call("c1", jwttest.Part(`{"alg":"ES256","kid":"`+n+`"}`)+"."+jwttest.Part(f.claims("https://issuer.test/"+n, n).String())+".AAAA")
		case i%3 == 1:
			c = f.call("client "+n, n)
		default:
			c = f.call("c1", n)
			c.target += "?tenantDomain=team-" + n
			c.form.Set("grant_type", "urn:example:"+n)
		}
		f.ServeHTTP(httptest.NewRecorder(), c.request())
	}
	if grown := f.countSeries(t) - before; grown > 20 {
		t.Errorf("%d series more", grown)
	}
	if got := f.series(t, "grantor_token_requests_total"); got != 10_000 {
		t.Errorf("%v requests are counted, want 10000", got)
	}
	if got := f.series(t, "grantor_token_requests_total", "code", "ok"); got != 500 {
		t.Errorf("%v requests were granted, want 500: the test does not reach all it should", got)
	}
}

// The names follow what Prometheus asks of them, and every metric has a help text.
func TestMetricDescriptions(t *testing.T) {
	f := newFixture(t)
	f.send(t, f.call("nobody", "x").request())
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetHelp() == "" || len(family.GetName()) < len("grantor_x") || family.GetName()[:8] != "grantor_" {
			t.Errorf("metric %q has the help %q", family.GetName(), family.GetHelp())
		}
	}
	if _, err := newMetrics(prometheus.NewRegistry(), f.store, 1); err != nil {
		t.Errorf("metrics cannot be registered in another registry: %v", err)
	}
}

// TestRememberedSignaturesAreCounted: of assertions that may be presented again, when the server remembers any.
func TestRememberedSignaturesAreCounted(t *testing.T) {
	for remembered, want := range map[int][2]float64{0: {0, 0}, 10: {2, 1}} {
		f := newFixture(t, func(c *Config) { c.RememberedSignatures = remembered })
		f.store.Update(func(tx *trust.Tx) {
			p := provider("a", idpA)
			p.Replay = trust.ReplayReuse
			tx.PutProvider(p)
		})
		assertion := f.assertion(idpA, "1")
		for range 3 {
			if a := f.send(t, f.call("c1", assertion).request()); a.status != 200 {
				t.Fatal(a)
			}
		}
		const name = "grantor_remembered_signatures_total"
		if got := [2]float64{f.series(t, name, "result", "hit"), f.series(t, name, "result", "miss")}; got != want {
			t.Errorf("remembering %d: %v hits and misses, want %v", remembered, got, want)
		}
	}
}
