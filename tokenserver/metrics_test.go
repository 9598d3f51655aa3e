package tokenserver

import (
	"crypto/elliptic"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/jwttest"
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
	if _, err := newMetrics(prometheus.NewRegistry(), f.store); err != nil {
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
