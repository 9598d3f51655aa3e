//go:build !faults

package faults

import "time"

// How long and how often the quick set breaks things; full_test.go has what the faults are like in real life.
const (
	outage         = 20 * time.Second // the API server is down: 10 minutes
	bootOutage     = 4 * time.Second
	floodPerSecond = 200
	floodFor       = 12 * time.Second
	rotationFor    = 10 * time.Second
	rotationRate   = 100 // so that a machine of half the speed, with the race detector, can do it, too
	restartRate    = 100
	readyRounds    = 100
	keysMaxStale   = 15 * time.Second
	starvedFor     = 8 * time.Second
)
