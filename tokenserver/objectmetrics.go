package tokenserver

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// objectMetrics tell how many token requests were about each object. There are series of those that somebody has declared and
// used: one that is gone loses its own.
type objectMetrics struct {
	clients, providers *prometheus.Desc
	store              *trust.Store
}

func newObjectMetrics(store *trust.Store) *objectMetrics {
	labels := []string{"namespace", "name", "outcome"}
	return &objectMetrics{
		clients: prometheus.NewDesc("grantor_client_token_requests_total",
			"Token requests of a client that has authenticated, by outcome: granted or refused.", labels, nil),
		providers: prometheus.NewDesc("grantor_provider_token_requests_total",
			"Token requests with an assertion of a provider, by outcome: granted or refused.", labels, nil),
		store: store,
	}
}

// Describe implements [prometheus.Collector].
func (m *objectMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.clients
	ch <- m.providers
}

// Collect implements [prometheus.Collector].
func (m *objectMetrics) Collect(ch chan<- prometheus.Metric) {
	tell := func(desc *prometheus.Desc, k trust.ObjectKey, of *trust.Usage) {
		granted, refused := of.Counts()
		if granted == 0 && refused == 0 {
			return
		}
		for outcome, n := range map[string]uint64{"granted": granted, "refused": refused} {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), k.Namespace, k.Name, outcome)
		}
	}
	snapshot := m.store.Snapshot()
	snapshot.Clients(func(c *trust.Client) { tell(m.clients, c.Key, c.Usage) })
	snapshot.Providers(func(p *trust.Provider) { tell(m.providers, p.Key, p.Usage) })
}
