package openloop_test

import (
	"context"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/openloop"
)

// TestLoadIsOpenLoop: a stall delays nobody but those who wait, and is counted as their latency.
func TestLoadIsOpenLoop(t *testing.T) {
	const rate, stall = 100, 300 * time.Millisecond
	stalled, enough := make(chan struct{}), make(chan struct{})
	load := openloop.Start(t.Context(), rate, func(_ context.Context, n int) string {
		switch {
		case n == 40:
			close(enough)
		case n < 5:
			<-stalled
			return "late"
		}
		return "ok"
	})
	time.AfterFunc(stall, func() { close(stalled) })
	<-enough // would never come if a call waited for the one before
	report := load.Stop()
	if report.Sent < 41 || report.Outcomes["late"] != 5 || report.Other("ok", "late") != 0 || report.Other("ok") != 5 {
		t.Errorf("report: %s", report)
	}
	if report.Quantile(1) < stall || report.Quantile(0.5) >= stall {
		t.Errorf("latencies: p50 %s, max %s", report.Quantile(0.5), report.Quantile(1))
	}
	if (openloop.Report{}).Quantile(0.99) != 0 {
		t.Error("nothing has a latency")
	}
}
