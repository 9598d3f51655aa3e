package app

import (
	"io"
	"math"
	"runtime/debug"
	"testing"
)

func TestUseMemory(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
	for name, tc := range map[string]struct {
		limit       int64
		gogc        string
		wantLimit   int64
		wantPercent int
	}{
		"no limit":          {math.MaxInt64, "", math.MaxInt64, 100},
		"limit":             {1 << 30, "", 1 << 30 / 10 * 9, gcPercent},
		"limit, and a GOGC": {1 << 30, "100", 1 << 30 / 10 * 9, 100},
		"no limit, a GOGC":  {math.MaxInt64, "100", math.MaxInt64, 100},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetMemoryLimit(tc.limit)
			debug.SetGCPercent(100)
			t.Setenv("GOGC", tc.gogc)
			useMemory()
			if gotLimit, gotPercent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100); gotLimit != tc.wantLimit || gotPercent != tc.wantPercent {
				t.Errorf("limit %d and %d %%, want %d and %d %%", gotLimit, gotPercent, tc.wantLimit, tc.wantPercent)
			}
		})
	}
}

// Both kinds of token server do it, first of all.
func TestTokenServersUseMemory(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
	t.Setenv("GOGC", "")
	for _, command := range []string{"standalone", "tokenserver"} {
		debug.SetMemoryLimit(1 << 30)
		debug.SetGCPercent(100)
		if status := Main([]string{command}, io.Discard, io.Discard); status == 0 {
			t.Errorf("%s without flags runs", command)
		}
		if got := debug.SetGCPercent(100); got != gcPercent {
			t.Errorf("%s: %d %%", command, got)
		}
	}
}
