package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Valkey is a running valkey-server or redis-server.
type Valkey struct {
	// Address is where it listens, host and port.
	Address string
	// Log is the file with all that the server writes.
	Log string

	ctx    context.Context //nolint:containedctx // It carries no deadline: the server starts again with what it was started with.
	binary string
	dir    string
	args   []string
	cmd    *exec.Cmd
	done   chan struct{}
}

// ValkeyBinary is the valkey-server of this machine, or its redis-server.
func ValkeyBinary() (string, error) {
	for _, name := range []string{"valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is neither valkey-server nor redis-server: run make test, or apt-get install redis-server")
}

// StartValkey starts a server in a folder of its own and waits until it answers. args are options as on its command line,
// for example "--maxmemory", "10mb"; by default it writes nothing to disk.
func StartValkey(ctx context.Context, dir string, args ...string) (*Valkey, error) {
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return StartValkeyAt(ctx, dir, address, args...)
}

// StartValkeyAt is StartValkey at an address of the caller's choice.
func StartValkeyAt(ctx context.Context, dir, address string, args ...string) (*Valkey, error) {
	binary, err := ValkeyBinary()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	own, err := os.MkdirTemp(dir, "valkey-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	all := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", own, "--save", ""}, args...)
	v := &Valkey{Address: address, Log: own + ".log", ctx: context.WithoutCancel(ctx), binary: binary, dir: own, args: all}
	if err := v.Start(); err != nil {
		return nil, err
	}
	return v, nil
}

// Start starts a server again that has ended, and waits until it answers.
func (v *Valkey) Start() error {
	log, err := os.OpenFile(v.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	v.cmd = exec.CommandContext(v.ctx, v.binary, v.args...) // #nosec G204 -- a tool of this machine
	v.cmd.Stdout, v.cmd.Stderr, v.cmd.Dir = log, log, v.dir
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := v.cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", filepath.Base(v.binary), err), log.Close())
	}
	done := make(chan struct{})
	cmd := v.cmd
	v.done = done
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		_ = log.Close()
		close(done)
	}()
	return Poll(v.ctx, 20*time.Second, func() error {
		select {
		case <-done:
			text, _ := os.ReadFile(v.Log) // then there is nothing to show
			return Permanent(fmt.Errorf("the server has ended: %s", text))
		default:
		}
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(v.ctx, "tcp", v.Address)
		if err != nil {
			return fmt.Errorf("not listening: %w", err)
		}
		return conn.Close()
	})
}

// Stop ends the server as kill -9 does, and waits for it.
func (v *Valkey) Stop() {
	_ = v.cmd.Process.Kill() // an error means that it has ended
	<-v.done
}

// Pid is the process id.
func (v *Valkey) Pid() int { return v.cmd.Process.Pid }

// Pause freezes the server: it keeps its connections and answers nothing.
func (v *Valkey) Pause() error { return signal(v.cmd.Process, syscall.SIGSTOP) }

// Resume lets a frozen server go on.
func (v *Valkey) Resume() error { return signal(v.cmd.Process, syscall.SIGCONT) }

// Do sends one command to a server that demands no password, and returns its reply as text.
func (v *Valkey) Do(args ...string) (string, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(v.ctx, "tcp", v.Address)
	if err != nil {
		return "", fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", fmt.Errorf("set deadline: %w", err)
	}
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := conn.Write([]byte(request.String())); err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	return readReply(bufio.NewReader(conn))
}

// readReply reads one reply; those in an array are joined by line breaks.
func readReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read reply: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	kind, rest := line[0], line[1:]
	var n int
	if kind == '$' || kind == '*' {
		if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
			return "", fmt.Errorf("read reply %q: %w", line, err)
		}
	}
	switch kind {
	case '-':
		return "", errors.New(rest)
	case '$':
		if n < 0 {
			return "", nil
		}
		text := make([]byte, n+2)
		for read := 0; read < len(text); {
			k, err := r.Read(text[read:])
			if err != nil {
				return "", fmt.Errorf("read reply: %w", err)
			}
			read += k
		}
		return string(text[:n]), nil
	case '*':
		var all []string
		for range n {
			one, err := readReply(r)
			if err != nil {
				return "", err
			}
			all = append(all, one)
		}
		return strings.Join(all, "\n"), nil
	default:
		return rest, nil
	}
}
