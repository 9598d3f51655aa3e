package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/grantor-dev/grantor/test/harness"
)

// Variables of the environment that ask the test binary to become a program with a small file system of its own at a folder.
const (
	mountVariable   = "GRANTOR_TEST_MOUNT"
	optionsVariable = "GRANTOR_TEST_MOUNT_OPTIONS"
)

// enterMount is the first call of TestMain. The test binary is the process at first: alone in a mount namespace, it mounts the
// file system, and then becomes the program.
func enterMount() {
	if os.Getenv(mountVariable) == "" {
		return
	}
	fmt.Fprintln(os.Stderr, "cannot mount:", mountAndBecome())
	os.Exit(1) //nolint:revive // There are no tests in this process.
}

func mountAndBecome() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	options, readOnly := strings.CutPrefix(os.Getenv(optionsVariable), "ro,")
	var flags uintptr
	if readOnly {
		flags = unix.MS_RDONLY
	}
	if err := unix.Mount("tmpfs", os.Getenv(mountVariable), "tmpfs", flags, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := os.Unsetenv(mountVariable); err != nil {
		return err
	}
	return fmt.Errorf("become %s: %w", os.Args[1], unix.Exec(os.Args[1], os.Args[1:], os.Environ()))
}

// mounted is an agent whose folder of the token is a file system of its own.
type mounted struct {
	cmd *exec.Cmd
	*harness.Process
	// folder is where others see that file system.
	folder string
}

// startMounted starts an agent through the test binary.
func (e *endpoint) startMounted(s *site, options string) *mounted {
	s.t.Helper()
	folder := s.file("mount")
	try(s.t, os.Mkdir(folder, 0o755))
	l := e.launch(s, "--token-file", filepath.Join(folder, "token"))
	log, err := os.Create(s.file("mounted.log"))
	try(s.t, err)
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), os.Args[0], append([]string{l.Binary}, append(l.Args, "--ops-listen", l.OpsAddress)...)...)
	cmd.Env = append(os.Environ(), mountVariable+"="+folder, optionsVariable+"="+options)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	try(s.t, cmd.Start())
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the agent ended: %v: %s", err, readFile(s.t, log.Name()))
		}
		_ = log.Close()
	})
	return &mounted{
		cmd: cmd, Process: &harness.Process{Log: log.Name(), OpsURL: "http://" + l.OpsAddress},
		folder: filepath.Join(fmt.Sprint("/proc/", cmd.Process.Pid, "/root"), folder),
	}
}

// TestAgentOnAFullDisk: the old token stays whole, the log and the metrics say so, and the new one is written when there is room.
func TestAgentOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	e := newEndpoint(t, s)
	s.writeFile("assertion", "a")
	m := e.startMounted(s, "size=12k")
	answer := func(token string, life int) {
		t.Helper()
		select {
		case <-e.seen:
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing was asked: %s", readFile(t, m.Log))
		}
		e.answers <- fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, life)
	}
	old, next := strings.Repeat("old", 100), strings.Repeat("new", 100)
	answer(old, 6)
	within(t, 10*time.Second, health(t.Context(), m.Process, 200, "ok"))
	filler := filepath.Join(m.folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("it is not full: %v", err)
	}
	answer(next, 3600)
	within(t, 30*time.Second, logged(m.Process, 2, "no space left on device"))
	if got := readFile(t, filepath.Join(m.folder, "token")); got != old {
		t.Errorf("the file has %q", got)
	}
	if _, body, err := m.Get(t.Context(), "/metrics"); err != nil || strings.Contains(body, `grantor_agent_writes_total{outcome="failed"} 0`) {
		t.Errorf("%v: %s", err, body)
	}
	within(t, 30*time.Second, health(t.Context(), m.Process, 503, "expired"))
	try(t, os.Remove(filler))
	within(t, 70*time.Second, health(t.Context(), m.Process, 200, "ok"))
	if got := readFile(t, filepath.Join(m.folder, "token")); got != next {
		t.Errorf("the file has %q", got)
	}
	if list, err := os.ReadDir(m.folder); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

// TestAgentWhereNothingCanBeWritten: it says so, and is not healthy.
func TestAgentWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	e := newEndpoint(t, s)
	s.writeFile("assertion", "a")
	m := e.startMounted(s, "ro,size=12k")
	<-e.seen
	e.answers <- `{"access_token":"x","token_type":"Bearer","expires_in":3600}`
	within(t, 30*time.Second, logged(m.Process, 2, "read-only file system"))
	within(t, 10*time.Second, health(t.Context(), m.Process, 503, "there is no token yet"))
	select {
	case <-e.seen:
		t.Error("the server is asked again for what the disk does")
	default:
	}
}
