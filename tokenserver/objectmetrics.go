package tokenserver

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// objectCounter counts requests by the object that they are about. The number of its series is that of objects that somebody
// has declared and used: one that is gone loses its own.
type objectCounter struct {
	desc   *prometheus.Desc
	exists func(trust.ObjectKey) bool

	mu     sync.RWMutex
	counts map[trust.ObjectKey]*objectCounts
}

type objectCounts struct{ granted, refused atomic.Uint64 }

func newObjectCounter(name, help string, exists func(trust.ObjectKey) bool) *objectCounter {
	return &objectCounter{
		desc:   prometheus.NewDesc(name, help, []string{"namespace", "name", "outcome"}, nil),
		exists: exists, counts: map[trust.ObjectKey]*objectCounts{},
	}
}

// count allocates only for the first request that is about an object.
func (c *objectCounter) count(k trust.ObjectKey, granted bool) {
	c.mu.RLock()
	of, ok := c.counts[k]
	c.mu.RUnlock()
	if !ok {
		of = c.add(k)
	}
	if granted {
		of.granted.Add(1)
	} else {
		of.refused.Add(1)
	}
}

func (c *objectCounter) add(k trust.ObjectKey) *objectCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, ok := c.counts[k]
	if !ok {
		of = &objectCounts{}
		c.counts[k] = of
	}
	return of
}

// Describe implements [prometheus.Collector].
func (c *objectCounter) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements [prometheus.Collector].
func (c *objectCounter) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, of := range c.counts {
		if !c.exists(k) {
			delete(c.counts, k)
			continue
		}
		for outcome, n := range map[string]uint64{"granted": of.granted.Load(), "refused": of.refused.Load()} {
			ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), k.Namespace, k.Name, outcome)
		}
	}
}
