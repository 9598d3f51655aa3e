package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestModuleFolder: what was downloaded is what was looked at, or it is an error.
func TestModuleFolder(t *testing.T) {
	m := Module{Path: "github.com/google/go-cmp", Version: "v0.7.0", Sum: "h1:wk8382ETsv4JYUZwIsn6YpYiWiBsYLSJiTsyBybVuN8="}
	folder, err := m.Folder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err != nil {
		t.Error(err)
	}
	m.Sum = "h1:" + strings.Repeat("A", 43) + "="
	if _, err := m.Folder(t.Context()); err == nil || !strings.Contains(err.Error(), "the checksum is") {
		t.Errorf("another checksum: %v", err)
	}
}
