package state

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/tokenserver/replay"
)

// slot is the grain in which Memory gives space back: an entry counts until its end, and takes space at most this much
// longer.
const slot = 10 * time.Second

// Memory remembers in this process: for one replica. After a restart it knows nothing of earlier uses, so it refuses
// what may have been used before.
type Memory struct {
	since time.Time

	mu sync.Mutex
	// used holds the end of each entry. Invariant: an entry is in the slot of its end; in earlier slots it may stand too,
	// from an assertion that was over when another one took its id.
	used   map[[sha256.Size]byte]instant
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
		since: since, used: map[[sha256.Size]byte]instant{}, bySlot: map[int64][][sha256.Size]byte{}, oldest: instantOf(since).slot(),
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
	until := instantOf(use.Until.Add(time.Microsecond - 1)) // never too early
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(instantOf(now).slot())
	// When the clock has jumped back, an assertion may be alive again whose entry is gone.
	if until.slot() < m.oldest {
		return replay.ErrUsed
	}
	if end, ok := m.used[use.ID]; ok {
		// Another assertion may have the jti of one that is over, but must not shorten what is remembered.
		if instantOf(now) < end || until <= end {
			return replay.ErrUsed
		}
	}
	m.used[use.ID] = until
	m.bySlot[until.slot()] = append(m.bySlot[until.slot()], use.ID)
	return nil
}

// forget drops the entries of all slots before the current one. Its cost is that of what it drops, plus one step per
// slot that has passed while there was anything to remember: a clock that starts in 1970 is set right in one step.
func (m *Memory) forget(current int64) {
	for ; m.oldest < current && len(m.used) > 0; m.oldest++ {
		for _, id := range m.bySlot[m.oldest] {
			if m.used[id].slot() <= m.oldest {
				delete(m.used, id)
			}
		}
		delete(m.bySlot, m.oldest)
	}
	m.oldest = max(m.oldest, current)
}

// instant is a time in microseconds since 1970, the grain of what assertions say.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMicro()) }

func (i instant) slot() int64 { return int64(i) / slot.Microseconds() }
