package throttle

import (
	"errors"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The table: in a set, which the key's hash chooses, the entry that is needed least gives way to another.
const (
	sets = 1 << 13
	ways = 8
)

// networkBits of an IPv6 address are one caller's: who has one address of a network has them all.
const networkBits = 64

// The bounds of a limit.
const (
	maxBurst    = 10_000
	maxInterval = time.Hour
)

// Limit is how often something may fail: Burst times at once, and then once per Interval.
type Limit struct {
	Burst    int
	Interval time.Duration
}

// Validate says what is wrong with a limit. A burst of 0 means that there is none.
func (l Limit) Validate() error {
	switch {
	case l.Burst < 0 || l.Burst > maxBurst:
		return errors.New("the burst must be from 0, for no limit, to 10000")
	case l.Interval <= 0 || l.Interval > maxInterval:
		return errors.New("the interval must be more than 0 and at most 1h")
	}
	return nil
}

// Throttle counts failures by client and address. It is safe for concurrent use; nil bounds nothing.
type Throttle struct {
	interval, most time.Duration
	begin          time.Time
	seed           maphash.Seed
	table          [sets]set
}

type set struct {
	sync.Mutex

	entries [ways]entry
}

// entry is a token bucket, as the time at which it is full again.
type entry struct {
	tag  uint64 // the key's hash
	full time.Duration
}

// New returns a throttle with nothing counted, or nil for no limit. The times that it is told are later than begin, and
// when they carry a monotonic clock, as begin does, setting the clock bounds nobody longer.
func New(l Limit, begin time.Time) *Throttle {
	if l.Burst <= 0 {
		return nil
	}
	return &Throttle{interval: l.Interval, most: time.Duration(l.Burst) * l.Interval, begin: begin, seed: maphash.MakeSeed()}
}

// Wait returns for how long a client is to wait at an address, 0 for not at all. claim tells apart those who share the
// address, as far as anybody knows; it is not valid where nothing does.
func (t *Throttle) Wait(clientID string, from, claim netip.Addr, now time.Time) time.Duration {
	if t == nil {
		return 0
	}
	tag, s := t.find(clientID, from, claim)
	at := now.Sub(t.begin)
	s.Lock()
	defer s.Unlock()
	for i := range s.entries {
		if s.entries[i].tag == tag {
			return max(0, t.usedUp(s.entries[i], at)+t.interval-t.most)
		}
	}
	return 0
}

// Count counts a failure.
func (t *Throttle) Count(clientID string, from, claim netip.Addr, now time.Time) {
	if t == nil {
		return
	}
	tag, s := t.find(clientID, from, claim)
	at := now.Sub(t.begin)
	s.Lock()
	defer s.Unlock()
	e := &s.entries[0]
	for i := range s.entries {
		if s.entries[i].tag == tag {
			e = &s.entries[i]
			break
		}
		if t.usedUp(s.entries[i], at) < t.usedUp(*e, at) {
			e = &s.entries[i]
		}
	}
	used := time.Duration(0)
	if e.tag == tag {
		used = t.usedUp(*e, at)
	}
	*e = entry{tag, at + min(used+t.interval, t.most)}
}

// usedUp is how long a bucket takes from now on to be full again. More than all of it is from before the clock was set
// back.
func (t *Throttle) usedUp(e entry, at time.Duration) time.Duration {
	if d := e.full - at; e.tag != 0 && d > 0 && d <= t.most {
		return d
	}
	return 0
}

// find returns what stands for a client and where it comes from, with the set in which it belongs. Nobody outside knows the
// seed, so nobody can choose what falls together.
func (t *Throttle) find(clientID string, from, claim netip.Addr) (tag uint64, s *set) {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, a := range [...]netip.Addr{from, claim} {
		if a = a.Unmap().WithZone(""); a.Is6() {
			a = netip.PrefixFrom(a, networkBits).Masked().Addr()
		}
		address := a.As16()
		_, _ = h.Write(address[:]) // never fails
	}
	_, _ = h.WriteString(clientID)
	sum := h.Sum64()
	return sum | 1, &t.table[sum>>1%sets]
}
