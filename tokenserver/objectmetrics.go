package tokenserver

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// objectMetrics tell how many token requests were about each object. There are series of those that somebody has declared and
// used: one that is gone loses its own.
type objectMetrics struct {
	clients, providers objectSeries
	store              *trust.Store
}

// newObjectMetrics gives so many clients, and so many providers, series of their own.
func newObjectMetrics(store *trust.Store, most int) *objectMetrics {
	labels := []string{"namespace", "name", "outcome"}
	return &objectMetrics{
		clients: objectSeries{most: int64(most), desc: prometheus.NewDesc("grantor_client_token_requests_total",
			"Token requests of a client that has authenticated, by outcome: granted or refused. Without a name: of all clients for which there were too many.", labels, nil)},
		providers: objectSeries{most: int64(most), desc: prometheus.NewDesc("grantor_provider_token_requests_total",
			"Token requests with an assertion of a provider, by outcome: granted or refused. Without a name: of all providers for which there were too many.", labels, nil)},
		store: store,
	}
}

// Describe implements [prometheus.Collector].
func (m *objectMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.clients.desc
	ch <- m.providers.desc
}

// Collect implements [prometheus.Collector].
func (m *objectMetrics) Collect(ch chan<- prometheus.Metric) {
	snapshot := m.store.Snapshot()
	m.clients.collect(ch, func(yield func(trust.ObjectKey, *trust.Usage) bool) {
		snapshot.Clients(func(c *trust.Client) { yield(c.Key, c.Usage) })
	})
	m.providers.collect(ch, func(yield func(trust.ObjectKey, *trust.Usage) bool) {
		snapshot.Providers(func(p *trust.Provider) { yield(p.Key, p.Usage) })
	})
}

// observe counts a request for the objects that it is about.
func (m *objectMetrics) observe(rec *record) {
	granted := rec.err == nil
	if rec.client != nil {
		m.clients.count(rec.client.Usage, granted)
	}
	switch {
	case rec.provider != nil:
		m.providers.count(rec.provider.Usage, granted)
	case rec.untrustedProvider != nil:
		m.providers.count(rec.untrustedProvider.Usage, granted)
	}
}

// objectSeries are the series of the objects of a kind. The first of them that are asked about have their own. All others are
// counted together, under no name, until those make room that are gone.
type objectSeries struct {
	desc *prometheus.Desc
	most int64
	rest trust.Usage
	// used is how many have their own: those that have counted anything. Nobody gets one but under mu.
	mu   sync.Mutex
	used atomic.Int64
}

func (s *objectSeries) count(u *trust.Usage, granted bool) {
	if !u.Used() && !s.admit() {
		u = &s.rest
	}
	u.Count(granted)
}

// admit reports whether there is room for one more. Two requests at once may take the room of two for one object.
func (s *objectSeries) admit() bool {
	if s.used.Load() >= s.most {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used.Load() >= s.most {
		return false
	}
	s.used.Add(1)
	return true
}

// collect tells what was counted, and counts anew who has series of their own.
func (s *objectSeries) collect(ch chan<- prometheus.Metric, objects iter.Seq2[trust.ObjectKey, *trust.Usage]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var used int64
	for k, u := range objects {
		if u.Used() {
			used++
			s.tell(ch, k, u)
		}
	}
	s.used.Store(used)
	if s.rest.Used() {
		s.tell(ch, trust.ObjectKey{}, &s.rest)
	}
}

func (s *objectSeries) tell(ch chan<- prometheus.Metric, k trust.ObjectKey, u *trust.Usage) {
	granted, refused := u.Counts()
	ch <- prometheus.MustNewConstMetric(s.desc, prometheus.CounterValue, float64(granted), k.Namespace, k.Name, "granted")
	ch <- prometheus.MustNewConstMetric(s.desc, prometheus.CounterValue, float64(refused), k.Namespace, k.Name, "refused")
}
