package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/grantor-dev/grantor/test/harness"
)

// livenessTimeout is how long an answer that a process lives may take: shorter than any Deployment of ours waits before it
// starts a process again.
const livenessTimeout = 10 * time.Second

// TestF34CPUStarvation: all processes of Grantor share one processor with loops that never rest. Answers come late, but they
// come; nobody would be started again for not saying that he lives, and the operator keeps its Lease.
func TestF34CPUStarvation(t *testing.T) {
	const loops, rate = 4, 20
	tn := newTenant(t)
	holder, _, err := leader(t.Context())
	try(t, err)
	all := append([]*harness.Process{world.Operator}, world.TokenServers...)
	var everywhere unix.CPUSet
	try(t, unix.SchedGetaffinity(0, &everywhere))
	defer func() {
		for _, p := range all {
			if err := pin(p.Pid(), &everywhere); err != nil {
				t.Error(err)
			}
		}
	}()
	one := firstOf(&everywhere)
	for _, p := range all {
		try(t, pin(p.Pid(), one))
	}
	for range loops {
		neverRest(t, one)
	}
	load := tn.load(rate)
	var slowest time.Duration
	for end := time.Now().Add(starvedFor); time.Now().Before(end); {
		for i, p := range all {
			took, err := saysThatItLives(t.Context(), p)
			if err != nil || p.HasEnded() {
				t.Fatalf("process %d (ended: %v): %v", i, p.HasEnded(), err)
			}
			slowest = max(slowest, took)
		}
	}
	tn.flawless(load)
	t.Logf("the slowest answer that a process lives took %s (promised: %s)", slowest.Round(time.Millisecond), livenessTimeout)
	if now, _, err := leader(t.Context()); err != nil || now != holder {
		t.Errorf("%q leads, before it was %q: %v", now, holder, err)
	}
}

func saysThatItLives(ctx context.Context, p *harness.Process) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, livenessTimeout)
	defer cancel()
	begin := time.Now()
	status, _, err := p.Get(ctx, "/healthz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("/healthz answers %d", status)
	}
	return time.Since(begin), err
}

// firstOf is the first processor of a set, alone.
func firstOf(all *unix.CPUSet) *unix.CPUSet {
	one := &unix.CPUSet{}
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	return one
}

// pin lets a process, all its threads, run on some processors only.
func pin(pid int, on *unix.CPUSet) error {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, on); err != nil && !errors.Is(err, unix.ESRCH) { // a thread may have ended
			return fmt.Errorf("pin process %d: %w", pid, err)
		}
	}
	return nil
}

// neverRest starts a loop on a processor, until the test ends.
func neverRest(t *testing.T, on *unix.CPUSet) {
	t.Helper()
	loop := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	loop.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	try(t, loop.Start())
	t.Cleanup(func() {
		_ = loop.Process.Kill()
		_ = loop.Wait() // it was killed
	})
	try(t, pin(loop.Process.Pid, on))
}
