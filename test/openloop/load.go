package openloop

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Load sends at a fixed rate, whether or not what was sent before has been answered: so a stall is seen as what it is to
// those who wait.
type Load struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	report Report
}

// Report is what came of a load.
type Report struct {
	// Sent is how many requests were due.
	Sent int
	// Outcomes counts the answers.
	Outcomes map[string]int
	// Latencies are sorted, each from the time at which the request was due.
	Latencies []time.Duration
}

// Start calls shoot so many times per second, each call on a goroutine of its own, until Stop. n counts the calls; what
// shoot returns names the outcome.
func Start(ctx context.Context, perSecond int, shoot func(ctx context.Context, n int) string) *Load {
	sending, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel, done: make(chan struct{}), report: Report{Outcomes: map[string]int{}}}
	go func() {
		defer close(l.done)
		var calls sync.WaitGroup
		defer calls.Wait()
		begin, timer := time.Now(), time.NewTimer(0)
		defer timer.Stop()
		for n := 0; ; n++ {
			due := begin.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
			timer.Reset(time.Until(due))
			select {
			case <-sending.Done():
				return
			case <-timer.C:
			}
			calls.Go(func() { l.count(shoot(ctx, n), due) })
		}
	}()
	return l
}

func (l *Load) count(outcome string, due time.Time) {
	took := time.Since(due)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Outcomes[outcome]++
	l.report.Latencies = append(l.report.Latencies, took)
}

// Stop ends the sending, waits for what is under way, and reports.
func (l *Load) Stop() Report {
	l.cancel()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Sent = len(l.report.Latencies)
	slices.Sort(l.report.Latencies)
	return l.report
}

// Other counts the outcomes that are none of those named.
func (r Report) Other(named ...string) (n int) {
	for outcome, count := range r.Outcomes {
		if !slices.Contains(named, outcome) {
			n += count
		}
	}
	return n
}

// Quantile is the latency that the given part of the requests did not exceed, 0 without requests.
func (r Report) Quantile(part float64) time.Duration { return Quantile(r.Latencies, part) }

// String tells the outcomes and the latencies.
func (r Report) String() string {
	var outcomes []string
	for _, outcome := range slices.Sorted(maps.Keys(r.Outcomes)) {
		outcomes = append(outcomes, fmt.Sprintf("%s: %d", outcome, r.Outcomes[outcome]))
	}
	return fmt.Sprintf("%d requests (%s), p50 %s, p99 %s, max %s", r.Sent, strings.Join(outcomes, ", "),
		r.Quantile(0.5).Round(time.Microsecond*100), r.Quantile(0.99).Round(time.Microsecond*100), r.Quantile(1).Round(time.Microsecond*100))
}

// Quantile is the value of a sorted list that the given part of it does not exceed, 0 of an empty list.
func Quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
