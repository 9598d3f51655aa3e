package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// report is everything that was found.
type report struct {
	machine string
	world   world
	smoke   bool
	// fields are those of the pairs, in their order.
	fields []*field
	// scaling is what two cores do, in exchanges of one.
	scaling measure.Series[float64]
}

// tables are those of the page.
func (r report) tables() []measure.Table {
	return []measure.Table{
		{Name: "machine", Text: r.machine + "\n"},
		{Name: "targets", Text: measure.TargetTable(r.checks())},
		{Name: "exchanges", Text: r.exchangeTables()},
		{Name: "transports", Text: r.transportTable()},
	}
}

// describeMachine says what everything ran on, how it was shared, and what else ran there.
func (s *stage) describeMachine() string {
	where := fmt.Sprintf("the server on core %s alone, with `GOMAXPROCS=1`, the load and Redis on %s", s.cores.server, s.cores.rest)
	if s.cores.count == 1 {
		where = "the server and the load on the same core"
	}
	return fmt.Sprintf("Measured on %s, %s. The load average was %s before it began.\n%s providers and %s clients; rounds: %d.",
		measure.Machine(), where, measure.LoadAverage(), measure.Count(s.loaded.providers), measure.Count(s.loaded.clients), s.opts.rounds)
}

func (r report) exchangeTables() string {
	var b strings.Builder
	for i, f := range r.fields {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "| %s | CPU | per CPU second | times the floor | allocations | bytes | p50 / p99 / p99.9 |\n|---|---|---|---|---|---|---|\n", f.pair)
		floor := f.of(floorName)
		for _, c := range f.contenders {
			if c.over != 0 {
				continue
			}
			g := c.figures
			fmt.Fprintf(&b, "| %s | %.1f µs | %s | %s | %.0f | %s | %s / %s / %s |\n", c.name, g.cpu.Median(), measure.Count(int(1e6/g.cpu.Median())),
				spread(ratios(c, floor)), g.mallocs, measure.Count(int(g.bytes)),
				micros(g.p50.Median()), micros(g.p99.Median()), micros(g.p999.Median()))
		}
	}
	return b.String()
}

// transportTable compares transports with plain HTTP/1.1.
func (r report) transportTable() string {
	var b strings.Builder
	f := r.fields[0]
	fmt.Fprintf(&b, "| %s, CPU of one exchange | HTTP/1.1 | HTTP/1.1 over TLS 1.3 | HTTP/2 over TLS 1.3 |\n|---|---|---|---|\n", f.pair)
	for _, name := range []string{floorName, smallName} {
		plain := f.of(name)
		fmt.Fprintf(&b, "| %s | %.1f µs |", name, plain.figures.cpu.Median())
		for _, over := range []string{overTLS, overHTTP2} {
			c := f.of(name + over)
			fmt.Fprintf(&b, " %.1f µs, %s times |", c.figures.cpu.Median(), spread(ratios(c, plain)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ratios compares the CPU time of an exchange, round by round.
func ratios(c, with *contender) (all measure.Series[float64]) {
	for round, cpu := range c.figures.cpu {
		all = append(all, cpu/with.figures.cpu[round])
	}
	return all
}

// String is the round that was just measured.
func (c *contender) String() string {
	f := c.figures
	last := len(f.cpu) - 1
	return fmt.Sprintf("%-32s %6.1f µs CPU, %.0f/s, p50 %s, p99 %s (generator late by %s)",
		c.name, f.cpu[last], c.perSecond, micros(f.p50[last]), micros(f.p99[last]), micros(f.late[last]))
}

// spread is the median of rounds, and the range in which all of them are.
func spread(s measure.Series[float64]) string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median(), s.Min(), s.Max())
}

func micros(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
