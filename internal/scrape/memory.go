package scrape

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"
)

const (
	// memorySpan is how long a permission counts after it was found: so much later, taking it away takes effect.
	memorySpan = time.Minute
	// memorySize is how many tokens are remembered; there are no more than a few Prometheus.
	memorySize = 256
)

// memory holds which tokens were let through, by their digests.
type memory struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newMemory() *memory { return &memory{until: map[[sha256.Size]byte]time.Time{}} }

func (m *memory) has(token string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.until[sha256.Sum256([]byte(token))])
}

// add remembers a token, unless there are too many that still count: it is then asked about each time.
func (m *memory) add(token string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.until, func(_ [sha256.Size]byte, until time.Time) bool { return !now.Before(until) })
	if len(m.until) < memorySize {
		m.until[sha256.Sum256([]byte(token))] = now.Add(memorySpan)
	}
}
