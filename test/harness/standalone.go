package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Standalone says how a token server without a cluster is started.
type Standalone struct {
	// Issuer and Listen are its flags of that name.
	Issuer, Listen string
	// Objects are its manifests.
	Objects []map[string]any
	// Flags are added to the command line.
	Flags []string
}

// StartStandalone starts a token server from manifests, with its files in dir, and waits until it is Ready.
func StartStandalone(ctx context.Context, binary, dir string, s Standalone) (*Process, error) {
	manifests, err := writeManifests(dir, s.Objects)
	if err != nil {
		return nil, err
	}
	ops, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"standalone", "--manifests", manifests, "--issuer", s.Issuer, "--listen", s.Listen, "--drain", "0s"}
	p, err := Start(ctx, binary, dir, "standalone", ops, append(args, s.Flags...)...)
	if err != nil {
		return nil, err
	}
	if err := p.WaitReady(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func writeManifests(dir string, objects []map[string]any) (folder string, err error) {
	folder = filepath.Join(dir, "manifests")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	var text []byte
	for _, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			return "", fmt.Errorf("encode manifest: %w", err)
		}
		text = append(append(text, "---\n"...), append(b, '\n')...)
	}
	if err := os.WriteFile(filepath.Join(folder, "all.yaml"), text, 0o600); err != nil {
		return "", fmt.Errorf("write manifests: %w", err)
	}
	return folder, nil
}
