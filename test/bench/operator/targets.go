package main

import (
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/test/bench/measure"
)

// The targets, for the largest size.
const (
	resolveTarget        = 15 * time.Minute
	serverStartTarget    = time.Minute
	serverMemoryTarget   = 1 << 30
	operatorStartTarget  = time.Minute
	changeTarget         = time.Second
	growthTarget         = 1.5
	confirmedWriteTarget = 0
)

// checks compares what was found with the targets.
func (r report) checks() []measure.Check {
	f := r.full()
	rows := []measure.Check{
		atMost("Every object Ready, from nothing", f.resolve, resolveTarget, measure.Span),
		{Name: "Operator, peak memory of that", Measured: measure.MiB(f.operatorAfter.Peak)},
		atMost("Token server restarts, until Ready with everything loaded", f.serverStart, serverStartTarget, measure.Span),
		memoryCheck("Token server, memory when Ready", f.serverFresh.Now),
		memoryCheck("Token server, peak memory of its start", f.serverFresh.Peak),
		memoryCheck("Token server, peak memory while everything was resolved", f.serverAfter.Peak),
		writeCheck("Token servers restart: writes, Leases aside", f.serverRequests),
		atMost("Operator restarts with nothing changed, until every object was visited", f.operatorStart, operatorStartTarget, measure.Span),
		writeCheck("Operator restarts with nothing changed: writes, Leases and events of the election aside", f.operatorRequests),
		atMost("Policy change in effect on all token servers, p99", f.policy.Quantile(0.99), changeTarget, measure.Millis),
		atMost("Identity change in effect on all token servers, p99", f.identity.Quantile(0.99), changeTarget, measure.Millis),
	}
	if small := r.sizes[0]; len(r.sizes) > 1 {
		than := fmt.Sprintf(" at %s clients, compared with %s", measure.Count(f.size.clients), measure.Count(small.size.clients))
		// Most of it is the API server's, which has a heap of many gigabytes then: what a change costs us is the CPU time below.
		rows = append(rows, grown("Policy change in effect, p50,"+than, f.policy, small.policy), grown("Identity change in effect, p50,"+than, f.identity, small.identity))
		if r.costed() {
			rows = append(rows,
				growth("Operator, CPU per policy change"+than, f.policyCost.operator, small.policyCost.operator),
				growth("Operator, CPU per identity change"+than, f.identityCost.operator, small.identityCost.operator),
				growth("Token server, CPU per policy change"+than, f.policyCost.server, small.policyCost.server),
				growth("Token server, CPU per identity change"+than, f.identityCost.server, small.identityCost.server),
			)
		}
	}
	return rows
}

func atMost(name string, measured, target time.Duration, show func(time.Duration) string) measure.Check {
	return measure.Check{Name: name, Target: "at most " + show(target), Measured: show(measured), Met: measured <= target, Speed: true}
}

func memoryCheck(name string, measured uint64) measure.Check {
	return measure.Check{Name: name, Target: "at most " + measure.MiB(serverMemoryTarget), Measured: measure.MiB(measured), Met: measured <= serverMemoryTarget}
}

func writeCheck(name string, seen requests) measure.Check {
	n := seen.writes()
	return measure.Check{Name: name, Target: fmt.Sprint(confirmedWriteTarget), Measured: fmt.Sprint(n), Met: n == confirmedWriteTarget}
}

// growth compares medians.
func growth(name string, large, small durations) measure.Check {
	c := grown(name, large, small)
	c.Target, c.Met, c.Speed = fmt.Sprintf("at most %.1f times", growthTarget), ratio(large, small) <= growthTarget, true
	return c
}

// grown is growth without a target.
func grown(name string, large, small durations) measure.Check {
	return measure.Check{Name: name, Measured: fmt.Sprintf("%.2f times", ratio(large, small))}
}

func ratio(large, small durations) float64 {
	return float64(large.Median()) / float64(max(small.Median(), 1))
}
