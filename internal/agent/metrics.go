package agent

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// Metrics count what the agent does.
type Metrics struct {
	exchanges, writes, hooks, requests *prometheus.CounterVec
	expiry                             prometheus.Gauge
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"outcome"})
	}
	m := &Metrics{
		exchanges: counter("grantor_agent_exchanges_total", "Tokens that were asked for, by outcome."),
		writes:    counter("grantor_agent_writes_total", "Tokens that were to be written to the file, by outcome."),
		hooks:     counter("grantor_agent_notifications_total", "Programs and processes that were to be told of a token, by outcome."),
		requests:  counter("grantor_agent_requests_total", "Requests for tokens on the loopback address, by outcome."),
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "grantor_agent_token_expiry_timestamp_seconds", Help: "When the token in the file expires; 0 where there is none.",
		}),
	}
	for _, c := range []prometheus.Collector{m.exchanges, m.writes, m.hooks, m.requests, m.expiry} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	for _, o := range exchange.Outcomes() {
		m.exchanges.WithLabelValues(string(o))
	}
	for _, o := range []exchange.Outcome{exchange.OK, exchange.Failed} {
		m.writes.WithLabelValues(string(o))
		m.hooks.WithLabelValues(string(o))
	}
	return m, nil
}

func (m *Metrics) exchanged(err error) {
	m.exchanges.WithLabelValues(string(exchange.OutcomeOf(err))).Inc()
}
func (m *Metrics) wrote(err error)    { m.writes.WithLabelValues(done(err)).Inc() }
func (m *Metrics) notified(err error) { m.hooks.WithLabelValues(done(err)).Inc() }

// requested counts an answer of the loopback address.
func (m *Metrics) requested(outcome string) { m.requests.WithLabelValues(outcome).Inc() }

func (m *Metrics) expires(l life) {
	if l.span > 0 {
		m.expiry.Set(float64(l.from.wall.Add(l.span).Unix()))
	}
}

func done(err error) string {
	if err != nil {
		return string(exchange.Failed)
	}
	return string(exchange.OK)
}
