package main

import (
	"fmt"
	"math"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// The targets, for the largest size.
const (
	genericTarget    = 1.4
	allocationTarget = 80
	growthTarget     = 1.03
	redisTarget      = 1.35
	latencyTarget    = 5
	idleTarget       = 40 << 20
	loadedTarget     = 400 << 20
	scalingTarget    = 1.85
	// tripTolerance is the share of what is sent to Redis that is not for an exchange: it is looked after once a second.
	tripTolerance = 0.1
)

// What a smoke run holds Grantor to. It shares its cores with what else is tested, so they are far from the targets: they
// catch what was made much worse.
const (
	// guardAllocations is how many more than the floor an exchange allocates. It allocated 43 more when this was set; a
	// smoke run, in which connections are new, sees some more: lower it when an exchange allocates less.
	guardAllocations = 50
	guardFloor       = 2.2
)

// floorTarget is how many times the CPU time of the floor an exchange takes at most.
func floorTarget(p pair) float64 {
	switch p {
	case pair{"RS256", "ES256"}:
		return 1.8
	case pair{"ES256", "ES256"}:
		return 1.7
	case pair{"EdDSA", "EdDSA"}:
		return 1.6
	default:
		return 1.15
	}
}

// checks compares what was found with the targets.
func (r report) checks() (rows []measure.Check) {
	for _, f := range r.fields {
		rows = append(rows, atMost(f.pair.String()+": CPU, times the floor", ratios(f.of(loadedName), f.of(floorName)), floorTarget(f.pair)))
	}
	f := r.fields[0]
	name := f.pair.String()
	floor, small, loaded, redis := f.of(floorName), f.of(smallName), f.of(loadedName), f.of(redisName)
	more := ratios(f.of(genericName), loaded)
	mallocs, least := loaded.figures.mallocs, floor.figures.mallocs
	rows = append(
		rows,
		measure.Check{
			Name: name + ": CPU with the general JOSE library, times Grantor's", Target: fmt.Sprintf("at least %.2f", genericTarget),
			Measured: spread(more), Met: more.Median() >= genericTarget, Speed: true,
		},
		measure.Check{
			Name: name + ": allocations", Target: fmt.Sprintf("at most %d", allocationTarget),
			Measured: fmt.Sprintf("%.0f (the floor: %.0f)", mallocs, least), Met: mallocs < allocationTarget+0.5, Speed: r.smoke,
		},
		atMost(fmt.Sprintf("%s: CPU with %s providers and %s clients, times that with one each", name, measure.Count(r.world.providers), measure.Count(r.world.clients)),
			ratios(loaded, small), growthTarget),
		atMost(name+": CPU with Redis, times that without", ratios(redis, loaded), redisTarget),
		measure.Check{
			Name: name + ": round trips to Redis", Target: "1", Measured: fmt.Sprintf("%.2f", redis.figures.trips),
			Met: math.Abs(redis.figures.trips-1) <= tripTolerance,
		},
		latencyCheck(name+": p99 at 70 % of what one core can do, times the CPU of one exchange", loaded.waits(), floor.waits()),
		memoryCheck("Memory when idle, with one provider and one client", small.idle, idleTarget, r.smoke),
		memoryCheck("Memory when idle, with all of them", loaded.idle, loadedTarget, r.smoke),
		measure.Check{
			Name: "Exchanges on two cores, times those on one", Target: fmt.Sprintf("at least %.2f", scalingTarget),
			Measured: spread(r.scaling), Met: r.scaling.Median() >= scalingTarget, Speed: true,
		},
	)
	if r.smoke {
		guard := atMost(name+": CPU, times the floor, in a smoke run", ratios(loaded, floor), guardFloor)
		guard.Speed = false
		rows = append(rows, guard, measure.Check{
			Name: name + ": allocations more than the floor's, in a smoke run", Target: fmt.Sprintf("at most %d", guardAllocations),
			Measured: fmt.Sprintf("%.0f", mallocs-least), Met: mallocs-least <= guardAllocations,
		})
	}
	return rows
}

// waits are the 99th percentiles of latency, in the CPU time of one exchange.
func (c *contender) waits() (all measure.Series[float64]) {
	for round, cpu := range c.figures.cpu {
		all = append(all, float64(c.figures.p99[round].Nanoseconds())/1000/cpu)
	}
	return all
}

func atMost(name string, found measure.Series[float64], target float64) measure.Check {
	return measure.Check{
		Name: name, Target: fmt.Sprintf("at most %.2f", target), Measured: spread(found), Met: found.Median() <= target, Speed: true,
	}
}

// latencyCheck shows what the machine and the program that sends add to the latency of any server: that of the floor.
func latencyCheck(name string, found, floor measure.Series[float64]) measure.Check {
	c := atMost(name, found, latencyTarget)
	c.Measured += fmt.Sprintf("; of the floor: %.2f", floor.Median())
	return c
}

func memoryCheck(name string, found measure.Memory, target uint64, smoke bool) measure.Check {
	return measure.Check{
		Name: name, Target: "at most " + measure.MiB(target),
		Measured: measure.MiB(found.Now) + ", of which the program file: " + measure.MiB(found.File), Met: found.Now <= target, Speed: smoke,
	}
}
