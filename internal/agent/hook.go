package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hookTimeout bounds a command: renewal waits for it.
const hookTimeout = 30 * time.Second

// errTooSlow is why a command was ended.
var errTooSlow = errors.New("it has not ended in time")

// Command runs a program. It is not told the token: that is in the file.
type Command struct {
	Name string
	Args []string
	// Output gets what it writes.
	Output io.Writer

	// limit is how long it may run; 0 for hookTimeout.
	limit time.Duration
}

// Notify runs it to its end.
func (c *Command) Notify(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(c.limit, hookTimeout), errTooSlow)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Name, c.Args...) // #nosec G204 -- the program is what the user names
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	cmd.WaitDelay = time.Second
	// What it has started ends with it: else, each renewal would leave another one behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", c.Name, cmp.Or(context.Cause(ctx), err))
	}
	return nil
}

// Signal sends a signal to the process whose number is in a file.
type Signal struct {
	PidFile string
	Signal  unix.Signal
}

// ParseSignal returns one that asks a process to read its files again.
func ParseSignal(name string) (unix.Signal, error) {
	switch strings.TrimPrefix(strings.ToUpper(name), "SIG") {
	case "HUP":
		return unix.SIGHUP, nil
	case "USR1":
		return unix.SIGUSR1, nil
	case "USR2":
		return unix.SIGUSR2, nil
	default:
		return 0, fmt.Errorf("%q is unknown: use HUP, USR1 or USR2", name)
	}
}

// maxPid bounds what is read of a file with a number.
const maxPid = 32

// Notify sends it. A number of 1 or less is refused: it is the first process of all, or many at once.
func (s *Signal) Notify(context.Context) error {
	in, err := os.Open(s.PidFile)
	if err != nil {
		return fmt.Errorf("find process: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPid))
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("find process: %w", err)
	}
	pid, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil || pid <= 1 {
		return fmt.Errorf("find process: %s holds no number of a process", s.PidFile)
	}
	if err := unix.Kill(int(pid), s.Signal); err != nil {
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	return nil
}
