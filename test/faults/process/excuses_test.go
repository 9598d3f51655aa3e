//go:build faults

package process

import (
	"sync"
	"time"
)

// afterwards is for how long a fault excuses what goes wrong when it is over.
const afterwards = 5 * time.Second

// excuses are what faults have hit, and until when.
type excuses struct {
	mu    sync.Mutex
	until map[string]time.Time
	last  string
}

func (e *excuses) begin(b breakage) { e.set(b, time.Now().Add(24*time.Hour)) }

func (e *excuses) end(b breakage) { e.set(b, time.Now().Add(afterwards)) }

func (e *excuses) set(b breakage, until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.until == nil {
		e.until = map[string]time.Time{}
	}
	e.until[b.hits], e.last = until, b.name
}

// latest is the name of the fault that came last.
func (e *excuses) latest() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// of reports whether a fault has excused what was sent then, or what came of it by now.
func (e *excuses) of(hit string, sent time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return sent.Before(e.until[hit])
}
