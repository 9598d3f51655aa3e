package app

import (
	"math"
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage a token server whose memory is bounded lets gather, in percent of what lives. What lives is the
// trust store, which each collection walks through.
const gcPercent = 400

// useMemory makes the garbage collector spare the CPU where GOMEMLIMIT says how much memory there is: it then works the harder
// the nearer the limit is. A tenth of it is left for what the Go runtime does not count, such as the buffers of the kernel.
// GOGC, where it is set, counts as it stands.
func useMemory() {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(limit / 10 * 9)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
