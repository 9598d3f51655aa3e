package measure

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc/PID/stat, on every architecture of Linux.
const clockTick = 10 * time.Millisecond

// Memory is what a process holds, in bytes.
type Memory struct {
	Now, Peak uint64
	// File is the part of Now that is pages of files, its program among them.
	File uint64
}

// AtLeast takes the larger of both.
func (m Memory) AtLeast(other Memory) Memory {
	return Memory{max(m.Now, other.Now), max(m.Peak, other.Peak), max(m.File, other.File)}
}

// MemoryOf reads what a process holds now and held at most.
func MemoryOf(pid int) (m Memory, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, fmt.Errorf("read memory: %w", err)
	}
	if m.Now, err = statusBytes(text, "VmRSS:"); err != nil {
		return m, err
	}
	if m.File, err = statusBytes(text, "RssFile:"); err != nil {
		return m, err
	}
	m.Peak, err = statusBytes(text, "VmHWM:")
	return m, err
}

func statusBytes(status []byte, field string) (uint64, error) {
	for line := range bytes.Lines(status) {
		if words := strings.Fields(string(line)); len(words) == 3 && words[0] == field && words[2] == "kB" {
			n, err := strconv.ParseUint(words[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("read memory: no %s in the status of the process", field)
}

// CPUOf reads how long a process has run on a CPU: to the nanosecond where the kernel keeps statistics of its scheduler,
// else to the clock tick.
func CPUOf(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return ticksOf(pid)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // The thread has ended.
		}
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		n, err := field(string(text), 0)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// ChildrenOf finds the processes that this one has started from a program.
func ChildrenOf(parent int, program string) (pids []int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // It has ended.
		}
		pid, name, found := strings.Cut(string(text), " (")
		end := strings.LastIndexByte(name, ')')
		if !found || end < 0 || name[:end] != program {
			continue
		}
		if owner, err := field(name[end+1:], 1); err != nil || owner != int64(parent) {
			continue
		}
		n, err := strconv.Atoi(pid)
		if err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		pids = append(pids, n)
	}
	return pids, nil
}

func ticksOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	// The second field is the name of the program, in parentheses, and may hold anything.
	rest := string(text[bytes.LastIndexByte(text, ')')+1:])
	user, err := field(rest, 11)
	if err != nil {
		return 0, err
	}
	system, err := field(rest, 12)
	return time.Duration(user+system) * clockTick, err
}

// field reads a number out of a list.
func field(text string, i int) (int64, error) {
	words := strings.Fields(text)
	if i >= len(words) {
		return 0, fmt.Errorf("read CPU time: only %d fields", len(words))
	}
	n, err := strconv.ParseInt(words[i], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return n, nil
}
