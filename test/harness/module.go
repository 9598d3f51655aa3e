package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Module is a Go module whose files a test reads, without being built with it.
type Module struct {
	Path, Version string
	// Sum is its h1 checksum, as in a go.sum: what was downloaded must be what was looked at.
	Sum string
}

// Folder returns where its files are, after downloading them where they are not there yet.
func (m Module) Folder(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.Path+"@"+m.Version)
	cmd.Dir = os.TempDir() // in no module, whose go.sum does not know it
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GONOSUMDB="+m.Path)
	out, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if err := errors.Join(err, json.Unmarshal(out, &got)); err != nil {
		return "", fmt.Errorf("download %s@%s: %w, %s", m.Path, m.Version, err, got.Error)
	}
	if got.Sum != m.Sum {
		return "", fmt.Errorf("download %s@%s: the checksum is %s, not %s", m.Path, m.Version, got.Sum, m.Sum)
	}
	return got.Dir, nil
}
