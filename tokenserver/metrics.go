package tokenserver

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// metrics of the endpoints. Labels are closed sets: nothing that a request holds becomes a label.
type metrics struct {
	endpoints map[endpoint]requestMetrics
	panics    prometheus.Counter
	// known and unknown count assertions that may be presented again, by whether their signature was remembered.
	known, unknown prometheus.Counter
}

// requestMetrics are those of one endpoint.
type requestMetrics struct {
	requests *prometheus.CounterVec
	duration prometheus.Histogram
}

func newRequestMetrics(total, totalHelp, duration, durationHelp string) requestMetrics {
	return requestMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: total, Help: totalHelp}, []string{"code", "reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: duration, Help: durationHelp, Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}),
	}
}

func newMetrics(r prometheus.Registerer, store *trust.Store) (*metrics, error) {
	m := &metrics{
		endpoints: map[endpoint]requestMetrics{
			endpointToken: newRequestMetrics(
				"grantor_token_requests_total", "Token requests by error code on the wire and by reason; both are ok for a granted token.",
				"grantor_token_request_duration_seconds", "Time to answer a token request, without sending the answer.",
			),
			endpointIntrospection: newRequestMetrics(
				"grantor_introspection_requests_total", "Introspection requests by error code on the wire and by reason; both are ok for an active token, and the code alone for one that is not.",
				"grantor_introspection_request_duration_seconds", "Time to answer an introspection request, without sending the answer.",
			),
			endpointRevocation: newRequestMetrics(
				"grantor_revocation_requests_total", "Revocation requests by error code on the wire and by reason; both are ok for a revoked token, and the code alone where there was none to revoke.",
				"grantor_revocation_request_duration_seconds", "Time to answer a revocation request, without sending the answer.",
			),
		},
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grantor_panics_total",
			Help: "Requests whose handling panicked and was answered with server_error.",
		}),
	}
	remembered := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grantor_remembered_signatures_total",
		Help: "Assertions that may be presented again, by whether their signature was remembered (hit) or had to be verified (miss); 0 unless signatures are remembered.",
	}, []string{"result"})
	m.known, m.unknown = remembered.WithLabelValues("hit"), remembered.WithLabelValues("miss")
	gauge := func(name, help string, read func(*trust.Snapshot) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			return read(store.Snapshot())
		})
	}
	collectors := []prometheus.Collector{
		m.panics, remembered,
		gauge("grantor_trust_providers", "Identity providers in the trust store.", func(s *trust.Snapshot) float64 {
			providers, _ := s.Counts()
			return float64(providers)
		}),
		gauge("grantor_trust_clients", "OAuth clients in the trust store.", func(s *trust.Snapshot) float64 {
			_, clients := s.Counts()
			return float64(clients)
		}),
		gauge("grantor_trust_ready", "1 when the trust store is loaded and holds the server's keys.", func(s *trust.Snapshot) float64 {
			if s.Ready() {
				return 1
			}
			return 0
		}),
	}
	for _, e := range m.endpoints {
		collectors = append(collectors, e.requests, e.duration)
	}
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) rememberedSignature(known bool) {
	if known {
		m.known.Inc()
	} else {
		m.unknown.Inc()
	}
}

func (m *metrics) observe(e endpoint, code, reason string, took time.Duration) {
	m.endpoints[e].requests.WithLabelValues(code, reason).Inc()
	m.endpoints[e].duration.Observe(took.Seconds())
}
