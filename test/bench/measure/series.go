package measure

import (
	"cmp"
	"slices"
)

// Series are measurements of one thing.
type Series[T cmp.Ordered] []T

// Quantile returns the smallest measurement that the given share of all does not exceed, and nothing of none.
func (s Series[T]) Quantile(share float64) (none T) {
	if len(s) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(s))
	i := int(share * float64(len(sorted)))
	if float64(i) == share*float64(len(sorted)) {
		i--
	}
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Median is the one in the middle, or the lower of the two there.
func (s Series[T]) Median() T { return s.Quantile(0.5) }

// Min is the lowest.
func (s Series[T]) Min() T { return s.Quantile(0) }

// Max is the highest.
func (s Series[T]) Max() T { return s.Quantile(1) }
