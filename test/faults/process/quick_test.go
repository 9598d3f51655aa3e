//go:build !faults

package process

import "time"

// How much and for how long the quick set breaks things; full_test.go has what the faults are like in real life.
const (
	idleConnections = 2_000
	idleFor         = 5 * time.Second
	memoryFor       = 8 * time.Second
	floodFor        = 5 * time.Second
	slowCallers     = 200
)
