package integration

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// grantor is what all tests of this package share: starting it takes most of their time.
var grantor *harness.Grantor

func TestMain(m *testing.M) {
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-integration-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if code == 0 && err == nil {
			_ = os.RemoveAll(dir)
			return
		}
		fmt.Fprintln(os.Stderr, "integration: logs are kept in", dir)
	}()
	binary, err := harness.Build(ctx, dir, raceEnabled)
	if err != nil {
		return 0, err
	}
	cp, err := harness.StartControlPlane(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() {
		if stopErr := cp.Stop(); stopErr != nil && err == nil {
			err = stopErr
		}
	}()
	if grantor, err = harness.StartGrantor(ctx, cp, binary, dir, 2); err != nil {
		return 0, err
	}
	defer grantor.Stop()
	return m.Run(), nil
}
