package harness

import (
	"context"
	"sync"
	"time"
)

const (
	// stallInterval is how often a Stalls wants to run.
	stallInterval = 5 * time.Millisecond
	// punctual is how late that may be on a machine that has nothing else to do.
	punctual = 2 * time.Millisecond
)

// Stalls tells for how long the machine did not let this process run when it was to run. A test that judges how long
// something takes subtracts that: what others keep the machine busy with is no delay of what is tested. It forgives nothing
// on a machine that is idle, however slow what is tested is.
type Stalls struct {
	mu   sync.Mutex
	due  time.Time
	late time.Duration
}

// WatchStalls begins to watch, until the context ends.
func WatchStalls(ctx context.Context) *Stalls {
	s := &Stalls{due: time.Now().Add(stallInterval)}
	go func() {
		timer := time.NewTimer(stallInterval)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
				s.run(time.Now())
				timer.Reset(stallInterval)
			}
		}
	}()
	return s
}

// run says that the process runs.
func (s *Stalls) run(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late += lateness(s.due, now)
	s.due = now.Add(stallInterval)
}

// total is for how long it has not run so far.
func (s *Stalls) total(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late + lateness(s.due, now)
}

func lateness(due, now time.Time) time.Duration {
	if late := now.Sub(due); late > punctual {
		return late
	}
	return 0
}

// Stopwatch starts to measure. What it returns says how long it has been since, without stalls.
func (s *Stalls) Stopwatch() func() time.Duration { return s.stopwatch(time.Now) }

func (s *Stalls) stopwatch(now func() time.Time) func() time.Duration {
	begin := now()
	before := s.total(begin)
	return func() time.Duration {
		end := now()
		return max(0, end.Sub(begin)-(s.total(end)-before))
	}
}
