package harness

import (
	"errors"
	"testing"
	"time"
)

// TestStalls: of the time that passes, what the process did not run is subtracted, to its end; and nothing else.
func TestStalls(t *testing.T) {
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		runs []time.Duration // since the first run
		took time.Duration   // from 2 ms on
		want time.Duration
	}{
		"as it should":             {[]time.Duration{5 * ms, 10 * ms, 15 * ms}, 16 * ms, 16 * ms},
		"slightly late":            {[]time.Duration{6 * ms, 13 * ms, 20 * ms}, 20 * ms, 20 * ms},
		"late once":                {[]time.Duration{105 * ms, 110 * ms}, 110 * ms, 10 * ms},
		"late each time":           {[]time.Duration{50 * ms, 100 * ms, 150 * ms}, 150 * ms, 15 * ms},
		"late still":               {[]time.Duration{5 * ms}, 208 * ms, 8 * ms},
		"late, and then something": {[]time.Duration{105 * ms, 110 * ms, 115 * ms, 120 * ms, 125 * ms, 130 * ms}, 130 * ms, 30 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
			s := &Stalls{}
			s.due = begin
			s.run(begin)
			now := begin.Add(2 * ms)
			took := s.stopwatch(func() time.Time { return now })
			for _, after := range tc.runs {
				s.run(begin.Add(after))
			}
			now = now.Add(tc.took)
			if got := took(); got != tc.want {
				t.Errorf("it took %s, want %s", got, tc.want)
			}
		})
	}
}

// TestStallsOfThisProcess: what watches lives, and does not take time itself for a stall.
func TestStallsOfThisProcess(t *testing.T) {
	const wait = 100 * time.Millisecond
	s := WatchStalls(t.Context())
	begin, took := time.Now(), s.Stopwatch()
	<-time.After(wait)
	if net, passed := took(), time.Since(begin); net < wait/10 && passed < 2*wait || net > passed {
		t.Errorf("of %s, %s are counted", passed, net)
	}
	if err := Poll(t.Context(), 10*time.Second, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.due.After(begin.Add(wait)) {
			return errors.New("nobody watches")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
