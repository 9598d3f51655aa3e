package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	process, err := harness.Start(ctx, binary, dir, "standalone", world.ops, world.arguments()...)
	if err != nil {
		return 0, err
	}
	defer process.Stop()
	if err := process.WaitReady(ctx); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// arguments are those of the server.
func (s *site) arguments() []string {
	return []string{
		"standalone", "--manifests", filepath.Join(s.dir, "manifests"), "--issuer", s.Issuer, "--listen", s.public, "--drain", "0s",
		"--tls-cert-file", s.authority, "--tls-key-file", filepath.Join(s.dir, "tls.key"),
	}
}
