package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// binary is a program for one platform.
type binary struct {
	platform v1.Platform
	content  []byte
	// info says which modules it was built from.
	info *buildinfo.BuildInfo
}

// openBinary reads a program and refuses one that would not run in an image that holds nothing else.
func openBinary(platform, path string) (binary, error) {
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return binary{}, fmt.Errorf("platform %q: %w", platform, err)
	}
	b := binary{platform: *p}
	if b.content, err = os.ReadFile(path); err != nil {
		return binary{}, fmt.Errorf("read binary: %w", err)
	}
	if b.info, err = buildinfo.Read(bytes.NewReader(b.content)); err != nil {
		return binary{}, fmt.Errorf("%s does not say what it was built from: %w", path, err)
	}
	if err := runsAlone(b); err != nil {
		return binary{}, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func runsAlone(b binary) error {
	machines := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}
	machine, ok := machines[b.platform.String()]
	if !ok {
		return fmt.Errorf("images are for linux/amd64 and linux/arm64, not for %s", b.platform.String())
	}
	file, err := elf.NewFile(bytes.NewReader(b.content))
	if err != nil {
		return fmt.Errorf("not a program for Linux: %w", err)
	}
	if file.Machine != machine {
		return fmt.Errorf("a program for %s, not for %s", file.Machine, b.platform.String())
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("not linked statically: nothing in the image would load it")
		}
	}
	return nil
}
