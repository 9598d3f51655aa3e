package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxAnswer is more than any answer takes.
const maxAnswer = 16 << 10

// conn is one connection, on which one request is under way at most.
type conn struct {
	file *os.File
	fd   int
	// busy says that a request is under way, n is its number, and due when it was to be sent.
	busy bool
	n    int
	due  time.Time
	// came is what has come of the answer.
	came []byte
}

// errUnused means that the server has ended a connection on which nothing was under way, as it may.
var errUnused = errors.New("the connection was not used for long")

func (c *conn) send(n int, r Request, due time.Time) error {
	c.busy, c.n, c.due, c.came = true, n, due, c.came[:0]
	written, err := unix.Write(c.fd, r.Raw)
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	if written != len(r.Raw) {
		return errors.New("send request: the socket takes a part of it only")
	}
	return nil
}

// receive returns the body when all of the answer is there.
func (c *conn) receive() (body []byte, err error) {
	n, err := unix.Read(c.fd, c.came[len(c.came):maxAnswer])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("receive answer: %w", err)
	case n == 0 && !c.busy:
		return nil, errUnused
	case n == 0:
		return nil, fmt.Errorf("the connection has ended after %q", c.came)
	}
	c.came = c.came[:len(c.came)+n]
	body, err = parse(c.came)
	c.busy = body == nil
	return body, err
}

// poller waits for connections, and for a time.
type poller struct {
	epoll, timer int
	events       []unix.EpollEvent
	conns        []*conn
}

// newPoller opens connections.
func newPoller(ctx context.Context, address string, count int) (*poller, error) {
	p := &poller{epoll: -1, timer: -1, events: make([]unix.EpollEvent, count+1)}
	if err := p.open(ctx, address, count); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) open(ctx context.Context, address string, count int) (err error) {
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("wait for sockets: %w", err)
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return fmt.Errorf("make timer: %w", err)
	}
	if err := p.watch(p.timer, count); err != nil {
		return err
	}
	for i := range count {
		c, err := dial(ctx, address)
		if err != nil {
			return err
		}
		p.conns = append(p.conns, c)
		if err := p.watch(c.fd, i); err != nil {
			return err
		}
	}
	return nil
}

func dial(ctx context.Context, address string) (*conn, error) {
	dialed, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = dialed.Close() }()
	tcp, ok := dialed.(*net.TCPConn)
	if !ok {
		return nil, errors.New("connect: no TCP")
	}
	file, err := tcp.File() // a copy, which Go's own poller does not look at
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &conn{file: file, fd: int(file.Fd()), came: make([]byte, 0, maxAnswer)}
	if err := unix.SetNonblock(c.fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("connect: %w", err), file.Close())
	}
	return c, nil
}

func (p *poller) watch(fd, index int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("wait for sockets: %w", err)
	}
	return nil
}

// wait returns the connections on which something has come, at the latest when the timer that was set is over. A limit
// bounds it, so that a server that does not answer is noticed.
func (p *poller) wait(limit time.Duration) ([]unix.EpollEvent, error) {
	n, err := unix.EpollWait(p.epoll, p.events, int(limit.Milliseconds()))
	switch {
	case errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("wait for sockets: %w", err)
	case n == 0:
		return nil, fmt.Errorf("no answer for %s", limit)
	}
	return p.events[:n], nil
}

// wake sets the timer: wait returns then.
func (p *poller) wake(in time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(in, 1).Nanoseconds())}
	if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
		return fmt.Errorf("set timer: %w", err)
	}
	return nil
}

func (p *poller) close() {
	for _, c := range p.conns {
		_ = c.file.Close()
	}
	for _, fd := range []int{p.timer, p.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
