package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyTimeout bounds how long a process may take to become Ready.
const readyTimeout = 60 * time.Second

// Process is a running Grantor.
type Process struct {
	// Log is the file with all that the process writes.
	Log string
	// OpsURL is the base of /healthz, /readyz and /metrics.
	OpsURL string

	cmd  *exec.Cmd
	done chan struct{}
}

// Build builds the binary into dir and returns its path. race adds the race detector.
func Build(ctx context.Context, dir string, race bool) (string, error) {
	binary := filepath.Join(dir, "grantor")
	args := []string{"build", "-o", binary}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/grantor")...) // #nosec G204 -- our own source
	cmd.Dir = ModuleRoot()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build grantor: %w: %s", err, out)
	}
	return binary, nil
}

// given are the addresses that FreeAddress has returned: one may be free still when the next is asked for.
var given sync.Map

// The ports that FreeAddress gives out: below those from which connections go out (on Linux, 32768 and up), one of which
// could take a port between now and when a server listens on it.
const firstPort, lastPort = 20_000, 32_000

// FreeAddress returns a loopback address that nobody listens on at the moment, another one each time.
func FreeAddress(ctx context.Context) (string, error) {
	var err error
	for i := range lastPort - firstPort {
		// Processes that run at the same time begin at other ports.
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+(os.Getpid()*97+i)%(lastPort-firstPort))
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		var l net.Listener
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err == nil {
			if err := l.Close(); err != nil {
				return "", fmt.Errorf("find a free port: %w", err)
			}
			return address, nil
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// Start starts a role of the binary, with its log in dir. opsAddress is added as --ops-listen.
func Start(ctx context.Context, binary, dir, name, opsAddress string, args ...string) (*Process, error) {
	return Launch{Binary: binary, Dir: dir, Name: name, OpsAddress: opsAddress, Args: args}.Start(ctx)
}

// Launch is how a role of the binary is started where that is not as usual.
type Launch struct {
	// Binary is the program, Dir the folder for its log, which is named after Name.
	Binary, Dir, Name string
	// OpsAddress is added to Args as --ops-listen.
	OpsAddress string
	Args       []string
	// Env is added to the environment.
	Env []string
	// ReadOnly lets the process see every file system read-only and no folder for temporary files: see [EnterReadOnly].
	ReadOnly bool
}

// Start starts the process.
func (l Launch) Start(ctx context.Context) (*Process, error) {
	p := &Process{Log: filepath.Join(l.Dir, l.Name+".log"), OpsURL: "http://" + l.OpsAddress, done: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	args := append(slices.Clone(l.Args), "--ops-listen", l.OpsAddress)
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), l.Binary, args...) // #nosec G204 -- our own binary
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A replica that starts again under its name takes over the Lease that it kept, as a pod of a StatefulSet would.
	p.cmd.Env = slices.Concat(os.Environ(), []string{"POD_NAME=" + l.Name}, l.Env)
	// A signal from the terminal goes to the whole group; this process is ended by Stop, in its turn.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if l.ReadOnly {
		makeReadOnly(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", l.Name, err), log.Close())
	}
	go func() {
		_ = p.cmd.Wait() // how it ended stands in its log
		_ = log.Close()
		close(p.done)
	}()
	return p, nil
}

// WaitReady waits until /readyz answers 200, and returns the end of the log when it does not.
func (p *Process) WaitReady(ctx context.Context) error {
	return Poll(ctx, readyTimeout, func() error {
		select {
		case <-p.done:
			return Permanent(fmt.Errorf("the process has ended: %s", p.tail()))
		default:
		}
		status, body, err := get(ctx, p.OpsURL+"/readyz")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("not ready: %s: %s", strings.TrimSpace(body), p.tail())
		}
		return nil
	})
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Stop ends the process with SIGTERM and waits for it.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// Kill ends the process with SIGKILL and waits for it.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

func (p *Process) end(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // an error means that it has ended
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (p *Process) tail() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
