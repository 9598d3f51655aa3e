package standalone

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"os"
	"time"

	"github.com/grantor-dev/grantor/internal/manifests"
)

// settled is how old a file must be, when it is looked at, for its size and its time to tell every later edit. Some file systems
// keep times to two seconds.
const settled = 5 * time.Second

// folder is what a folder of manifests was like when it was looked at.
type folder struct {
	// stamp is a digest over names, sizes and times of the files, content one over names and texts.
	stamp, content [sha256.Size]byte
	// young says that a file could be edited without a change of the stamp.
	young bool
}

// look reads the whole folder.
func look(dir string, now time.Time) (f folder, err error) {
	// The stamp comes first: an edit while the texts are read makes the next stamp another one.
	if f.stamp, f.young, err = stamp(dir, now); err != nil {
		return f, err
	}
	f.content, err = content(dir)
	return f, err
}

// unchanged reports whether the folder has the same content still. It reads the texts only when it must.
func (f *folder) unchanged(dir string, now time.Time) (bool, error) {
	sum, young, err := stamp(dir, now)
	if err != nil {
		return false, err
	}
	if sum == f.stamp && !f.young {
		return true, nil
	}
	text, err := content(dir)
	if err != nil || text != f.content {
		return false, err
	}
	f.stamp, f.young = sum, young
	return true, nil
}

func stamp(dir string, now time.Time) (sum [sha256.Size]byte, young bool, err error) {
	sum, err = digest(dir, func(h hash.Hash, file string) error {
		info, err := os.Stat(file)
		if err != nil {
			return err //nolint:wrapcheck // digest wraps it
		}
		at, ok := changed(info)
		young = young || !ok || now.Sub(at) < settled // also where the time lies ahead
		_, _ = fmt.Fprintf(h, "%d %d ", info.Size(), at.UnixNano())
		return nil
	})
	return sum, young, err
}

func content(dir string) ([sha256.Size]byte, error) {
	return digest(dir, func(h hash.Hash, file string) error {
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return err //nolint:wrapcheck // digest wraps it. What is no file may never end; who reads the manifests reports it.
		}
		text, err := os.ReadFile(file) // #nosec G304 -- the folder is what the user names
		_, _ = fmt.Fprintf(h, "%d ", len(text))
		_, _ = h.Write(text)
		return err //nolint:wrapcheck // digest wraps it
	})
}

func digest(dir string, add func(h hash.Hash, file string) error) (sum [sha256.Size]byte, err error) {
	files, err := manifests.Files(dir)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	for _, f := range files {
		_, _ = fmt.Fprintf(h, "%d %s ", len(f), f)
		if err := add(h, f); err != nil {
			return sum, fmt.Errorf("read manifest: %w", err)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
