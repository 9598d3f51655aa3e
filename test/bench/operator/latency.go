package main

import (
	"slices"
	"time"
)

// durations are measurements of one thing.
type durations []time.Duration

// quantile returns the smallest measurement that the given share of all does not exceed.
func (d durations) quantile(share float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	i := int(share * float64(len(sorted)))
	if float64(i) == share*float64(len(sorted)) {
		i--
	}
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func (d durations) median() time.Duration { return d.quantile(0.5) }
