package hostile

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowdRows: many connections at once that want the server to wait. Each row has a server of its own.
func crowdRows() []row {
	const header = "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\n"
	return []row{
		{id: "R-05", name: "slow-headers", run: slowCrowd("GET /oauth2/jwks HTTP/1.1\r\nX-Slow: ", 10*time.Second)},
		{id: "R-06", name: "slow-body", run: slowCrowd(header+"Content-Length: 1000\r\n\r\ngrant_type=", 15*time.Second)},
		{id: "R-07", name: "slow-read", run: slowReaders},
		{id: "R-08", name: "conn-10k", run: idleCrowd},
	}
}

// crowd opens connections, a few at a time.
func (w *world) crowd(t *testing.T, n int, open func(net.Conn)) []net.Conn {
	t.Helper()
	var mu sync.Mutex
	var conns []net.Conn
	inParallel(t, n, func(int) {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", w.public)
		if err != nil {
			t.Error(err)
			return
		}
		open(conn)
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, conn)
	})
	t.Cleanup(func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	return conns
}

// checkOthers: correct requests are answered in time meanwhile.
func (w *world) checkOthers(t *testing.T) {
	t.Helper()
	for range 100 {
		w.send(t, r0fast()).check(t, w, granted)
	}
}

// checkGone: nothing of the crowd is left but memory, which the system gets back by and by.
func (w *world) checkGone(t *testing.T, within time.Duration) {
	t.Helper()
	eventually(t, slow(within), "the server has as many goroutines as at first", func() bool {
		return w.metrics(t)["go_goroutines"] <= w.goroutines+20
	})
	w.checkAfter(t)
}

// slowCrowd: who sends a byte a second is cut off in time, however many do, and others hardly notice.
func slowCrowd(begin string, within time.Duration) func(*testing.T, *world) {
	return func(t *testing.T, _ *world) {
		const callers = 2_000
		w := newWorld(t, startServer(t, serverOptions{}))
		end := time.Now().Add(slow(within))
		conns := w.crowd(t, callers, func(conn net.Conn) { _, _ = io.WriteString(conn, begin) })
		end = end.Add(time.Since(end.Add(-slow(within)))) // each has its time from when it came
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() { trickle(t, conns, end) })
		w.checkOthers(t)
		for i, conn := range conns {
			checkCutOff(t, conn, i, end)
		}
		w.checkGone(t, 10*time.Second)
	}
}

// trickle sends a byte a second on every connection.
func trickle(t *testing.T, conns []net.Conn, until time.Time) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for now := range tick.C {
		if now.After(until) || t.Context().Err() != nil {
			return
		}
		for _, conn := range conns {
			_, _ = io.WriteString(conn, "x") // fails when the server has closed
		}
	}
}

// checkCutOff: the server closes a connection by a time, and has granted nothing there.
func checkCutOff(t *testing.T, conn net.Conn, i int, by time.Time) {
	t.Helper()
	if err := conn.SetReadDeadline(by); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Fatalf("connection %d is still open", i)
	}
	if strings.Contains(string(said), "access_token") || strings.Contains(string(said), "server_error") {
		t.Errorf("connection %d got %s", i, said)
	}
}

// slowReaders: who asks for much and reads nothing is cut off, and what waited for him is given back.
func slowReaders(t *testing.T, _ *world) {
	const callers, asked, buffer = 30, 8_000, 4 << 10
	w := newWorld(t, startServer(t, serverOptions{}))
	text := strings.Repeat("GET /oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n", asked)
	var writers sync.WaitGroup
	w.crowd(t, callers, func(conn net.Conn) {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(buffer) // what fits in there and in the server's own buffers keeps nobody waiting
		}
		writers.Go(func() { _, _ = io.WriteString(conn, text) }) // ends when the server has closed
	})
	if n := w.metrics(t)["go_goroutines"]; n <= w.goroutines+20 {
		t.Errorf("the server has %v goroutines: nobody keeps it waiting", n)
	}
	w.checkGone(t, 40*time.Second)
	writers.Wait()
}

// idleCrowd: ten thousand connections that have asked once and are kept cost memory, within bounds, and nobody any time.
func idleCrowd(t *testing.T, _ *world) {
	const callers, memory = 10_000, 1 << 30
	w := newWorld(t, startServer(t, serverOptions{}))
	conns := w.crowd(t, callers, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "GET /oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 15)); err != nil {
			t.Error(err)
		}
	})
	w.checkOthers(t)
	used := w.rss(t)
	if used > memory*raceCost() {
		t.Errorf("%d connections take %d MiB", callers, used>>20)
	}
	t.Logf("%d connections: %d MiB", callers, used>>20)
	for _, conn := range conns {
		_ = conn.Close()
	}
	w.checkGone(t, 20*time.Second)
}
