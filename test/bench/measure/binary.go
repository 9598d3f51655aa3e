package measure

import (
	"fmt"
	"os"
	"path/filepath"
)

// CopyBinary copies a program into a folder, for it may be built anew meanwhile.
func CopyBinary(from, dir string) (string, error) {
	text, err := os.ReadFile(from)
	if err != nil {
		return "", fmt.Errorf("read binary: %w", err)
	}
	to := filepath.Join(dir, "grantor-under-test")
	if err := os.WriteFile(to, text, 0o700); err != nil {
		return "", fmt.Errorf("copy binary: %w", err)
	}
	return to, nil
}
