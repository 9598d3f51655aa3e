package state

import (
	"context"
	"sync"
	"time"
)

// Memory remembers in this process: for one replica. After a restart it knows nothing of what was before, so it refuses
// what may have been used or revoked before.
type Memory struct {
	since time.Time

	mu       sync.Mutex
	used     table[struct{}]
	families table[family]
	// lost is the latest end of a revocation that is forgotten: no earlier time can be judged any more.
	lost instant
}

// family is a family of refresh tokens, or an id of anything else that is revoked.
type family struct {
	// next is the number of the one refresh token that may be used. It is wider than a number, so that none comes again.
	next    uint64
	revoked bool
}

// NewMemory returns an empty memory that begins at the first full second after now, the grain of iat.
func NewMemory(now time.Time) *Memory {
	since := fullSecond(now)
	return &Memory{since: since, used: newTable[struct{}](since), families: newTable[family](since)}
}

// fullSecond is the first full second that is not before t.
func fullSecond(t time.Time) time.Time {
	if full := t.Truncate(time.Second); full.Before(t) {
		return full.Add(time.Second)
	}
	return t
}

// Since is when the memory begins: what was made earlier is refused. A server is best not Ready before.
func (m *Memory) Since() time.Time { return m.since }

// Len is the number of entries.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.used.entries) + len(m.families.entries)
}

// Consume records a [Use].
func (m *Memory) Consume(_ context.Context, use Use, now time.Time) error {
	switch {
	case use.From.IsZero() && use.Proven:
		return ErrBeforeStart
	case !use.From.IsZero() && use.From.Before(m.since):
		return ErrBeforeStart
	}
	end := endOf(use.Until) - span(use.Skew) + span(MaxSkew)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.forget(instantOf(now), func(entry[struct{}]) {})
	if instantOf(now) >= endOf(use.Until) || m.used.forgotten(end) {
		return ErrUsed
	}
	if e, ok := m.used.entries[use.ID]; ok {
		// Another assertion may have the jti of one that is over, but must not shorten what is remembered.
		if over := e.end - span(MaxSkew) + span(use.Skew); instantOf(now) < over || end <= e.end {
			return ErrUsed
		}
	}
	m.used.put(use.ID, end, struct{}{})
	return nil
}

// Advance records a [Step].
func (m *Memory) Advance(_ context.Context, step Step, now time.Time) error {
	if step.Issued.Before(m.since) {
		return ErrBeforeStart
	}
	number := uint64(step.Number)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	f := m.families.entries[step.Family]
	end := max(endOf(step.Until), f.end)
	switch {
	case instantOf(now) >= end, m.families.forgotten(end):
		return ErrBeforeStart
	case f.value.revoked:
		return ErrRevoked
	case number > f.value.next:
		return ErrBeforeStart
	case number < f.value.next:
		f.value.revoked = true
		m.families.put(step.Family, end, f.value)
		return ErrReused
	}
	m.families.put(step.Family, end, family{next: number + 1})
	return nil
}

// Revoke records a [Revocation].
func (m *Memory) Revoke(_ context.Context, r Revocation, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	f := m.families.entries[r.ID]
	f.value.revoked = true
	// When the clock has jumped back, the end may be in a slot that is forgotten already: then the first that is not.
	end := max(endOf(r.Until), f.end, instant(m.families.oldest*slot.Microseconds()))
	m.families.put(r.ID, end, f.value)
	return nil
}

// Revoked reports whether any of the ids is revoked, all of something that was issued then: see [Revocation].
func (m *Memory) Revoked(_ context.Context, issued time.Time, ids []ID, now time.Time) (bool, error) {
	if issued.Before(m.since) {
		return true, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	if instantOf(now) < m.lost {
		return true, nil
	}
	for _, id := range ids {
		if m.families.entries[id].value.revoked {
			return true, nil
		}
	}
	return false, nil
}

func (m *Memory) forget(now time.Time) {
	m.families.forget(instantOf(now), func(f entry[family]) {
		if f.value.revoked {
			m.lost = max(m.lost, f.end)
		}
	})
}
