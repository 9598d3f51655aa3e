package standalone

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFolderSeesEveryEdit: also one that keeps the size and sets back the time of modification, in a folder that has been quiet.
func TestFolderSeesEveryEdit(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, "one")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	old := func() folder {
		f, err := look(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		f.young = false // as it is five seconds later
		return f
	}
	f := old()
	if same, err := f.unchanged(dir, time.Now()); !same || err != nil {
		t.Fatalf("the same folder: %t, %v", same, err)
	}
	for name, edit := range map[string]func(){
		"same size and time": func() {
			write(file, "two")
			if err := os.Chtimes(file, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"another file":   func() { write(filepath.Join(dir, "b.yaml"), "b") },
		"a file less":    func() { _ = os.Remove(filepath.Join(dir, "b.yaml")) },
		"another name":   func() { _ = os.Rename(file, filepath.Join(dir, "c.yaml")); file = filepath.Join(dir, "c.yaml") },
		"another length": func() { write(file, "longer") },
	} {
		if name == "a file less" {
			write(filepath.Join(dir, "b.yaml"), "b")
		}
		f := old()
		edit()
		if same, err := f.unchanged(dir, time.Now()); same || err != nil {
			t.Errorf("%s: unchanged %t, %v", name, same, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if same, err := f.unchanged(dir, time.Now()); same || err == nil {
		t.Errorf("a folder that is gone: unchanged %t, %v", same, err)
	}
}

// TestFolderReadsWhatIsYoung: what was edited a moment ago may be edited again within the same tick of the clock of its file
// system. What is old is not read at every look.
func TestFolderReadsWhatIsYoung(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := look(dir, time.Now())
	if err != nil || !f.young {
		t.Fatalf("young: %t, %v", f.young, err)
	}
	f.content[0] ^= 1 // as if the text had been another one
	if same, err := f.unchanged(dir, time.Now()); same || err != nil {
		t.Errorf("young: unchanged %t, %v", same, err)
	}
	f.young = false
	if same, err := f.unchanged(dir, time.Now()); !same || err != nil {
		t.Errorf("old: unchanged %t, %v", same, err)
	}
}

// TestFolderReadsFilesAlone: what is there under the name of a manifest may never end.
func TestFolderReadsFilesAlone(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "a.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := look(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if same, err := f.unchanged(dir, time.Now()); !same || err != nil {
		t.Errorf("unchanged %t, %v", same, err)
	}
}
