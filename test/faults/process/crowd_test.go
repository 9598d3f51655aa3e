package process

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/openloop"
)

const (
	// mostCrowdRate is how many right requests a second go on beside a crowd, and crowdCosts how many times as long as without it
	// they may take: see affordable and atMost.
	mostCrowdRate, crowdCosts = 200, 2
	// kept is how many connections those requests use.
	kept = 15
	// mayRemain is which part of what a crowd took the process may still occupy after it. Of a small crowd it may be
	// mayRemainAnyway: so much the runtime takes and gives back by itself.
	mayRemain, mayRemainAnyway = 0.2, 10 << 20
	// crowdForgotten is how long it may take until the rest is given back: the runtime takes its time.
	crowdForgotten = 2 * time.Minute
)

// withstands lets a crowd come, which returns when it has gone. Right requests go on beside it: all of them get a token, and
// they take at most twice as long as without, at the 99th percentile. Afterwards the process has closed what it had opened
// for the crowd, and given the memory back. What the right requests themselves take in all that time, such as the memory of
// used assertions, is no part of that: a twin of the process, which gets as many of them and no crowd, shows it.
func (s *server) withstands(t *testing.T, crowd func()) {
	t.Helper()
	s.client = newClient(t, kept)
	crowdRate := s.affordable(2*mostCrowdRate) / 2 // The twin gets as many.
	twin := s.start(nil)
	twinLoad := twin.load(crowdRate)
	s.flawless("first", s.loadFor(crowdRate, 5*time.Second))
	files := s.openFiles()
	s.atMost(t, crowdCosts, func() openloop.Report { return s.flawless("alone", s.loadFor(crowdRate, 5*time.Second)) }, func() openloop.Report {
		load := s.load(crowdRate)
		crowd()
		return s.flawless("beside the crowd", load)
	})
	within(t, 5*time.Second, "what was opened for the crowd is closed", func() error {
		if n := s.openFiles(); n > files+kept {
			return fmt.Errorf("%d files are open, before there were %d", n, files)
		}
		return nil
	})
	took := s.mostMemory() - twin.mostMemory() // A small crowd may be lost in what the two differ by in any case.
	may := max(int64(mayRemain*float64(took)), mayRemainAnyway)
	load, began := s.load(crowdRate), time.Now()
	within(t, crowdForgotten, "the memory is given back", func() error {
		if time.Since(began) < time.Second { // Hardly anybody has asked yet.
			return errors.New("the load has just begun")
		}
		if now, without := s.memory(), twin.memory(); now-without > may {
			return fmt.Errorf("the process occupies %d MiB, and %d MiB without a crowd, which took %d MiB at most", now>>20, without>>20, took>>20)
		}
		return nil
	})
	t.Logf("memory: the crowd took %d MiB at most; now %d MiB, and %d MiB without it", took>>20, s.memory()>>20, twin.memory()>>20)
	s.flawless("after the crowd", load)
	twin.flawless("without a crowd", twinLoad)
	s.alive()
}

// memory is how much the process occupies.
func (s *server) memory() int64 {
	s.t.Helper()
	n, err := s.ResidentBytes()
	try(s.t, err)
	return n
}

// openFiles counts the descriptors of the process.
func (s *server) openFiles() int {
	s.t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid()))
	try(s.t, err)
	return len(files)
}
