package state

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/replay"
)

// slot is the grain in which Memory forgets: an entry lives until its slot is over, at most this much longer than it
// must.
const slot = 10 * time.Second

// Memory remembers in this process: for one replica. After a restart it knows nothing of earlier uses, so it refuses
// what may have been used before.
type Memory struct {
	since time.Time

	mu     sync.Mutex
	used   map[[sha256.Size]byte]struct{}
	bySlot map[int64][][sha256.Size]byte
	// oldest is the first slot whose entries are not forgotten.
	oldest int64
}

// NewMemory returns an empty memory that begins at the first full second after now, the grain of iat.
func NewMemory(now time.Time) *Memory {
	since := now.Truncate(time.Second)
	if since.Before(now) {
		since = since.Add(time.Second)
	}
	return &Memory{
		since: since, used: map[[sha256.Size]byte]struct{}{}, bySlot: map[int64][][sha256.Size]byte{}, oldest: slotOf(since),
	}
}

// Since is when the memory begins: assertions made earlier are refused. A server is best not Ready before.
func (m *Memory) Since() time.Time { return m.since }

// Len is the number of entries.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.used)
}

// Consume implements replay.Store.
func (m *Memory) Consume(_ context.Context, use replay.Use, now time.Time) error {
	switch {
	case use.From.IsZero() && use.Proven:
		return replay.ErrBeforeStart
	case !use.From.IsZero() && use.From.Before(m.since):
		return replay.ErrBeforeStart
	}
	until := slotOf(use.Until)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(slotOf(now))
	// When the clock has jumped back, an assertion may be alive again whose entry is gone.
	if until < m.oldest {
		return replay.ErrUsed
	}
	if _, ok := m.used[use.ID]; ok {
		return replay.ErrUsed
	}
	m.used[use.ID] = struct{}{}
	m.bySlot[until] = append(m.bySlot[until], use.ID)
	return nil
}

// forget drops the entries of all slots before the current one. Its cost is that of what it drops, plus one step per
// slot that has passed while there was anything to remember: a clock that starts in 1970 is set right in one step.
func (m *Memory) forget(current int64) {
	for ; m.oldest < current && len(m.used) > 0; m.oldest++ {
		for _, id := range m.bySlot[m.oldest] {
			delete(m.used, id)
		}
		delete(m.bySlot, m.oldest)
	}
	m.oldest = max(m.oldest, current)
}

func slotOf(t time.Time) int64 { return t.Unix() / int64(slot/time.Second) }
