package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// leftOver is what a process that was killed may have left.
func (f *File) leftOver() string { return filepath.Join(filepath.Dir(f.Path), f.prefix()+"killed") }

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

// try ends the test where there is an error.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFile: the content and the mode are the new ones, whatever the umask is and whatever was there, and nothing is left beside it.
func TestFile(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	for name, prepare := range map[string]func(f *File, elsewhere string) error{
		"nothing there": func(*File, string) error { return nil },
		"a file there": func(f *File, _ string) error {
			return os.WriteFile(f.Path, []byte("an old and longer token"), 0o400)
		},
		"a killed process was here": func(f *File, _ string) error { return os.WriteFile(f.leftOver(), []byte("half"), 0o444) },
		"a link there":              func(f *File, elsewhere string) error { return os.Symlink(elsewhere, f.Path) },
		"a link beside":             func(f *File, elsewhere string) error { return os.Symlink(elsewhere, f.leftOver()) },
	} {
		t.Run(name, func(t *testing.T) {
			f, elsewhere := &File{Path: filepath.Join(t.TempDir(), "token"), Mode: 0o640}, filepath.Join(t.TempDir(), "victim")
			try(t, os.WriteFile(elsewhere, []byte("untouched"), 0o600))
			try(t, prepare(f, elsewhere))
			try(t, f.Write("new"))
			info, err := os.Lstat(f.Path)
			try(t, err)
			if info.Mode() != 0o640 || f.Read() != "new" || !f.Exists() {
				t.Errorf("%v, %s", info.Mode(), f.Read())
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
	if err := os.MkdirAll(filepath.Join(f.leftOver(), "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("new"); err == nil {
		t.Error("written over a folder")
	}
}

// TestTwoWriters: whoever else writes the same file, each reader finds one token, whole; and when all have ended, nothing is beside it.
func TestTwoWriters(t *testing.T) {
	f := &File{Path: filepath.Join(t.TempDir(), "token"), Mode: 0o640}
	whole := map[string]bool{}
	for n := range 4 {
		whole[strings.Repeat(fmt.Sprint(n), 256<<10)] = true
	}
	try(t, f.Write(strings.Repeat("0", 256<<10)))
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for token := range whole {
		writers.Go(func() {
			for ctx.Err() == nil {
				_ = f.Write(token) // the other one may be in the way
			}
		})
	}
	for range 200 {
		if text := f.Read(); !whole[text] {
			t.Errorf("there are %d bytes in the file", len(text))
			break
		}
	}
	stop()
	writers.Wait()
	for token := range whole {
		try(t, f.Write(token))
	}
	if list := entries(t, filepath.Dir(f.Path)); len(list) != 1 {
		t.Errorf("left over: %v", list)
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
