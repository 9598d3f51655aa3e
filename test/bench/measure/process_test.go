package measure

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

func TestMemory(t *testing.T) {
	m, err := MemoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Now < 1<<20 || m.Peak < m.Now || m.Peak > 1<<40 || m.File < 1<<16 || m.File > m.Now {
		t.Errorf("got %v", m)
	}
	if _, err := statusBytes([]byte("VmRSS:\t12 kB\n"), "VmHWM:"); err == nil {
		t.Error("a field that is not there was found")
	}
	if n, err := statusBytes([]byte("Name:\tx\nVmRSS:\t  12 kB\n"), "VmRSS:"); err != nil || n != 12<<10 {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestCPU: both ways to read it see that work is done, and agree.
func TestCPU(t *testing.T) {
	for name, read := range map[string]func(int) (time.Duration, error){"statistics": CPUOf, "ticks": ticksOf} {
		t.Run(name, func(t *testing.T) {
			before := mustRead(t, read)
			deadline := time.Now().Add(time.Minute)
			for mustRead(t, read)-before < 200*time.Millisecond {
				if time.Now().After(deadline) {
					t.Fatal("a minute of work was not seen")
				}
			}
		})
	}
	if exact, coarse := mustRead(t, CPUOf), mustRead(t, ticksOf); (exact - coarse).Abs() > time.Second {
		t.Errorf("%s by statistics, %s by ticks", exact, coarse)
	}
}

func mustRead(t *testing.T, read func(int) (time.Duration, error)) time.Duration {
	t.Helper()
	d, err := read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestField(t *testing.T) {
	for text, ok := range map[string]bool{"1 2 3": true, "1 2": false, "1 2 x": false} {
		if got, err := field(text, 2); (err == nil) != ok || ok && got != 3 {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestChildrenOf(t *testing.T) {
	child := exec.CommandContext(t.Context(), "sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait() // It was killed.
	})
	var found []int
	err := harness.Poll(t.Context(), 10*time.Second, func() (err error) {
		if found, err = ChildrenOf(os.Getpid(), "sleep"); err != nil {
			return harness.Permanent(err)
		}
		if len(found) == 0 {
			return errors.New("the child is not found") // It is another program for a moment.
		}
		return nil
	})
	if err != nil || !slices.Equal(found, []int{child.Process.Pid}) {
		t.Errorf("got %v, %v; want %d", found, err, child.Process.Pid)
	}
	for parent, program := range map[int]string{os.Getpid(): "slee", os.Getppid(): "sleep", child.Process.Pid: "sleep"} {
		if found, err := ChildrenOf(parent, program); err != nil || slices.Contains(found, child.Process.Pid) {
			t.Errorf("%s of %d: %v, %v", program, parent, found, err)
		}
	}
}
