package state

import "time"

// slot is the grain in which a table gives space back: an entry counts until its end, and takes space at most this much
// longer.
const slot = 10 * time.Second

// instant is a time in microseconds since 1970, the grain of what assertions say.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMicro()) }

// endOf is the instant of an end: never too early.
func endOf(t time.Time) instant { return instantOf(t.Add(time.Microsecond - 1)) }

// span is a duration in the grain of an instant.
func span(d time.Duration) instant { return instant(d.Microseconds()) }

func (i instant) slot() int64 { return int64(i) / slot.Microseconds() }

// entry is a value and its end.
type entry[V any] struct {
	value V
	end   instant
}

// table holds entries until their ends.
type table[V any] struct {
	// Invariant: an entry is in the slot of its end; in earlier slots it may stand too, from when it had an earlier end.
	entries map[ID]entry[V]
	bySlot  map[int64][]ID
	// oldest is the first slot whose entries are not forgotten.
	oldest int64
}

func newTable[V any](since time.Time) table[V] {
	return table[V]{entries: map[ID]entry[V]{}, bySlot: map[int64][]ID{}, oldest: instantOf(since).slot()}
}

// forgotten reports whether an entry with that end would be forgotten: when the clock has jumped back, what it stands for
// may be alive again.
func (t *table[V]) forgotten(end instant) bool { return end.slot() < t.oldest }

func (t *table[V]) put(id ID, end instant, value V) {
	old, ok := t.entries[id]
	t.entries[id] = entry[V]{value, end}
	if !ok || old.end.slot() != end.slot() {
		t.bySlot[end.slot()] = append(t.bySlot[end.slot()], id)
	}
}

// forget drops the entries of all slots before that of now, and shows each to dropped. Its cost is that of what it drops,
// plus one step per slot that has passed while there was anything to remember: a clock that starts in 1970 is set right in
// one step.
func (t *table[V]) forget(now instant, dropped func(entry[V])) {
	current := now.slot()
	for ; t.oldest < current && len(t.entries) > 0; t.oldest++ {
		for _, id := range t.bySlot[t.oldest] {
			if e, ok := t.entries[id]; ok && e.end.slot() <= t.oldest {
				dropped(e)
				delete(t.entries, id)
			}
		}
		delete(t.bySlot, t.oldest)
	}
	t.oldest = max(t.oldest, current)
}
