package image

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestScriptMakesSameBytes builds the program and its image twice, as whoever doubts an image would: another folder, time zone and
// umask, and another second.
func TestScriptMakesSameBytes(t *testing.T) {
	build := func(more ...string) (archive, sbom []byte) {
		dir := t.TempDir()
		args := []string{"-c", `umask "$1"; shift; exec "$@"`, "bash", more[0], filepath.Join(harness.ModuleRoot(), "hack", "image-archive.sh")}
		cmd := exec.CommandContext(t.Context(), "bash", append(args, "grantor:"+version, version, dir, "linux/"+runtime.GOARCH)...) // #nosec G204
		cmd.Env = append(os.Environ(), more[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for name, content := range map[string]*[]byte{"grantor-image.tar": &archive, "grantor-image.spdx.json": &sbom} {
			var err error
			if *content, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		return archive, sbom
	}
	begin := time.Now()
	archive, sbom := build("022", "TZ=UTC")
	again, sbomAgain := build("077", "TZ=Asia/Tokyo", "TMPDIR="+t.TempDir())
	if time.Since(begin) < time.Second {
		t.Error("both were built in the same second")
	}
	if !bytes.Equal(archive, again) || !bytes.Equal(sbom, sbomAgain) {
		t.Error("the second image, or its bill of materials, is another one")
	}
}
