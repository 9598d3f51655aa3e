package traffic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Bounds of what is asked and kept.
const (
	// MaxSamples are kept: half an hour of them at the default interval.
	MaxSamples  = 120
	maxReplicas = 64
	// atOnce is how many token servers are asked at a time.
	atOnce = 8
	// secondLook follows soon on the first, for there is nothing to show before it.
	secondLook = 2 * time.Second
)

// Resolver finds the addresses of a host; net.DefaultResolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are what a Collector needs.
type Options struct {
	// URLs are those of /metrics. Behind each address of a URL's host is a replica.
	URLs []string
	// Token returns what to present as a bearer token, or nothing.
	Token func() (string, error)
	// Client speaks to the replicas: see NewClient.
	Client   *http.Client
	Resolver Resolver
	Interval time.Duration
	Clock    func() time.Time
}

// Replica is one token server.
type Replica struct {
	// URL is where it was asked, Address the address behind its host.
	URL, Address string
	// Err is why it could not be asked the last time, nil where it could.
	Err error
	// Heard is when it answered last; zero for never.
	Heard time.Time
	// Ready, Providers and Clients are what it said of its trust store.
	Ready              bool
	Providers, Clients int
}

// Report is what the collector knows.
type Report struct {
	// Samples are in the order of time.
	Samples []Sample
	// Replicas are those that the last look found, in the order of URL and address.
	Replicas []Replica
	// Errs are hosts that could not be resolved.
	Errs []error
	// URLs is how many are asked; with none, there will never be anything.
	URLs     int
	Interval time.Duration
	// Looked is when the last look ended; zero before the first.
	Looked time.Time
}

// Collector asks token servers for their metrics.
type Collector struct {
	options Options

	mu     sync.Mutex
	report Report
	// last are the counters of the last look, by URL and address.
	last map[target]*counters
}

// target is where a replica is asked.
type target struct{ url, address string }

// New returns a collector that knows nothing yet. An error says which URL is wrong.
func New(o Options) (*Collector, error) {
	for _, text := range o.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" {
			return nil, fmt.Errorf("%q is no URL of metrics: it must be http:// or https:// with a host", text)
		}
	}
	return &Collector{options: o, report: Report{URLs: len(o.URLs), Interval: o.Interval}, last: map[target]*counters{}}, nil
}

// Run looks at the token servers, now and then again, until the context ends.
func (c *Collector) Run(ctx context.Context) error {
	if len(c.options.URLs) == 0 {
		<-ctx.Done()
		return nil
	}
	// From the end of a look to the next: two in a row after a slow one would make a rate of what came between.
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := min(secondLook, c.options.Interval); ; next = c.options.Interval {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		c.Look(ctx)
		timer.Reset(next)
	}
}

// Report returns what is known. The caller must not change it.
func (c *Collector) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.report
	r.Samples = slices.Clone(r.Samples)
	return r
}

// Look asks every token server once.
func (c *Collector) Look(ctx context.Context) {
	targets, errs := c.resolve(ctx)
	found := make([]*counters, len(targets))
	failures := make([]error, len(targets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, t := range targets {
		group.Go(func() error {
			found[i], failures[i] = c.scrape(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // no part of it returns an error
	c.record(targets, found, failures, errs)
}

func (c *Collector) record(targets []target, found []*counters, failures, errs []error) {
	now := c.options.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	before := map[target]Replica{}
	for _, r := range c.report.Replicas {
		before[target{r.URL, r.Address}] = r
	}
	sample := Sample{At: now, Took: now.Sub(c.report.Looked), Refused: map[string]float64{}, buckets: map[float64]float64{}, Missing: len(errs)}
	replicas := make([]Replica, 0, len(targets))
	next := map[target]*counters{}
	for i, t := range targets {
		r := before[t]
		r.URL, r.Address, r.Err = t.url, t.address, failures[i]
		if now := found[i]; now != nil {
			next[t] = now
			r.Heard, r.Ready, r.Providers, r.Clients = sample.At, now.ready, now.providers, now.clients
			// What a replica counted before it was first heard, or while it could not be, belongs to no sample.
			if last := c.last[t]; last != nil {
				sample.add(last, now)
			}
		} else {
			sample.Missing++
		}
		replicas = append(replicas, r)
	}
	if !c.report.Looked.IsZero() {
		c.report.Samples = append(c.report.Samples, sample)
		c.report.Samples = c.report.Samples[max(0, len(c.report.Samples)-MaxSamples):]
	}
	c.last, c.report.Replicas, c.report.Errs, c.report.Looked = next, replicas, errs, now
}

// resolve returns every address of every URL.
func (c *Collector) resolve(ctx context.Context) (targets []target, errs []error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for _, text := range c.options.URLs {
		u, err := url.Parse(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		addresses, err := c.options.Resolver.LookupNetIP(ctx, "ip", u.Hostname())
		if err != nil {
			errs = append(errs, fmt.Errorf("find %s: %w", u.Hostname(), err))
			continue
		}
		unique := map[string]bool{}
		for _, a := range addresses {
			unique[net.JoinHostPort(a.Unmap().String(), port)] = true
		}
		for _, address := range slices.Sorted(maps.Keys(unique)) {
			targets = append(targets, target{text, address})
		}
	}
	if len(targets) > maxReplicas {
		errs = append(errs, errors.New("there are more token servers than are asked"))
		targets = targets[:maxReplicas]
	}
	return targets, errs
}
