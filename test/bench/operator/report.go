package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// report is everything that was found, by size, the largest last.
type report struct {
	machine string
	sizes   []figures
}

// tables are those of the page.
func (r report) tables() []measure.Table {
	return []measure.Table{
		{Name: "machine", Text: r.machine + "\n"},
		{Name: "targets", Text: measure.TargetTable(r.checks())},
		{Name: "sizes", Text: r.sizeTable()},
		{Name: "requests", Text: r.requestTable()},
	}
}

// describeMachine says what everything ran on, and what else ran there.
func describeMachine() string {
	return fmt.Sprintf("Measured on %s, which the API server, etcd and the program that measures use as well. "+
		"The load average was %s before it began.", measure.Machine(), measure.LoadAverage())
}

func (r report) sizeTable() string {
	var b strings.Builder
	row := func(name string, cell func(figures) string) {
		b.WriteString("| " + name + " |")
		for _, f := range r.sizes {
			b.WriteString(" " + cell(f) + " |")
		}
		b.WriteString("\n")
	}
	row("IdentityProviders + OAuthClients", func(f figures) string { return measure.Count(f.size.providers) + " + " + measure.Count(f.size.clients) })
	b.WriteString("|---|" + strings.Repeat("---|", len(r.sizes)) + "\n")
	row("Namespaces", func(f figures) string { return measure.Count(f.size.namespaces()) })
	row("Create everything", func(f figures) string { return measure.Span(f.create) })
	row("Database of etcd afterwards", func(f figures) string { return measure.MiB(f.stored) })
	row("Every object Ready, from nothing", func(f figures) string { return measure.Span(f.resolve) })
	row("Status writes for that, per object", func(f figures) string {
		return fmt.Sprintf("%.2f", float64(f.statusWrites())/float64(max(1, f.size.providers+f.size.clients)))
	})
	row("CPU for that, per object: API server / etcd / operator / all token servers", func(f figures) string { return f.perObject(f.resolveCPU) })
	row("Operator, memory after that (peak)", func(f figures) string { return f.operatorAfter.String() })
	row("Token server, memory after that (peak)", func(f figures) string { return f.serverAfter.String() })
	row("Token server restarts, until Ready", func(f figures) string { return measure.Span(f.serverStart) })
	row("Token server, memory when Ready (peak)", func(f figures) string { return f.serverFresh.String() })
	row("Operator restarts, until every object was visited", func(f figures) string { return measure.Span(f.operatorStart) })
	row("CPU for that, per object: API server / etcd / operator / all token servers", func(f figures) string { return f.perObject(f.operatorStartCPU) })
	row("Operator, memory after that (peak)", func(f figures) string { return f.operatorFresh.String() })
	row("Policy change in effect: p50 / p99 / max", func(f figures) string { return latency(f.policy) })
	row("Identity change in effect: p50 / p99 / max", func(f figures) string { return latency(f.identity) })
	if r.costed() {
		row("Operator, CPU per policy change", func(f figures) string { return spread(f.policyCost.operator) })
		row("Operator, CPU per identity change", func(f figures) string { return spread(f.identityCost.operator) })
		row("Token server, CPU per policy change", func(f figures) string { return spread(f.policyCost.server) })
		row("Token server, CPU per identity change", func(f figures) string { return spread(f.identityCost.server) })
		row("Idle: operator, token server, of one core", func(f figures) string {
			return fmt.Sprintf("%.2f %%, %.2f %%", 100*f.idle.operator.Seconds(), 100*f.idle.server.Seconds())
		})
	}
	return b.String()
}

func (r report) requestTable() string {
	f := r.full()
	return fmt.Sprintf("| During | Requests that the API server answered |\n|---|---|\n| resolving everything from nothing | %s |\n"+
		"| restarts of %s | %s |\n| restart of the operator | %s |\n", f.written.list(), "all token servers, one after the other", f.serverRequests.list(), f.operatorRequests.list())
}

// full is the largest size.
func (r report) full() figures { return r.sizes[len(r.sizes)-1] }

// costed reports whether the cost of changes was measured.
func (r report) costed() bool { return len(r.full().policyCost.operator) > 0 }

func (f figures) statusWrites() (sum int) {
	for sort, n := range f.written {
		if sort.isWrite() && sort.subresource == "status" && strings.HasPrefix(sort.group, "grantor.") {
			sum += n
		}
	}
	return sum
}

// perObject divides what processes used by the number of objects.
func (f figures) perObject(used map[string]time.Duration) string {
	objects := time.Duration(max(1, f.size.providers+f.size.clients))
	var parts []string
	for _, name := range []string{apiServerProgram, etcdProgram, operatorRole, serverRole} {
		parts = append(parts, fmt.Sprintf("%.2f", (used[name]/objects).Seconds()*1000))
	}
	return strings.Join(parts, " / ") + " ms"
}

// latency is the median, the 99th percentile and the slowest.
func latency(d durations) string {
	return strings.Join([]string{measure.Millis(d.Median()), measure.Millis(d.Quantile(0.99)), measure.Millis(d.Quantile(1))}, " / ")
}

// spread is the median of batches, and the range in which all of them are.
func spread(d durations) string {
	return fmt.Sprintf("%d µs (%d to %d)", d.Median().Microseconds(), d.Quantile(0).Microseconds(), d.Quantile(1).Microseconds())
}
