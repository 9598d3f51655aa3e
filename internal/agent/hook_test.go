package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCommand(t *testing.T) {
	var out bytes.Buffer
	if err := (&Command{Name: "echo", Args: []string{"$HOME", "b  c"}, Output: &out}).Notify(t.Context()); err != nil || out.String() != "$HOME b  c\n" {
		t.Errorf("%v, %q", err, &out)
	}
	if err := (&Command{Name: "false", Output: &out}).Notify(t.Context()); err == nil || !strings.Contains(err.Error(), "run false") {
		t.Errorf("%v", err)
	}
	if err := (&Command{Name: "/nonexistent", Output: &out}).Notify(t.Context()); err == nil {
		t.Error("it ran")
	}
}

// TestCommandHangs: renewal does not wait for ever.
func TestCommandHangs(t *testing.T) {
	var out bytes.Buffer
	if err := (&Command{Name: "sleep", Args: []string{"600"}, Output: &out, limit: 10 * time.Millisecond}).Notify(t.Context()); !errors.Is(err, errTooSlow) {
		t.Errorf("%v", err)
	}
}

// TestCommandIsEnded: with all that it has started.
func TestCommandIsEnded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	ctx, stop := context.WithCancelCause(t.Context())
	tooLong := errors.New("for too long")
	started := func() int {
		text, err := os.ReadFile(name)
		number, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0
		}
		return number
	}
	go func() {
		for started() == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		stop(tooLong)
	}()
	var out bytes.Buffer
	err := (&Command{Name: "sh", Args: []string{"-c", `sleep 600 & echo $! > "$0"; wait`, name}, Output: &out}).Notify(ctx)
	if !errors.Is(err, tooLong) || !strings.HasPrefix(err.Error(), "run sh: ") {
		t.Errorf("%v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); alive(started()); {
		if time.Now().After(deadline) {
			t.Fatal("what it has started goes on")
		}
		runtime.Gosched()
	}
}

// alive reports whether a process is there that has not ended.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprint("/proc/", pid, "/stat"))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func TestSignal(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, unix.SIGUSR1)
	defer signal.Stop(got)
	name := filepath.Join(t.TempDir(), "pid")
	number, err := ParseSignal("sigusr1")
	if err != nil {
		t.Fatal(err)
	}
	s := &Signal{PidFile: name, Signal: number}
	if err := s.Notify(t.Context()); err == nil {
		t.Error("there is no file")
	}
	// A process that is not meant would be ended by the signal: 1 and less are many at once, and the others do not exist.
	for _, text := range []string{"", "0", "1", "-1", fmt.Sprint(-os.Getpid()), "x", "99999999999", "4194305"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Notify(t.Context()); err == nil {
			t.Errorf("%q was signalled", text)
		}
	}
	select {
	case <-got:
		t.Error("this process was signalled")
	default:
	}
	if err := os.WriteFile(name, []byte(fmt.Sprintln(os.Getpid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Notify(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
	case <-time.After(10 * time.Second):
		t.Error("no signal came")
	}
	for _, text := range []string{"KILL", "", "9"} {
		if _, err := ParseSignal(text); err == nil {
			t.Errorf("%q is a signal", text)
		}
	}
}
