//go:build faults

package faults

import "time"

const (
	outage         = 10 * time.Minute
	bootOutage     = time.Minute
	partition      = 2 * time.Minute
	compactions    = 20
	crowdOfClients = 1000
	crowdOfIssuers = 200
	poisonRounds   = 100
	floodPerSecond = 1000
	floodFor       = 45 * time.Second
	leaderFreeze   = 30 * time.Second
	rotationFor    = time.Minute
	rotationRate   = 200
	restartRate    = 200
	readyRounds    = 500
	watchAfterThaw = 15 * time.Second
	keysMaxStale   = 40 * time.Second
	starvedFor     = time.Minute
)
