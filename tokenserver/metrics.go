package tokenserver

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// outcomeOK is the code and the reason of what was done.
const outcomeOK = "ok"

// grantNone is the label of a token request that ended before its grant was known.
const grantNone = "none"

// metrics of the endpoints. Labels are closed sets, or names of objects: nothing that a request holds becomes a label.
type metrics struct {
	// requests are by endpoint and, at the token endpoint, by grant_type.
	requests  map[requestKind]requestMetrics
	objects   *objectMetrics
	documents *prometheus.HistogramVec
	panics    prometheus.Counter
	// known and unknown count assertions that may be presented again, by whether their signature was remembered.
	known, unknown prometheus.Counter
}

// requestKind is what the metrics of requests are kept by.
type requestKind struct {
	endpoint  endpoint
	grantType string
}

// requestMetrics are those of one kind of request. What most requests need is looked up beforehand.
type requestMetrics struct {
	answers  *prometheus.CounterVec // by code and reason
	done     prometheus.Counter
	duration prometheus.Observer
}

func newRequestMetrics(answers *prometheus.CounterVec, duration prometheus.Observer) requestMetrics {
	return requestMetrics{answers, answers.WithLabelValues(outcomeOK, outcomeOK), duration}
}

func buckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1}
}

// newMetrics registers the metrics; so many clients and providers have their own.
func newMetrics(r prometheus.Registerer, store *trust.Store, mostObjects int) (*metrics, error) {
	m := &metrics{
		objects:  newObjectMetrics(store, mostObjects),
		requests: map[requestKind]requestMetrics{},
		documents: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "grantor_document_request_duration_seconds", Help: "Time to answer for a public document, by its kind and the HTTP status.",
			Buckets: buckets(),
		}, []string{"document", "status"}),
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
	collectors := []prometheus.Collector{m.objects, m.documents, m.panics, remembered}
	collectors = append(collectors, m.tokenRequests()...)
	collectors = append(collectors, m.plainRequests(endpointIntrospection,
		"grantor_introspection_requests_total", "Introspection requests by error code on the wire and by reason; both are ok for an active token, and the code alone for one that is not.",
		"grantor_introspection_request_duration_seconds", "Time to answer an introspection request, without sending the answer.",
	)...)
	collectors = append(collectors, m.plainRequests(endpointRevocation,
		"grantor_revocation_requests_total", "Revocation requests by error code on the wire and by reason; both are ok for a revoked token, and the code alone where there was none to revoke.",
		"grantor_revocation_request_duration_seconds", "Time to answer a revocation request, without sending the answer.",
	)...)
	for _, c := range append(collectors, trustGauges(store)...) {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// tokenRequests makes the metrics of the token endpoint, which are by grant, too.
func (m *metrics) tokenRequests() []prometheus.Collector {
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "grantor_token_requests_total",
		Help: "Token requests by grant, by error code on the wire and by reason; the last two are ok for a granted token.",
	}, []string{"grant", "code", "reason"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "grantor_token_request_duration_seconds",
		Help: "Time to answer a token request, without sending the answer, by grant.", Buckets: buckets(),
	}, []string{"grant"})
	for _, g := range oauth.Grants() {
		m.requests[requestKind{endpointToken, g.Type}] = newRequestMetrics(
			answers.MustCurryWith(prometheus.Labels{"grant": g.Name}), duration.WithLabelValues(g.Name))
	}
	m.requests[requestKind{endpoint: endpointToken}] = requestMetrics{
		answers: answers.MustCurryWith(prometheus.Labels{"grant": grantNone}), duration: duration.WithLabelValues(grantNone),
	}
	return []prometheus.Collector{answers, duration}
}

// plainRequests makes the metrics of another endpoint.
func (m *metrics) plainRequests(e endpoint, total, totalHelp, took, tookHelp string) []prometheus.Collector {
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{Name: total, Help: totalHelp}, []string{"code", "reason"})
	duration := prometheus.NewHistogram(prometheus.HistogramOpts{Name: took, Help: tookHelp, Buckets: buckets()})
	m.requests[requestKind{endpoint: e}] = newRequestMetrics(answers, duration)
	return []prometheus.Collector{answers, duration}
}

// trustGauges say what the trust store holds.
func trustGauges(store *trust.Store) []prometheus.Collector {
	gauge := func(name, help string, read func(*trust.Snapshot) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			return read(store.Snapshot())
		})
	}
	return []prometheus.Collector{
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
}

func (m *metrics) rememberedSignature(known bool) {
	if known {
		m.known.Inc()
	} else {
		m.unknown.Inc()
	}
}

// observe counts a request. It allocates only for one that has a trace, which the histogram then shows as an exemplar.
func (m *metrics) observe(rec *record, code, reason string, took time.Duration) {
	kind := requestKind{endpoint: rec.endpoint}
	if rec.endpoint == endpointToken {
		kind.grantType = rec.grantType
		m.objects.observe(rec)
	}
	of := m.requests[kind]
	if rec.err == nil {
		of.done.Inc()
	} else {
		of.answers.WithLabelValues(code, reason).Inc()
	}
	exemplary, ok := of.duration.(prometheus.ExemplarObserver)
	if id := rec.trace.id(); id != "" && ok {
		exemplary.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": id})
		return
	}
	of.duration.Observe(took.Seconds())
}

// timed measures what answers for a public document.
func (h *Handler) timed(document string, serve func(http.ResponseWriter, *http.Request, tenant)) func(http.ResponseWriter, *http.Request, tenant) {
	byStatus := map[int]prometheus.Observer{}
	for status, label := range map[int]string{http.StatusOK: "200", http.StatusNotModified: "304", http.StatusServiceUnavailable: "503"} {
		byStatus[status] = h.metrics.documents.WithLabelValues(document, label)
	}
	return func(w http.ResponseWriter, r *http.Request, at tenant) {
		start, answer := h.config.Now(), &statusWriter{ResponseWriter: w}
		serve(answer, r, at)
		if of, ok := byStatus[answer.status]; ok {
			of.Observe(h.config.Now().Sub(start).Seconds())
		}
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
