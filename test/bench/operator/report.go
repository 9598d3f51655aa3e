package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is everything that was found, by size, the largest last.
type report struct {
	machine string
	sizes   []figures
}

// table is a part of the page.
type table struct{ name, text string }

// tables are those of the page.
func (r report) tables() []table {
	return []table{
		{"machine", r.machine + "\n"},
		{"targets", targetTable(r.checks())},
		{"sizes", r.sizeTable()},
		{"requests", r.requestTable()},
	}
}

// updatePage replaces the tables of a page, each between its two comments.
func updatePage(file string, tables []table) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	for _, t := range tables {
		begin, end := []byte("<!-- bench-operator:"+t.name+" -->\n"), []byte("<!-- /bench-operator:"+t.name+" -->\n")
		before, rest, found := bytes.Cut(page, begin)
		_, after, closed := bytes.Cut(rest, end)
		if !found || !closed {
			return fmt.Errorf("update page: %s has no place for the table %s", file, t.name)
		}
		page = bytes.Join([][]byte{before, begin, []byte(t.text), end, after}, nil)
	}
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// describeMachine says what everything ran on, and what else ran there.
func describeMachine() string {
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Fields(string(text))[0]
	}
	return fmt.Sprintf("Measured on %d cores (%s/%s, %s), which the API server, etcd and the program that measures use as well. "+
		"The load average was %s before it began.", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}

func targetTable(checks []check) string {
	var b strings.Builder
	b.WriteString("| What | Target | Measured | |\n|---|---|---|---|\n")
	for _, c := range checks {
		verdict := "met"
		switch {
		case c.target == "":
			verdict = ""
		case !c.met:
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, c.target, c.measured, verdict)
	}
	return b.String()
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
	row("IdentityProviders + OAuthClients", func(f figures) string { return count(f.size.providers) + " + " + count(f.size.clients) })
	b.WriteString("|---|" + strings.Repeat("---|", len(r.sizes)) + "\n")
	row("Namespaces", func(f figures) string { return count(f.size.namespaces()) })
	row("Create everything", func(f figures) string { return span(f.create) })
	row("Database of etcd afterwards", func(f figures) string { return mebibytes(f.stored) })
	row("Every object Ready, from nothing", func(f figures) string { return span(f.resolve) })
	row("Status writes for that, per object", func(f figures) string {
		return fmt.Sprintf("%.2f", float64(f.statusWrites())/float64(max(1, f.size.providers+f.size.clients)))
	})
	row("CPU for that, per object: API server / etcd / operator / all token servers", func(f figures) string { return f.perObject(f.resolveCPU) })
	row("Operator, memory after that (peak)", func(f figures) string { return f.operatorAfter.String() })
	row("Token server, memory after that (peak)", func(f figures) string { return f.serverAfter.String() })
	row("Token server restarts, until Ready", func(f figures) string { return span(f.serverStart) })
	row("Token server, memory when Ready (peak)", func(f figures) string { return f.serverFresh.String() })
	row("Operator restarts, until every object was visited", func(f figures) string { return span(f.operatorStart) })
	row("CPU for that, per object: API server / etcd / operator / all token servers", func(f figures) string { return f.perObject(f.operatorStartCPU) })
	row("Operator, memory after that (peak)", func(f figures) string { return f.operatorFresh.String() })
	row("Policy change in effect: p50 / p99 / max", func(f figures) string { return f.policy.String() })
	row("Identity change in effect: p50 / p99 / max", func(f figures) string { return f.identity.String() })
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

// String is what a process holds, and its peak.
func (m memory) String() string { return mebibytes(m.now) + " (" + mebibytes(m.peak) + ")" }

// String is the median, the 99th percentile and the slowest.
func (d durations) String() string {
	return strings.Join([]string{millis(d.median()), millis(d.quantile(0.99)), millis(d.quantile(1))}, " / ")
}

// spread is the median of batches, and the range in which all of them are.
func spread(d durations) string {
	return fmt.Sprintf("%d µs (%d to %d)", d.median().Microseconds(), d.quantile(0).Microseconds(), d.quantile(1).Microseconds())
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

func millis(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// span is a time that a person waits for.
func span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

// count writes a number with commas.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}
