package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy forwards TCP connections between a process and a server, and breaks them on demand.
type Proxy struct {
	// Address is where it listens.
	Address string

	target   string
	listener net.Listener

	mu    sync.Mutex
	fault fault
	delay time.Duration
	links map[*link]struct{}
}

type fault int

const (
	noFault fault = iota
	dropping
	refusing
)

// link is one connection through the proxy.
type link struct {
	near, far net.Conn
	// lost says that whatever is still sent vanishes.
	lost bool
}

// StartProxy starts a proxy for the server at target, host and port.
func StartProxy(ctx context.Context, target string) (*Proxy, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{Address: l.Addr().String(), target: target, listener: l, links: map[*link]struct{}{}}
	go p.accept(context.WithoutCancel(ctx))
	return p, nil
}

// Drop loses all that is sent from now on, on connections old and new, as a network does that drops packets. Nobody is
// told.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = dropping
	for l := range p.links {
		l.lost = true
	}
}

// Reset resets all connections, and from now on every new one.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = refusing
	for l := range p.links {
		l.reset()
	}
}

// Heal lets new connections pass. Those that lost something stay dead, as after a fail-over of a network address: nobody
// answers them, and nobody resets them.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.delay = noFault, 0
}

// Delay makes everything that is sent arrive so much later.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Inject sends a text to whoever is connected, as if the server had sent it.
func (p *Proxy) Inject(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		_, _ = io.WriteString(l.near, text) // an error means that it has left
	}
}

// Retarget makes new connections go to another server.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Close ends the proxy and all connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Reset()
}

func (p *Proxy) accept(ctx context.Context) {
	for {
		near, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go p.serve(ctx, near)
		}
	}
}

func (p *Proxy) serve(ctx context.Context, near net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", target)
	if err != nil {
		(&link{near: near}).reset()
		return
	}
	l := &link{near: near, far: far}
	if !p.add(l) {
		l.reset()
		return
	}
	var directions sync.WaitGroup
	directions.Go(func() { p.copy(l, far, near) })
	directions.Go(func() { p.copy(l, near, far) })
	directions.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	_, _ = near.Close(), far.Close()
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == refusing {
		return false
	}
	l.lost = p.fault == dropping
	p.links[l] = struct{}{}
	return true
}

// copy forwards one direction, chunk by chunk, as long as nothing is lost.
func (p *Proxy) copy(l *link, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		lost, delay := p.state(l)
		if delay > 0 {
			<-time.After(delay)
		}
		if n > 0 && !lost {
			if _, writeErr := to.Write(buffer[:n]); writeErr != nil {
				err = writeErr
			}
		}
		if err != nil {
			if !lost && errors.Is(err, io.EOF) {
				halfClose(to)
				return
			}
			if !lost {
				l.reset()
			}
			return
		}
	}
}

func (p *Proxy) state(l *link) (lost bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.lost, p.delay
}

func halfClose(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
}

// reset closes both ends with RST.
func (l *link) reset() {
	for _, c := range []net.Conn{l.near, l.far} {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
			_ = t.Close()
		}
	}
}
