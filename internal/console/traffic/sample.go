package traffic

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Sample is what happened between two looks at all token servers.
type Sample struct {
	// At is the time of the second look, Took the time since the first.
	At   time.Time
	Took time.Duration
	// Granted and Refused count requests, the refused ones by reason.
	Granted float64
	Refused map[string]float64
	// Missing is how many replicas are not in it.
	Missing int

	buckets map[float64]float64
}

// Refusals counts all refused requests.
func (s *Sample) Refusals() (n float64) {
	for _, v := range s.Refused {
		n += v
	}
	return n
}

// add adds what a token server has counted from one look to the next. A counter that went back was begun anew.
func (s *Sample) add(before, after *counters) {
	since := func(before, after float64) float64 {
		if after < before {
			return after
		}
		return after - before
	}
	s.Granted += since(before.granted, after.granted)
	for reason, v := range after.refused {
		if d := since(before.refused[reason], v); d > 0 {
			s.Refused[reason] += d
		}
	}
	for bound, v := range after.buckets {
		s.buckets[bound] += since(before.buckets[bound], v)
	}
}

// Quantile estimates within which time a share of the requests of some samples was answered. It is false where there were
// none. What took longer than the last bound is said to have taken as long as that.
func Quantile(samples []Sample, share float64) (time.Duration, bool) {
	sums := map[float64]float64{}
	for _, s := range samples {
		for bound, v := range s.buckets {
			sums[bound] += v
		}
	}
	bounds := slices.Sorted(maps.Keys(sums))
	if len(bounds) == 0 || sums[bounds[len(bounds)-1]] <= 0 {
		return 0, false
	}
	rank := share * sums[bounds[len(bounds)-1]]
	var from, below float64
	for _, bound := range bounds {
		if sums[bound] >= rank {
			if math.IsInf(bound, 1) {
				return seconds(from), true
			}
			return seconds(from + (bound-from)*(rank-below)/max(sums[bound]-below, 1e-9)), true
		}
		from, below = bound, sums[bound]
	}
	return seconds(from), true
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
