package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// readOnlyVariable asks a test binary to become the program that its arguments name.
const readOnlyVariable = "GRANTOR_TEST_READ_ONLY"

// EnterReadOnly must be the first call of a TestMain whose tests start a process with Launch.ReadOnly. The test binary
// itself is the process at first: alone in a mount namespace, it makes every mount of it read-only, and then becomes the
// program. Nothing changes for anybody else. It needs root or user namespaces.
func EnterReadOnly() {
	if os.Getenv(readOnlyVariable) == "" {
		return
	}
	fmt.Fprintln(os.Stderr, "cannot start read-only:", becomeReadOnly())
	os.Exit(1) //nolint:revive // There are no tests in this process.
}

// makeReadOnly puts the test binary before the program, in a mount namespace of its own.
func makeReadOnly(cmd *exec.Cmd) {
	cmd.Args = append([]string{os.Args[0], cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/proc/self/exe"
	cmd.Env = append(cmd.Env, readOnlyVariable+"=1", "TMPDIR=/nonexistent")
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
}

func becomeReadOnly() error {
	// What happens to mounts here must not reach the namespace that this one was copied from.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return fmt.Errorf("make mounts read-only: %w", err)
	}
	probe, err := os.CreateTemp("", "") // of TMPDIR, which does not exist
	if err == nil {
		return errors.Join(fmt.Errorf("%s can be written", probe.Name()), probe.Close())
	}
	for _, dir := range []string{"/", "/tmp", "/dev/shm", "."} {
		if probe, err := os.CreateTemp(dir, "grantor-probe-"); !errors.Is(err, unix.EROFS) && !errors.Is(err, os.ErrNotExist) {
			if err == nil {
				err = errors.Join(fmt.Errorf("%s can be written", probe.Name()), probe.Close())
			}
			return err
		}
	}
	if err := os.Unsetenv(readOnlyVariable); err != nil {
		return err
	}
	return fmt.Errorf("become %s: %w", os.Args[1], unix.Exec(os.Args[1], os.Args[1:], os.Environ())) // #nosec G204 -- our own binary
}
