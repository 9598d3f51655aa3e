package harness

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// restartTimeout bounds how long a part of the control plane may take to be back.
const restartTimeout = 60 * time.Second

// Pause freezes the process: it keeps its connections and answers nothing.
func (p *Process) Pause() error { return signal(p.cmd.Process, syscall.SIGSTOP) }

// Resume lets a frozen process go on.
func (p *Process) Resume() error { return signal(p.cmd.Process, syscall.SIGCONT) }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// HasEnded reports whether the process has ended.
func (p *Process) HasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Get asks the operations port and returns status and body.
func (p *Process) Get(ctx context.Context, path string) (status int, body string, err error) {
	return get(ctx, p.OpsURL+path)
}

// ResidentBytes is how much memory the process occupies.
func (p *Process) ResidentBytes() (int64, error) {
	const pages = 1
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Pid()))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) <= pages {
		return 0, fmt.Errorf("read memory: %q", text)
	}
	resident, err := strconv.ParseInt(fields[pages], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return resident * int64(os.Getpagesize()), nil
}

// StartAnotherOperator starts an operator beside the one that there is.
func (g *Grantor) StartAnotherOperator(ctx context.Context, name string) (*Process, error) {
	l, err := g.AnotherOperator(ctx, name)
	if err != nil {
		return nil, err
	}
	return l.Start(ctx)
}

// AnotherOperator is how to start an operator beside the one that there is.
func (g *Grantor) AnotherOperator(ctx context.Context, name string) (Launch, error) {
	return g.launch(ctx, name, "grantor-operator", append([]string{"operator"}, g.operatorArgs...)...)
}

// StartAnotherTokenServer starts a token server beside those that there are, without waiting for it. It returns where it
// will listen.
func (g *Grantor) StartAnotherTokenServer(ctx context.Context, name string) (p *Process, endpoint string, err error) {
	l, endpoint, err := g.AnotherTokenServer(ctx, name, "--drain", "0s")
	if err != nil {
		return nil, "", err
	}
	p, err = l.Start(ctx)
	return p, endpoint, err
}

// AnotherTokenServer is how to start a token server beside those that there are, with more arguments where they are given,
// as often as it is wanted, and where it will listen.
func (g *Grantor) AnotherTokenServer(ctx context.Context, name string, args ...string) (l Launch, endpoint string, err error) {
	address, err := FreeAddress(ctx)
	if err != nil {
		return Launch{}, "", err
	}
	l, err = g.launch(ctx, name, "grantor-tokenserver", append([]string{"tokenserver", "--issuer", g.Issuer, "--listen", address, noLimit}, args...)...)
	return l, "http://" + address, err
}

// Component is one process of the control plane.
type Component struct {
	// health answers 200 when the process is of use.
	health  string
	args    []string
	process *os.Process
	// ended is closed when a process that Restart started has ended; nil before.
	ended chan struct{}
}

// APIServer returns the kube-apiserver.
func (cp *ControlPlane) APIServer() (*Component, error) {
	base := "https://" + hostAndPort(cp.config.Host)
	return cp.component("kube-apiserver", base, base+"/readyz")
}

// Etcd returns the etcd.
func (cp *ControlPlane) Etcd() (*Component, error) {
	base := cp.EtcdURL()
	return cp.component("etcd", base, base+"/health")
}

// EtcdURL is where etcd listens.
func (cp *ControlPlane) EtcdURL() string { return cp.env.ControlPlane.Etcd.URL.String() }

// component finds the process among our children: envtest does not tell. One that was restarted is known.
func (cp *ControlPlane) component(name, address, health string) (*Component, error) {
	if i := slices.IndexFunc(cp.components, func(c *Component) bool { return c.health == health }); i >= 0 {
		return cp.components[i], nil
	}
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	children, err := childrenOf(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	for _, pid := range children {
		args, err := commandLine(pid)
		if err != nil || filepath.Base(args[0]) != name || !slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, at.Port()) }) {
			continue
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
		c := &Component{health: health, args: args, process: process}
		cp.components = append(cp.components, c)
		return c, nil
	}
	return nil, fmt.Errorf("find %s: no child of ours is one", name)
}

// Pause freezes the process: its connections stay open, and nothing is answered.
func (c *Component) Pause() error { return signal(c.process, syscall.SIGSTOP) }

// Resume lets a frozen process go on, and waits until it is of use.
func (c *Component) Resume(ctx context.Context) error {
	if err := signal(c.process, syscall.SIGCONT); err != nil {
		return err
	}
	return c.wait(ctx)
}

// Kill ends the process at once, and waits until it is gone.
func (c *Component) Kill(ctx context.Context) error {
	if err := signal(c.process, syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return Poll(ctx, restartTimeout, func() error {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", c.process.Pid)); err == nil {
			return fmt.Errorf("process %d is still there", c.process.Pid)
		}
		return nil
	})
}

// Restart starts a process that was killed again, as it was, and waits until it is of use.
func (c *Component) Restart(ctx context.Context) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.args[0], c.args[1:]...) // #nosec G204 -- as envtest started it
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("restart %s: %w", c.args[0], err)
	}
	c.process, c.ended = cmd.Process, make(chan struct{})
	ended := c.ended
	go func() {
		_ = cmd.Wait() // that it has ended is all there is to know
		close(ended)
	}()
	return c.wait(ctx)
}

// stop ends a process that Restart started; envtest ends those that it started.
func (c *Component) stop() {
	if c.ended == nil {
		return
	}
	_ = signal(c.process, syscall.SIGTERM) // an error means that it has ended
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		_ = signal(c.process, syscall.SIGKILL)
		<-c.ended
	}
}

func (c *Component) wait(ctx context.Context) error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} // #nosec G402 -- nothing is sent that matters
	client := &http.Client{Transport: transport, Timeout: time.Second}
	err := Poll(ctx, restartTimeout, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.health, http.NoBody)
		if err != nil {
			return Permanent(err)
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", c.health, response.StatusCode)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", filepath.Base(c.args[0]), err)
	}
	return nil
}

func signal(p *os.Process, s syscall.Signal) error {
	if err := p.Signal(s); err != nil {
		return fmt.Errorf("send %s: %w", s, err)
	}
	return nil
}

// childrenOf lists the processes whose parent is the given one.
func childrenOf(parent int) (pids []int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	for _, file := range files {
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && parentOf(file) == parent {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// parentOf reads the parent from a status file, 0 where the process has just ended.
func parentOf(file string) int {
	f, err := os.Open(file) // #nosec G304 -- of /proc
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "PPid:"); ok {
			parent, _ := strconv.Atoi(strings.TrimSpace(value)) // 0 is nobody's
			return parent
		}
	}
	return 0
}

func commandLine(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil, fmt.Errorf("read command line: %w", err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), nil
}

// Watch follows the objects of a list's kind in a namespace from a resourceVersion on.
func (cp *ControlPlane) Watch(ctx context.Context, list client.ObjectList, resourceVersion, namespace string) (watch.Interface, error) {
	c, err := client.NewWithWatch(cp.config, client.Options{Scheme: cp.Client.Scheme()})
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	w, err := c.Watch(ctx, list, client.InNamespace(namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: resourceVersion}})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return w, nil
}
