package harness_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

// newLink returns a client that reaches a server through a proxy.
func newLink(t *testing.T) (*harness.Proxy, func(timeout time.Duration) error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	t.Cleanup(server.Close)
	p, err := harness.StartProxy(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return p, func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Address, strings.NewReader("hello"))
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != "hello" {
			t.Errorf("answer %q, %v", text, err)
		}
		return nil
	}
}

func TestProxy(t *testing.T) {
	const short, long = 300 * time.Millisecond, 10 * time.Second
	p, ask := newLink(t)
	if err := ask(long); err != nil {
		t.Fatal(err)
	}
	p.Drop()
	if err := ask(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dropping: %v", err)
	}
	p.Heal()
	if err := ask(long); err != nil {
		t.Errorf("healed: %v", err)
	}
	p.Delay(short)
	if begin := time.Now(); ask(long) != nil || time.Since(begin) < 2*short {
		t.Errorf("delayed: %v", time.Since(begin))
	}
	p.Reset()
	if err := ask(long); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.EOF) {
		t.Errorf("refusing: %v", err)
	}
	p.Heal()
	if err := ask(long); err != nil {
		t.Errorf("healed: %v", err)
	}
}
