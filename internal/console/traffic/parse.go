package traffic

import (
	"fmt"
	"io"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The metrics that are read.
const (
	requestsTotal   = "grantor_token_requests_total"
	requestDuration = "grantor_token_request_duration_seconds"
	trustReady      = "grantor_trust_ready"
	trustProviders  = "grantor_trust_providers"
	trustClients    = "grantor_trust_clients"
)

const (
	// granted is the reason that token servers give for a token.
	granted = "ok"
	// Other is the reason for what has no name, or too many.
	Other = "other"

	maxReasons   = 100
	maxReasonLen = 64
	maxBuckets   = 40
)

// counters are what one token server has counted since it started.
type counters struct {
	granted float64
	refused map[string]float64
	// buckets count the requests that took no longer than their bounds.
	buckets            map[float64]float64
	ready              bool
	providers, clients int
}

// parse reads an answer of /metrics. Whoever answers may be anybody: the text is no more trusted than any other.
func parse(r io.Reader) (*counters, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	requests, ok := families[requestsTotal]
	if _, known := families[trustReady]; !known && !ok {
		return nil, fmt.Errorf("read metrics: there is neither %s nor %s: this is no token server", trustReady, requestsTotal)
	}
	c := &counters{refused: map[string]float64{}, buckets: map[float64]float64{}}
	for _, m := range requests.GetMetric() {
		c.count(reasonOf(m), m.GetCounter().GetValue())
	}
	for _, m := range families[requestDuration].GetMetric() {
		for _, b := range m.GetHistogram().GetBucket() {
			if len(c.buckets) < maxBuckets {
				c.buckets[b.GetUpperBound()] += float64(b.GetCumulativeCount())
			}
		}
	}
	c.ready = gauge(families[trustReady]) == 1
	c.providers, c.clients = int(gauge(families[trustProviders])), int(gauge(families[trustClients]))
	return c, nil
}

func (c *counters) count(reason string, value float64) {
	switch _, known := c.refused[reason]; {
	case math.IsNaN(value) || value < 0:
	case reason == granted:
		c.granted += value
	case known || len(c.refused) < maxReasons:
		c.refused[reason] += value
	default:
		c.refused[Other] += value
	}
}

func reasonOf(m *dto.Metric) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == "reason" {
			return plain(l.GetValue())
		}
	}
	return Other
}

// plain returns a reason as token servers write it, or Other.
func plain(reason string) string {
	wrong := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}
	if reason == "" || len(reason) > maxReasonLen || strings.ContainsFunc(reason, wrong) {
		return Other
	}
	return reason
}

func gauge(f *dto.MetricFamily) float64 {
	if len(f.GetMetric()) == 0 {
		return 0
	}
	if v := f.GetMetric()[0].GetGauge().GetValue(); v >= 0 && v < math.MaxInt32 {
		return v
	}
	return 0
}
