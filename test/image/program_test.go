package image

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestUnusedMethodsAreLeftOut: the linker keeps a method only where somebody may call it. It cannot know where a method is called
// by a name that is made at run time, as text/template does: once that is linked, every exported method of every type of the
// program is kept, which is nearly half as much again on disk, and some of it in the memory of each process (docs/adr/0038). A
// program that is stripped still has the names of its functions.
func TestUnusedMethodsAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantor")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./cmd/grantor")
	cmd.Dir = harness.ModuleRoot()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		// The type is there, with what is called of it, and the names of functions are found.
		"k8s.io/api/core/v1.(*PodSpec).Marshal": true,
		// What calls methods by name.
		"text/template.(*state).evalField": false,
		// A method of that type that nobody calls: it is there only where all are, whoever is to blame.
		"k8s.io/api/core/v1.PodSpec.SwaggerDoc": false,
	} {
		if bytes.Contains(program, []byte(name)) != want {
			t.Errorf("%s is in the program: %t", name, !want)
		}
	}
}
