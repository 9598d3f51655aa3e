package chart

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	tool := exec.CommandContext(ctx, filepath.Join(harness.ModuleRoot(), "hack", "tool.sh"), "render-chart")
	tool.Stderr = os.Stderr
	path, err := tool.Output()
	if err != nil {
		return fmt.Errorf("build render-chart: %w", err)
	}
	renderer = strings.TrimSpace(string(path))
	dir, err := os.MkdirTemp("", "chart")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if cluster, err = harness.StartControlPlane(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if m.Run() != 0 {
		return errors.New("tests failed")
	}
	return nil
}
