package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Site is what the tests of a package share while they run.
type Site struct {
	// Dir is where logs and everything else go.
	Dir string
	// Binary is the program, built for these tests.
	Binary       string
	ControlPlane *ControlPlane
}

// Main is what TestMain of a package calls: it builds the program, with the race detector or without, starts a control plane,
// lets run do the rest, ends everything, and returns the exit code. The folder with the logs is kept when something has
// failed.
func Main(name string, race bool, run func(ctx context.Context, s Site) (code int, err error)) int {
	code, err := onSite(context.Background(), name, race, run)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return code
}

func onSite(ctx context.Context, name string, race bool, run func(context.Context, Site) (int, error)) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-"+name+"-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() {
		if code == 0 && err == nil {
			err = os.RemoveAll(dir)
			return
		}
		fmt.Fprintf(os.Stderr, "%s: logs are kept in %s\n", name, dir)
	}()
	binary, err := Build(ctx, dir, race)
	if err != nil {
		return 0, err
	}
	cp, err := StartControlPlane(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	return run(ctx, Site{Dir: dir, Binary: binary, ControlPlane: cp})
}
