package process

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// binary is the program that all tests start. It has no race detector: limits of memory are for what is shipped.
var binary string

func TestMain(m *testing.M) {
	harness.EnterReadOnly()
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "process:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-process-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = harness.Build(ctx, dir, false); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// try ends the test where there is an error.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits until check returns nil, and logs how long that took.
func within(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	begin := time.Now()
	if err := harness.Poll(t.Context(), limit, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%s: %s (promised: %s)", what, time.Since(begin).Round(time.Millisecond), limit)
}

// await waits for so long, or until the test ends.
func await(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}
