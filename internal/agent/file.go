package agent

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read of a file that is there already.
const maxFile = 1 << 20

// File is where the access token is kept.
type File struct {
	Path string
	Mode fs.FileMode
}

// prefix is how the names begin under which the next token is written, in the same folder: only there is a rename atomic. Each
// writing has a name of its own, for another agent may write the same file: it must not put in place what is half written.
func (f *File) prefix() string { return "." + filepath.Base(f.Path) + ".next-" }

// clean removes what processes have left that were killed. A process that writes at this moment fails for it, and tries again.
func (f *File) clean() error {
	list, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range list {
		if strings.HasPrefix(entry.Name(), f.prefix()) {
			errs = append(errs, ignoreMissing(os.Remove(filepath.Join(filepath.Dir(f.Path), entry.Name()))))
		}
	}
	return errors.Join(errs...)
}

// Write replaces the token. Whoever opens the file at any time, also after the process or the machine has died, finds the one
// before or this one, whole. On an error it is the one before, unless only the last step failed.
func (f *File) Write(token string) error {
	if err := f.clean(); err != nil {
		return fmt.Errorf("prepare to write token: %w", err)
	}
	next := filepath.Join(filepath.Dir(f.Path), f.prefix()+rand.Text())
	if err := f.writeNext(next, token); err != nil {
		return errors.Join(fmt.Errorf("write token: %w", err), ignoreMissing(os.Remove(next)))
	}
	if err := os.Rename(next, f.Path); err != nil {
		return errors.Join(fmt.Errorf("put token in place: %w", err), ignoreMissing(os.Remove(next)))
	}
	return syncFolder(filepath.Dir(f.Path))
}

func (f *File) writeNext(name, token string) error {
	// Never through a link that somebody has put there; and readable by others only once it is whole.
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600) // #nosec G304 -- the file is what the user names
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, token)
	if err == nil {
		err = out.Chmod(f.Mode)
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncFolder makes a rename last. Some file systems have nothing to do there, and say that they cannot.
func syncFolder(name string) error {
	folder, err := os.Open(name) // #nosec G304 -- the folder is what the user names
	if err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	err = folder.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil
	}
	if err := errors.Join(err, folder.Close()); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	return nil
}

// Read returns what is there, or nothing.
func (f *File) Read() string {
	in, err := os.OpenFile(f.Path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0) // #nosec G304 -- the file is what the user names
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err := errors.Join(err, in.Close()); err != nil {
		return ""
	}
	return string(text)
}

// Exists reports whether there is a file.
func (f *File) Exists() bool {
	_, err := os.Lstat(f.Path)
	return err == nil
}
