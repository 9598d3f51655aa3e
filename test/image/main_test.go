package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

const (
	version = "v1.2.3"
	created = "1780000000"
)

var (
	// packer is the program that packs images.
	packer string
	// programs are what it packs, by platform.
	programs = map[string]string{"linux/amd64": "", "linux/arm64": ""}
	// packed is what it made of them.
	packed archive
)

func TestMain(m *testing.M) {
	if err := run(m); err != nil {
		fmt.Fprintln(os.Stderr, "test/image:", err)
		os.Exit(1)
	}
}

func run(m *testing.M) (err error) {
	ctx := context.Background()
	if packer, err = harness.Tool(ctx, "pack-image"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for platform := range programs {
		operatingSystem, arch, _ := strings.Cut(platform, "/")
		programs[platform] = filepath.Join(dir, arch)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", programs[platform],
			"./test/image/standin")
		cmd.Dir = harness.ModuleRoot()
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+operatingSystem, "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build for %s: %w: %s", platform, err, out)
		}
	}
	if err := pack(ctx, dir, "grantor:"+version); err != nil {
		return err
	}
	if packed, err = readArchive(dir); err != nil {
		return err
	}
	if m.Run() != 0 {
		return errors.New("tests failed")
	}
	return nil
}

// pack makes image.tar and image.json in dir.
func pack(ctx context.Context, dir, name string, env ...string) error {
	return packThese(ctx, dir, name, []string{
		"linux/amd64=" + programs["linux/amd64"], "linux/arm64=" + programs["linux/arm64"],
	}, env...)
}

func packThese(ctx context.Context, dir, name string, these []string, env ...string) error {
	cmd := exec.CommandContext(ctx, packer, append([]string{
		"-name", name, "-version", version, "-created", created,
		"-archive", filepath.Join(dir, "image.tar"), "-sbom", filepath.Join(dir, "image.json"),
	}, these...)...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
