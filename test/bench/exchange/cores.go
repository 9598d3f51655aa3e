package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// cores are those that this process may run on, as taskset names them: one for the server that is measured, the others for
// the load and for what servers share. With a single one, both are the same.
type cores struct {
	server, rest, all string
	count             int
}

// findCores reads which there are.
func findCores() (cores, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return cores{}, fmt.Errorf("find cores: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return splitCores(strings.TrimSpace(list))
		}
	}
	return cores{}, errors.New("find cores: the status of this process does not tell")
}

// splitCores reads a list such as 0-1,4.
func splitCores(list string) (c cores, err error) {
	var each []string
	for part := range strings.SplitSeq(list, ",") {
		first, last, found := strings.Cut(part, "-")
		if !found {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return c, fmt.Errorf("find cores: %w", err)
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			return c, fmt.Errorf("find cores: %w", err)
		}
		for i := from; i <= to; i++ {
			each = append(each, strconv.Itoa(i))
		}
	}
	c = cores{server: each[0], rest: each[0], all: list, count: len(each)}
	if len(each) > 1 {
		c.rest = strings.Join(each[1:], ",")
	}
	return c, nil
}

// pin lets a process run on the cores of a list alone, with all its threads.
func pin(ctx context.Context, pid int, list string) error {
	out, err := exec.CommandContext(ctx, "taskset", "--all-tasks", "--cpu-list", "--pid", list, strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pin process to cores %s with taskset: %w: %s", list, err, out)
	}
	return nil
}

// aside keeps this process off the core of the server until the function that it returns is called.
func (c cores) aside(ctx context.Context) (back func() error, err error) {
	if err := pin(ctx, os.Getpid(), c.rest); err != nil {
		return nil, err
	}
	before := runtime.GOMAXPROCS(max(1, c.count-1))
	return func() error {
		runtime.GOMAXPROCS(before)
		return pin(ctx, os.Getpid(), c.all)
	}, nil
}
