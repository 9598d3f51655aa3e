package main

import (
	"context"
	"net/http"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// allocationExchanges is how many exchanges it is counted over what one allocates.
const allocationExchanges = 2_000

// countAllocations asks as one client, first of all. There are series of metrics for each client that has asked: with more of them
// from one time to the next, a server allocates more to tell what it has allocated, and with very many that drowns what it tells.
func (s *stage) countAllocations(ctx context.Context, f *field) error {
	for _, c := range f.contenders {
		requests, used := c.requests, c.used
		if requests != f.one {
			c.requests, c.used = f.one, 0
		}
		if err := f.one.ensure(ctx, c.used+allocationExchanges); err != nil {
			return err
		}
		if err := c.countAllocations(ctx); err != nil {
			return err
		}
		if requests != f.one {
			c.requests, c.used = requests, used
		}
	}
	return nil
}

func (c *contender) countAllocations(ctx context.Context) error {
	// The first of them makes what is made but once.
	if _, err := c.closed(ctx, connections, allocationExchanges/4, startTimeout); err != nil {
		return err
	}
	before, err := c.allocated(ctx)
	if err != nil {
		return err
	}
	r, err := c.closed(ctx, connections, allocationExchanges/2, startTimeout)
	if err != nil {
		return err
	}
	after, err := c.allocated(ctx)
	if err != nil {
		return err
	}
	again, err := c.allocated(ctx) // What it allocates to tell is no part of it.
	if err != nil {
		return err
	}
	n := float64(r.Answers)
	c.figures.mallocs = (after.mallocs - before.mallocs - (again.mallocs - after.mallocs)) / n
	c.figures.bytes = (after.bytes - before.bytes - (again.bytes - after.bytes)) / n
	return nil
}

// allocated is what a process has allocated since it began.
type allocated struct{ mallocs, bytes float64 }

func (c *contender) allocated(ctx context.Context) (a allocated, err error) {
	const mallocs, bytes = "go_memstats_mallocs_total", "go_memstats_alloc_bytes_total"
	found, err := measure.Scrape(ctx, http.DefaultClient, c.process.OpsURL+"/metrics", mallocs, bytes)
	return allocated{found.Sum(mallocs), found.Sum(bytes)}, err
}
