package hostile

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// pipelined: requests one after another on one connection are answered one by one, each by its own credentials.
func pipelined(t *testing.T, w *world) {
	const pairs = 20
	var all strings.Builder
	for range pairs {
		wrong, right := r0fast(), r0fast()
		wrong.basic("c1", "wrong")
		for _, r := range []*request{wrong, right} {
			w.confidential.add(r.confidential()...)
			all.WriteString(asRaw(r, "POST /oauth2/token HTTP/1.1"))
		}
	}
	conn := w.connect(t, 20*time.Second)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, strings.ReplaceAll(all.String(), "HOST", w.public)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	for i := range 2 * pairs {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if want := []int{http.StatusUnauthorized, http.StatusOK}[i%2]; err != nil || res.StatusCode != want {
			t.Fatalf("answer %d is %d %s, want %d: %v", i, res.StatusCode, body, want, err)
		}
	}
}

func (w *world) connect(t *testing.T, within time.Duration) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", w.public)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// slowRows: callers who take their time. What crowds of them do to others is measured by test/faults/process, which has the
// machine for itself. Each row has a server of its own.
func slowRows() []row {
	const header = "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\n"
	return []row{
		{id: "R-05", name: "slow-headers", run: slowCallers(10*time.Second, "", header, "GET /oauth2/jwks HTTP/1.1\r\nX-Slow: ")},
		{id: "R-06", name: "slow-body", run: slowCallers(15*time.Second, header+"Content-Length: 1000\r\n\r\ngrant_type=", header+"Transfer-Encoding: chunked\r\n\r\n5\r\n")},
		{id: "R-07", name: "slow-read", run: slowReaders},
	}
}

// slowCallers: who sends the header or the body too slowly, or nothing, is cut off, and keeps nobody else waiting.
func slowCallers(limit time.Duration, begins ...string) func(*testing.T, *world) {
	return func(t *testing.T, _ *world) {
		const each = 60
		w := newWorld(t, startServer(t, serverOptions{}))
		var conns []net.Conn
		for _, begin := range begins {
			for range each {
				conn := w.connect(t, time.Minute)
				t.Cleanup(func() { _ = conn.Close() })
				if _, err := io.WriteString(conn, begin); err != nil {
					t.Fatal(err)
				}
				conns = append(conns, conn)
			}
		}
		for end := time.Now().Add(limit); time.Now().Before(end); await(t, time.Now().Add(500*time.Millisecond)) {
			for _, conn := range conns {
				_, _ = io.WriteString(conn, "X") // a byte now and then; it fails when the server has closed
			}
			w.send(t, r0fast()).check(t, w, granted)
		}
		for i, conn := range conns {
			checkCutOff(t, conn, i)
		}
		w.checkAfter(t)
		w.checkBounds(t)
	}
}

// checkCutOff: the server closes a connection, and has granted nothing there.
func checkCutOff(t *testing.T, conn net.Conn, i int) {
	t.Helper()
	// The time until here depends on the machine, what is left of a connection's does not.
	if err := conn.SetReadDeadline(time.Now().Add(slow(5 * time.Second))); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
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
	for range callers {
		conn := w.connect(t, 5*time.Minute)
		t.Cleanup(func() { _ = conn.Close() })
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(buffer) // what fits in there and in the server's own buffers keeps nobody waiting
		}
		writers.Go(func() { _, _ = io.WriteString(conn, text) }) // ends when the server has closed
	}
	eventually(t, 10*time.Second, "the server is kept waiting", func() bool {
		return w.metrics(t)["go_goroutines"] > w.goroutines+20
	})
	eventually(t, slow(40*time.Second), "the server waits for nobody", func() bool {
		return w.metrics(t)["go_goroutines"] <= w.goroutines+20
	})
	w.checkAfter(t)
	writers.Wait()
}

// idleConnections: hundreds of open connections that ask for nothing cost neither time nor, when they end, anything else.
func idleConnections(t *testing.T, w *world) {
	var conns []net.Conn
	for range 300 {
		conns = append(conns, w.connect(t, time.Minute))
	}
	for range 20 {
		w.send(t, r0fast()).check(t, w, granted)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	w.checkBounds(t)
}
