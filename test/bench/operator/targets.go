package main

import (
	"fmt"
	"time"
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

// check is a row of the table of targets; one without a target only informs.
type check struct {
	name, target, measured string
	met                    bool
	// speed says that the outcome depends on how fast the machine is, and what else it does.
	speed bool
}

// checks compares what was found with the targets.
func (r report) checks() []check {
	f := r.full()
	rows := []check{
		atMost("Every object Ready, from nothing", f.resolve, resolveTarget, span),
		{name: "Operator, peak memory of that", measured: mebibytes(f.operatorAfter.peak)},
		atMost("Token server restarts, until Ready with everything loaded", f.serverStart, serverStartTarget, span),
		memoryCheck("Token server, memory when Ready", f.serverFresh.now),
		memoryCheck("Token server, peak memory of its start", f.serverFresh.peak),
		memoryCheck("Token server, peak memory while everything was resolved", f.serverAfter.peak),
		writeCheck("Token servers restart: writes, Leases aside", f.serverRequests),
		atMost("Operator restarts with nothing changed, until every object was visited", f.operatorStart, operatorStartTarget, span),
		writeCheck("Operator restarts with nothing changed: writes, Leases and events of the election aside", f.operatorRequests),
		atMost("Policy change in effect on all token servers, p99", f.policy.quantile(0.99), changeTarget, millis),
		atMost("Identity change in effect on all token servers, p99", f.identity.quantile(0.99), changeTarget, millis),
	}
	if small := r.sizes[0]; len(r.sizes) > 1 {
		than := fmt.Sprintf(" at %s clients, compared with %s", count(f.size.clients), count(small.size.clients))
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

// missed are the checks that failed. Those of speed do not count for a smoke run.
func (r report) missed(smoke bool) (missed []check) {
	for _, c := range r.checks() {
		if c.target != "" && !c.met && (!smoke || !c.speed) {
			missed = append(missed, c)
		}
	}
	return missed
}

func atMost(name string, measured, target time.Duration, show func(time.Duration) string) check {
	return check{name: name, target: "at most " + show(target), measured: show(measured), met: measured <= target, speed: true}
}

func memoryCheck(name string, measured uint64) check {
	return check{name: name, target: "at most " + mebibytes(serverMemoryTarget), measured: mebibytes(measured), met: measured <= serverMemoryTarget}
}

func writeCheck(name string, seen requests) check {
	n := seen.writes()
	return check{name: name, target: fmt.Sprint(confirmedWriteTarget), measured: fmt.Sprint(n), met: n == confirmedWriteTarget}
}

// growth compares medians.
func growth(name string, large, small durations) check {
	c := grown(name, large, small)
	c.target, c.met, c.speed = fmt.Sprintf("at most %.1f times", growthTarget), ratio(large, small) <= growthTarget, true
	return c
}

// grown is growth without a target.
func grown(name string, large, small durations) check {
	return check{name: name, measured: fmt.Sprintf("%.2f times", ratio(large, small))}
}

func ratio(large, small durations) float64 {
	return float64(large.median()) / float64(max(small.median(), 1))
}
