package measure

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// String is what a process holds, and its peak.
func (m Memory) String() string { return MiB(m.Now) + " (" + MiB(m.Peak) + ")" }

// MiB writes a number of bytes.
func MiB(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

// Millis writes a short time.
func Millis(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// Span writes a time that a person waits for.
func Span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

// Count writes a number with commas.
func Count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", Count(n/1000), n%1000)
}

// Machine says what everything runs on.
func Machine() string {
	return fmt.Sprintf("%d cores (%s/%s, %s)", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// LoadAverage is that of the last minute, or "unknown".
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
