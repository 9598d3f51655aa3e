package chart

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

var (
	update = flag.Bool("update", false, "write the golden files")
	// folder is where the chart is.
	folder = filepath.Join(harness.ModuleRoot(), "charts", "grantor")
	// renderer is the program that renders it.
	renderer string
	// cluster is a control plane with config/default applied.
	cluster *harness.ControlPlane
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := run(m); err != nil {
		fmt.Fprintln(os.Stderr, "test/chart:", err)
		os.Exit(1)
	}
}

func run(m *testing.M) (err error) {
	ctx := context.Background()
	if renderer, err = harness.Tool(ctx, "render-chart"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chart")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if cluster, err = harness.StartControlPlane(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if err := defineForeign(ctx); err != nil {
		return err
	}
	if m.Run() != 0 {
		return errors.New("tests failed")
	}
	return nil
}
