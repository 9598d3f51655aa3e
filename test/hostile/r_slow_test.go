package hostile

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
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

// slowCallers: who sends the header or the body too slowly, or nothing, is cut off, and keeps nobody else waiting.
func slowCallers(t *testing.T, _ *world) {
	const each, within = 60, 15 * time.Second
	w := newWorld(t, startServer(t, serverOptions{}))
	header := "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\n"
	var conns []net.Conn
	for _, begin := range []string{"", header, header + "Content-Length: 1000\r\n\r\ngrant_type=", header + "Transfer-Encoding: chunked\r\n\r\n5\r\n"} {
		for range each {
			conn := w.connect(t, within)
			t.Cleanup(func() { _ = conn.Close() })
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
	}
	for end := time.Now().Add(11 * time.Second); time.Now().Before(end); await(t, time.Now().Add(500*time.Millisecond)) {
		for _, conn := range conns {
			_, _ = io.WriteString(conn, "X") // a byte now and then; it fails when the server has closed
		}
		w.send(t, r0fast()).check(t, w, granted)
	}
	for i, conn := range conns {
		// The time until here depends on the machine, what is left of a connection's does not.
		if err := conn.SetReadDeadline(time.Now().Add(within - 11*time.Second)); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d is still open after %s", i, within)
		}
		if strings.Contains(string(said), "access_token") || strings.Contains(string(said), "server_error") {
			t.Errorf("connection %d got %s", i, said)
		}
	}
	w.checkAfter(t)
	w.checkBounds(t)
}

// idleConnections: hundreds of open connections that ask for nothing cost neither time nor, when they end, anything else.
func idleConnections(t *testing.T, w *world) {
	var conns []net.Conn
	for range 300 {
		conns = append(conns, w.connect(t, 20*time.Second))
	}
	for range 20 {
		w.send(t, r0fast()).check(t, w, granted)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	w.checkBounds(t)
}
