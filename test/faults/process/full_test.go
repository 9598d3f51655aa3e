//go:build faults

package process

import "time"

const (
	idleConnections = 10_000
	idleFor         = 30 * time.Second
	memoryFor       = time.Minute
	floodFor        = time.Minute
	slowCallers     = 2_000
)
