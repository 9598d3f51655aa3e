package process

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

// TestF35MemoryLimit: 500 requests per second, as far as the machine can do that, of 1,000 clients, with 1,000 connections open,
// where the process is told a limit of 128 MiB as its Deployment tells it. The kernel's own count of the most that it ever
// occupied stays below that, so that a container with that limit is not killed; and the garbage collector does not eat up the
// processor instead.
func TestF35MemoryLimit(t *testing.T) {
	const limit, clients, connections, collecting = 128 << 20, 1000, 1000, 0.3
	site := newSite(t)
	var objects []object
	for i := range clients {
		objects = append(objects, site.oauthClient(fmt.Sprint("client-", i))...)
	}
	site.declare("clients", objects...)
	s := site.start(func(l *harness.Launch) { l.Env = []string{fmt.Sprint("GOMEMLIMIT=", limit)} })
	rate := s.affordable(500)
	s.open(connections)
	load := openloop.Start(t.Context(), rate, func(ctx context.Context, n int) string {
		return s.askAs(ctx, fmt.Sprint("client-", n%clients), s.fresh())
	})
	await(t, memoryFor)
	s.flawless("with a limit of memory", load)
	most := s.mostMemory()
	all, idle := s.metric("go_cpu_classes_total_cpu_seconds_total"), s.metric("go_cpu_classes_idle_cpu_seconds_total")
	collector := s.metric("go_cpu_classes_gc_total_cpu_seconds_total") / (all - idle)
	t.Logf("at most %d MiB, and %.1f %% of the processor time for the garbage collector", most>>20, 100*collector)
	if most > limit {
		t.Errorf("the process has occupied %d MiB", most>>20)
	}
	if collector > collecting {
		t.Errorf("the garbage collector has taken %.0f %% of the processor time", 100*collector)
	}
	s.alive()
}

// mostMemory is the most that the process has occupied so far.
func (s *server) mostMemory() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	try(s.t, err)
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		s.t.Fatal("the kernel does not tell")
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	try(s.t, err)
	return kib << 10
}

// metric reads a metric without labels.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	_, body, err := s.Get(s.t.Context(), "/metrics")
	try(s.t, err)
	for line := range strings.Lines(body) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			try(s.t, err)
			return v
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}
