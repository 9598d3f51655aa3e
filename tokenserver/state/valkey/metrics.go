package valkey

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the decisions. The label is the operation, a closed set.
type metrics struct {
	// of are what requests need, looked up beforehand.
	of       map[string]operationMetrics
	duration *prometheus.HistogramVec
	errors   *prometheus.CounterVec
	usable   prometheus.Gauge
}

type operationMetrics struct {
	duration prometheus.Observer
	errors   prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		of: map[string]operationMetrics{},
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "grantor_state_operation_duration_seconds",
			Help:    "Time of a decision of the shared state, whatever its outcome.",
			Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}, []string{"operation"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantor_state_errors_total",
			Help: "Decisions that the shared state could not make; requests that needed them were answered with 503.",
		}, []string{"operation"}),
		usable: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "grantor_state_usable",
			Help: "1 when the state server answered the last examination and may be used.",
		}),
	}
	for _, operation := range []string{"consume", "advance", "revoke", "revoked"} {
		m.of[operation] = operationMetrics{m.duration.WithLabelValues(operation), m.errors.WithLabelValues(operation)}
	}
	return m
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.duration.Describe(ch)
	m.errors.Describe(ch)
	m.usable.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.duration.Collect(ch)
	m.errors.Collect(ch)
	m.usable.Collect(ch)
}

func (m *metrics) observe(operation string, took time.Duration, answer string, err error) {
	m.of[operation].duration.Observe(took.Seconds())
	if err != nil || answer == answerClock || answer == answerCorrupt {
		m.of[operation].errors.Inc()
	}
}
