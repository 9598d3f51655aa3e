package tokenserver

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// metrics of the token endpoint. Labels are closed sets: nothing that a request holds becomes a label.
type metrics struct {
	requests *prometheus.CounterVec
	duration prometheus.Histogram
	panics   prometheus.Counter
}

func newMetrics(r prometheus.Registerer, store *trust.Store) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantor_token_requests_total",
			Help: "Token requests by error code on the wire and by reason; both are ok for a granted token.",
		}, []string{"code", "reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "grantor_token_request_duration_seconds",
			Help:    "Time to answer a token request, without sending the answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grantor_panics_total",
			Help: "Requests whose handling panicked and was answered with server_error.",
		}),
	}
	gauge := func(name, help string, read func(*trust.Snapshot) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			return read(store.Snapshot())
		})
	}
	collectors := []prometheus.Collector{
		m.requests, m.duration, m.panics,
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
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) observe(code, reason string, took time.Duration) {
	m.requests.WithLabelValues(code, reason).Inc()
	m.duration.Observe(took.Seconds())
}
