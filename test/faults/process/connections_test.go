package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/grantor-dev/grantor/test/openloop"
)

// TestF25ManyConnections, R-08: thousands of connections that have asked once and stay open.
func TestF25ManyConnections(t *testing.T) {
	const limit = 1 << 30
	s := newSite(t).start(nil)
	s.withstands(t, func() {
		conns := s.open(idleConnections)
		await(t, idleFor)
		if now := s.memory(); now > limit {
			t.Errorf("with %d connections, the process occupies %d MiB", len(conns), now>>20)
		}
		for i, conn := range conns {
			if !idle(conn) {
				t.Fatalf("connection %d of %d is no longer open", i, len(conns))
			}
			_ = conn.Close()
		}
	})
}

// loadFor sends right requests for so long.
func (s *server) loadFor(perSecond int, d time.Duration) *openloop.Load {
	l := s.load(perSecond)
	await(s.t, d)
	return l
}

// open opens connections, asks once on each, and keeps them.
func (s *server) open(n int) []net.Conn {
	s.t.Helper()
	conns, errs := make([]net.Conn, n), make([]error, n)
	s.t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				_ = conn.Close()
			}
		}
	})
	next := make(chan int)
	var opening sync.WaitGroup
	for range 32 {
		opening.Go(func() {
			for i := range next {
				conns[i], errs[i] = askOnce(s.t.Context(), s.url)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	opening.Wait()
	try(s.t, errors.Join(errs...))
	return conns
}

// askOnce opens a connection and reads the published keys on it.
func askOnce(ctx context.Context, base string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", base[len("http://"):])
	if err != nil {
		return nil, err
	}
	if err := getOn(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// getOn reads the published keys on a connection that is open.
func getOn(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET /oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is %d", response.StatusCode)
	}
	return err
}

// idle reports whether a connection is open and nothing came on it.
func idle(conn net.Conn) bool {
	if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// TestF26NoDescriptors: more connections than the process may have open. Those that it has go on, it lives, and it takes new
// ones soon after there is room.
func TestF26NoDescriptors(t *testing.T) {
	const limit, callers = 256, 400
	s := newSite(t).start(nil)
	early, err := askOnce(t.Context(), s.url)
	try(t, err)
	defer func() { _ = early.Close() }()
	try(t, unix.Prlimit(s.Pid(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil))
	var conns []net.Conn
	for range callers {
		// The kernel takes the connection; the process may not.
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", s.url[len("http://"):])
		try(t, err)
		conns = append(conns, conn)
	}
	within(t, 5*time.Second, "no descriptor is left", func() error {
		if n := s.openFiles(); n < limit {
			return fmt.Errorf("%d files are open", n)
		}
		return nil
	})
	if err := getOn(early); err != nil {
		t.Errorf("on a connection that was open before: %v", err)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	within(t, 5*time.Second, "a new connection is answered", func() error {
		if got := s.ask(t.Context(), s.fresh()); got != granted {
			return errors.New(got)
		}
		return nil
	})
	s.alive()
}
