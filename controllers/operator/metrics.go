package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/resolve/fetch"
)

// fetchOutcomeOK is the outcome of a fetch that brought keys. Others are the problems of package fetch, and Unusable for
// an answer without usable keys.
const (
	fetchOutcomeOK       = "OK"
	fetchOutcomeUnusable = "Unusable"
)

// collector measures what the cache holds, when it is asked. A name is a label only where something expires: the number of
// series is that of certificates that somebody must renew.
type collector struct {
	// walk visits the objects of a kind, which must not be changed.
	walk    func(kind client.Object, visit func(obj any))
	objects *prometheus.Desc
	expiry  *prometheus.Desc
	fetches *prometheus.CounterVec
}

// newCollector registers what the operator measures.
func newCollector(walk func(client.Object, func(any)), registry prometheus.Registerer) (*collector, error) {
	c := &collector{
		walk: walk,
		objects: prometheus.NewDesc("grantor_objects", "Number of objects by kind and by the reason of their Ready condition.",
			[]string{"kind", "reason"}, nil),
		expiry: prometheus.NewDesc("grantor_key_expiry_timestamp_seconds", "When the first trusted certificate of an object expires.",
			[]string{"kind", "namespace", "name"}, nil),
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grantor_key_fetches_total", Help: "Fetches of remote key sets by outcome: OK, Unusable, or the problem.",
		}, []string{"outcome"}),
	}
	if err := errors.Join(registry.Register(c), registry.Register(c.fetches)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.objects
	ch <- c.expiry
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	counts := map[[2]string]int{}
	for _, o := range c.measured() {
		counts[[2]string{o.kind, o.reason}]++
		if o.expiry != nil {
			ch <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, float64(o.expiry.Unix()), o.kind, o.namespace, o.name)
		}
	}
	for labels, n := range counts {
		ch <- prometheus.MustNewConstMetric(c.objects, prometheus.GaugeValue, float64(n), labels[0], labels[1])
	}
}

// measured is what is measured of one object.
type measured struct {
	kind, namespace, name, reason string
	expiry                        *metav1.Time
}

// measured walks through what is there.
func (c *collector) measured() (all []measured) {
	c.walk(&v1alpha1.IdentityProvider{}, func(obj any) {
		if p, ok := obj.(*v1alpha1.IdentityProvider); ok {
			all = append(all, measured{kindProvider, p.Namespace, p.Name, readyReason(p.Status.Conditions), p.Status.NextKeyExpiry})
		}
	})
	c.walk(&v1alpha1.OAuthClient{}, func(obj any) {
		if o, ok := obj.(*v1alpha1.OAuthClient); ok {
			all = append(all, measured{kindClient, o.Namespace, o.Name, readyReason(o.Status.Conditions), o.Status.NextKeyExpiry})
		}
	})
	return all
}

// walkCache visits the objects of a kind as the cache holds them: a copy of all of them would be most of the memory that
// the operator needs. A cache that is not there yet holds nothing.
func walkCache(objects cache.Cache) func(kind client.Object, visit func(obj any)) {
	return func(kind client.Object, visit func(obj any)) {
		informer, err := objects.GetInformer(context.Background(), kind, cache.BlockUntilSynced(false))
		if err != nil {
			return
		}
		if held, ok := informer.(interface{ GetStore() toolscache.Store }); ok {
			for _, obj := range held.GetStore().List() {
				visit(obj)
			}
		}
	}
}

// readyReason is that of the Ready condition, or Unknown before the first visit.
func readyReason(conditions []metav1.Condition) string {
	if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return "Unknown"
}

// counted counts the outcomes of fetches.
func (c *collector) counted(get func(context.Context, RemoteSource) (Fetched, error)) func(context.Context, RemoteSource) (Fetched, error) {
	return func(ctx context.Context, source RemoteSource) (Fetched, error) {
		fetched, err := get(ctx, source)
		outcome := fetchOutcomeOK
		if failed, ok := errors.AsType[*fetch.Error](err); ok {
			outcome = string(failed.Problem)
		} else if err != nil {
			outcome = fetchOutcomeUnusable
		}
		c.fetches.WithLabelValues(outcome).Inc()
		return fetched, err
	}
}
