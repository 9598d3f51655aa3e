package trust

import "sync/atomic"

// Usage counts the token requests that were about an object. One that replaces another in a store goes on where that one was, and
// what is counted goes with the object.
type Usage struct {
	granted, refused atomic.Uint64
}

// Count counts a request.
func (u *Usage) Count(granted bool) {
	if granted {
		u.granted.Add(1)
	} else {
		u.refused.Add(1)
	}
}

// Used reports whether anything was counted.
func (u *Usage) Used() bool { return u.granted.Load() != 0 || u.refused.Load() != 0 }

// Counts returns how many requests were granted and refused.
func (u *Usage) Counts() (granted, refused uint64) { return u.granted.Load(), u.refused.Load() }

// keepUsage gives an object its counts: those of the object that has its name now, or new ones. What is in a store already has
// them, and is not written to.
func keepUsage(of **Usage, current *Usage) {
	switch {
	case *of != nil:
	case current != nil:
		*of = current
	default:
		*of = &Usage{}
	}
}
