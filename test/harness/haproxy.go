package harness

import (
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

// Backend is a server behind a Balancer.
type Backend struct {
	// Address is where it answers requests, OpsAddress where it says whether it is Ready.
	Address, OpsAddress string
}

// Balancer is an HAProxy that sends requests only to backends that say that they are Ready. It repeats nothing: what fails
// behind it fails for the caller.
type Balancer struct {
	// ByRequest is the base URL where each request is sent to the next backend. ByConnection is that where each connection
	// is, as a Service of Kubernetes does: what is sent on it later stays with that backend.
	ByRequest, ByConnection string

	cmd  *exec.Cmd
	done chan struct{}
}

// Health is asked twice a second, and two refusals take a backend out: that is done within two seconds.
const haproxyConfig = `
global
  maxconn 2000
defaults
  retries 0
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1
listen by-request
  mode http
  bind %s
%[3]s
listen by-connection
  mode tcp
  bind %[2]s
%[3]s
`

// StartBalancer starts an HAProxy in front of the backends, with its files in dir.
func StartBalancer(ctx context.Context, dir string, backends ...Backend) (*Balancer, error) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // where Debian has it, which is not in everybody's PATH
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("find haproxy: %w; on Debian and Ubuntu: apt-get install haproxy", err)
		}
	}
	var addresses [2]string
	for i := range addresses {
		if addresses[i], err = FreeAddress(ctx); err != nil {
			return nil, err
		}
	}
	var servers []string
	for i, b := range backends {
		_, port, err := net.SplitHostPort(b.OpsAddress)
		if err != nil {
			return nil, fmt.Errorf("configure haproxy: %w", err)
		}
		servers = append(servers, fmt.Sprintf("  server s%d %s check port %s", i, b.Address, port))
	}
	config := filepath.Join(dir, "haproxy.cfg")
	text := fmt.Sprintf(haproxyConfig, addresses[0], addresses[1], strings.Join(servers, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("configure haproxy: %w", err)
	}
	return startBalancer(ctx, program, config, addresses)
}

func startBalancer(ctx context.Context, program, config string, addresses [2]string) (*Balancer, error) {
	b := &Balancer{ByRequest: "http://" + addresses[0], ByConnection: "http://" + addresses[1], done: make(chan struct{})}
	log, err := os.Create(strings.TrimSuffix(config, ".cfg") + ".log") // #nosec G304 -- of a test
	if err != nil {
		return nil, fmt.Errorf("open log of haproxy: %w", err)
	}
	b.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, "-db", "-f", config) // #nosec G204 -- what we have just looked up
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start haproxy: %w", err), log.Close())
	}
	go func() {
		_ = b.cmd.Wait() // how it ended stands in its log
		_ = log.Close()
		close(b.done)
	}()
	err = Poll(ctx, readyTimeout, func() error {
		select {
		case <-b.done:
			return Permanent(fmt.Errorf("haproxy has ended: see %s", log.Name()))
		default:
		}
		_, _, err := get(ctx, b.ByRequest+"/")
		return err
	})
	if err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

// Stop ends the balancer.
func (b *Balancer) Stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-b.done:
	case <-time.After(10 * time.Second):
		_ = b.cmd.Process.Kill()
		<-b.done
	}
}
