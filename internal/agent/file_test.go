package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// TestFile: the content and the mode are the new ones, whatever the umask is and whatever was there, and nothing is left beside it.
func TestFile(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	for name, prepare := range map[string]func(t *testing.T, f *File, elsewhere string){
		"nothing there": func(*testing.T, *File, string) {},
		"a file there": func(t *testing.T, f *File, _ string) {
			t.Helper()
			if err := os.WriteFile(f.Path, []byte("an old and longer token"), 0o400); err != nil {
				t.Fatal(err)
			}
		},
		"a killed process was here": func(t *testing.T, f *File, _ string) {
			t.Helper()
			if err := os.WriteFile(f.next(), []byte("half"), 0o444); err != nil {
				t.Fatal(err)
			}
		},
		"a link there": func(t *testing.T, f *File, elsewhere string) {
			t.Helper()
			if err := os.Symlink(elsewhere, f.Path); err != nil {
				t.Fatal(err)
			}
		},
		"a link beside": func(t *testing.T, f *File, elsewhere string) {
			t.Helper()
			if err := os.Symlink(elsewhere, f.next()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, elsewhere := &File{Path: filepath.Join(t.TempDir(), "token"), Mode: 0o640}, filepath.Join(t.TempDir(), "victim")
			if err := os.WriteFile(elsewhere, []byte("untouched"), 0o600); err != nil {
				t.Fatal(err)
			}
			prepare(t, f, elsewhere)
			if err := f.Write("new"); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(f.Path)
			if err != nil || info.Mode() != 0o640 || f.Read() != "new" || !f.Exists() {
				t.Errorf("%v, %v, %s", info.Mode(), err, f.Read())
			}
			if list := entries(t, filepath.Dir(f.Path)); len(list) != 1 {
				t.Errorf("left over: %v", list)
			}
			if text, err := os.ReadFile(elsewhere); string(text) != "untouched" || err != nil {
				t.Errorf("elsewhere: %s, %v", text, err)
			}
		})
	}
}

// TestFileFails: the old token stays, and nothing beside it.
func TestFileFails(t *testing.T) {
	f := &File{Path: filepath.Join(t.TempDir(), "none", "token"), Mode: 0o640}
	if err := f.Write("new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	f = &File{Path: filepath.Join(t.TempDir(), "token"), Mode: 0o640}
	if err := os.MkdirAll(filepath.Join(f.Path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("new"); err == nil {
		t.Error("a folder was replaced")
	}
	if list := entries(t, filepath.Dir(f.Path)); len(list) != 1 {
		t.Errorf("left over: %v", list)
	}
	if err := os.MkdirAll(filepath.Join(f.next(), "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("new"); err == nil {
		t.Error("written over a folder")
	}
}

// TestFileReadsFilesAlone: what is there may be put there by others.
func TestFileReadsFilesAlone(t *testing.T) {
	f := &File{Path: filepath.Join(t.TempDir(), "token")}
	if err := unix.Mkfifo(f.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	if text := f.Read(); text != "" {
		t.Errorf("%q", text)
	}
	if err := os.Remove(f.Path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", f.Path); err != nil {
		t.Fatal(err)
	}
	if text := f.Read(); text != "" {
		t.Errorf("%q", text)
	}
}
