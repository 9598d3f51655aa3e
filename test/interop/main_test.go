package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// world is the server that all tests of this package share.
var world *site

func TestMain(m *testing.M) {
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-interop-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := harness.Build(ctx, dir, raceEnabled)
	if err != nil {
		return 0, err
	}
	if world, err = newSite(ctx, dir); err != nil {
		return 0, err
	}
	process, err := harness.StartStandalone(ctx, binary, dir, world.standalone())
	if err != nil {
		return 0, err
	}
	defer process.Stop()
	return m.Run(), nil
}
