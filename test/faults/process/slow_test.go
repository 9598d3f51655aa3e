package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slowKinds are callers who take their time, with how long the server may wait for them: those who send the header or the
// body by one byte a second, and those who ask for much and read nothing. Of the last there are fewer, since each makes the
// server answer a hundred times before it notices.
var slowKinds = []struct {
	name, begin string
	reads       bool
	limit       time.Duration
	callers     int
}{
	{"R-05 slow header", "POST /oauth2/token HTTP/1.1\r\nHost: x\r\n", true, 10 * time.Second, slowCallers},
	{"R-06 slow body", "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant_type=", true, 15 * time.Second, slowCallers},
	{"R-07 slow read", strings.Repeat("GET /oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n", 600), false, 20 * time.Second, slowCallers / 10},
}

// TestF23SlowCallers, R-05, R-06, R-07: thousands of slow callers at once. Each is cut off in time.
func TestF23SlowCallers(t *testing.T) {
	s := newSite(t).start(nil)
	s.withstands(t, func() {
		files := s.openFiles()
		var closing sync.WaitGroup
		for _, kind := range slowKinds {
			conns := s.connect(kind.callers, kind.begin)
			if kind.reads {
				closing.Go(func() { dripUntilClosed(t, kind.name, conns, kind.limit) })
			}
		}
		t.Logf("%d files are open", s.openFiles())
		closing.Wait()
		// Who does not read does not see it either.
		within(t, slowKinds[2].limit, "all slow callers are cut off", func() error {
			if n := s.openFiles(); n > files+kept { // those of the load
				return fmt.Errorf("%d files are open, at first there were %d", n, files)
			}
			return nil
		})
	})
}

// connect opens connections that take in very little, and writes the same on each.
func (s *server) connect(n int, begin string) []net.Conn {
	s.t.Helper()
	// Over loopback, segments and buffers are so large that the kernel would take all the answers on its own.
	little := net.Dialer{Timeout: 10 * time.Second, Control: func(_, _ string, c syscall.RawConn) (err error) {
		controlErr := c.Control(func(fd uintptr) {
			err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1), unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
		})
		return errors.Join(controlErr, err)
	}}
	conns := make([]net.Conn, n)
	for i := range conns {
		conn, err := little.DialContext(s.t.Context(), "tcp", s.url[len("http://"):])
		try(s.t, err)
		s.t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, begin)
		try(s.t, err)
		conns[i] = conn
		await(s.t, time.Millisecond) // as many at once are another fault
	}
	return conns
}

// dripUntilClosed writes a byte a second on each connection, and fails when one is open after the limit.
func dripUntilClosed(t *testing.T, name string, conns []net.Conn, limit time.Duration) {
	t.Helper()
	begin := time.Now()
	var open sync.WaitGroup
	for i, conn := range conns {
		open.Go(func() {
			if err := conn.SetDeadline(begin.Add(limit)); err != nil {
				t.Error(err)
			}
			said, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: connection %d is open after %s", name, i, limit)
			}
			if strings.Contains(string(said), "access_token") || strings.Contains(string(said), "server_error") {
				t.Errorf("%s: connection %d got %s", name, i, said)
			}
		})
	}
	closed := make(chan struct{})
	go func() {
		open.Wait()
		close(closed)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			t.Logf("%s: all %d are cut off after %s (promised: %s)", name, len(conns), time.Since(begin).Round(time.Millisecond), limit)
			return
		case <-tick.C:
			for _, conn := range conns {
				_, _ = io.WriteString(conn, "x") // it fails where the server has closed
			}
		}
	}
}
