//go:build linux

package netns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
)

const (
	// outerVariable tells the process in the new namespace which one it came from.
	outerVariable = "GRANTOR_TEST_OUTER_NETNS"
	// nsFile names the network namespace of a process (namespaces(7)).
	nsFile = "/proc/self/ns/net"
)

// Main runs the tests of m in a new network namespace with loopback up, by starting the same test binary again in it, and
// returns the exit code. Processes that this one starts, such as the workers of a fuzz run, are in the namespace too.
func Main(m *testing.M) int {
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "netns: %v\n", err)
		return 1
	}
	return code
}

func run(m *testing.M) (int, error) {
	if os.Getenv(outerVariable) == "" {
		return again()
	}
	if err := check(); err != nil {
		return 0, err
	}
	if err := raiseLoopback(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// Require fails a test that does not run in a namespace that Main made.
func Require(t testing.TB) {
	t.Helper()
	if err := check(); err != nil {
		t.Fatalf("netns: %v", err)
	}
}

// check does not trust the variable alone: where there is no interface but loopback, nothing can leave.
func check() error {
	outer := os.Getenv(outerVariable)
	if outer == "" {
		return errors.New("this is no namespace for tests: call netns.Main in TestMain")
	}
	inner, err := os.Readlink(nsFile)
	if err != nil {
		return fmt.Errorf("read namespace: %w", err)
	}
	if inner == outer {
		return fmt.Errorf("this is the namespace %s that the tests were started in", inner)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return fmt.Errorf("interface %s is up, so packets could leave this namespace", i.Name)
		}
	}
	return nil
}

// again starts this test binary in a new namespace and waits for it.
func again() (int, error) {
	outer, err := os.Readlink(nsFile)
	if err != nil {
		return 0, fmt.Errorf("read namespace: %w", err)
	}
	// The child is killed when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child := exec.Command(os.Args[0], os.Args[1:]...) //nolint:noctx // It ends with this process, by Pdeathsig.
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(), outerVariable+"="+outer)
	child.SysProcAttr = attributes(os.Geteuid())
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("make network namespace, which needs root or user namespaces: %w", err)
	}
	signals := make(chan os.Signal, 4)
	// SIGQUIT is how go test asks for the stacks of a test that takes too long.
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	go func() {
		for s := range signals {
			_ = child.Process.Signal(s) // It may have ended.
		}
	}()
	err = child.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil // -1 after a signal
	}
	if err != nil {
		return 0, fmt.Errorf("run tests in namespace: %w", err)
	}
	return 0, nil
}

// attributes are those of a process in a new network namespace. Only root may make one without a user namespace.
func attributes(uid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}
