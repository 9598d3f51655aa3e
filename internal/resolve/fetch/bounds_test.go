package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// A server that takes its time gets no more than ours, wherever it stops.
func TestSlow(t *testing.T) {
	protocols := map[string][]option{"HTTP/1.1": nil, "HTTP/2": {withHTTP2}}
	for name, handler := range map[string]http.HandlerFunc{
		"headers": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"body":    func(w http.ResponseWriter, r *http.Request) { trickle(w, r, "") },
		"body of a known length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			trickle(w, r, "")
		},
		"error":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound); trickle(w, r, "") },
		"redirect": func(w http.ResponseWriter, r *http.Request) { trickle(w, r, "/keys") },
	} {
		for protocol, options := range protocols {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				s := newSite(t, handler, options...)
				if name == "error" { // nothing of its body is waited for
					if e := refused(t, s.fetcher, s.request()); e.Problem != StatusNotOK {
						t.Errorf("%+v", e)
					}
					return
				}
				checkTimeout(t, s.fetcher, s.request())
			})
		}
	}
}

// trickle sends one byte every 10 ms until the client has gone.
func trickle(w http.ResponseWriter, r *http.Request, location string) {
	if location != "" {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusFound)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, _ = w.Write([]byte{' '})
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func checkTimeout(t *testing.T, f *Fetcher, r Request) {
	t.Helper()
	before := runtime.NumGoroutine()
	f.maxTime = 150 * time.Millisecond
	start := time.Now()
	if e := refused(t, f, r); e.Problem != Timeout {
		t.Errorf("%+v", e)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	waitFor(t, func() error {
		if n := runtime.NumGoroutine(); n > before {
			return fmt.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	})
}

func waitFor(t *testing.T, check func() error) {
	t.Helper()
	deadline, tick := time.After(5*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Error(err)
			return
		case <-tick.C:
		}
	}
}

// A server that accepts and never speaks TLS, and a DNS that never answers.
func TestSilent(t *testing.T) {
	assign(t, public4)
	z := newZone(t, map[string][][]string{host + ".": {{public4}}})
	address := serveRaw(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	t.Run("TLS", func(t *testing.T) {
		checkTimeout(t, newFetcher(Policy{}, z), Request{URL: "https://" + address})
	})
	t.Run("DNS", func(t *testing.T) {
		z.mu.Lock()
		z.mute = true
		z.mu.Unlock()
		// Not checkTimeout: package net keeps two goroutines for some seconds more, until it gives up on the server.
		f := newFetcher(Policy{}, z)
		f.maxTime = 150 * time.Millisecond
		if e := refused(t, f, Request{URL: "https://" + host}); e.Problem != Timeout {
			t.Errorf("%+v", e)
		}
	})
}

// The caller may be in more of a hurry, or give up in the middle of a body.
func TestDeadlineOfCaller(t *testing.T) {
	started := make(chan struct{}, 1)
	slow := newSite(t, func(w http.ResponseWriter, r *http.Request) { trickle(w, r, "") })
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // It may be over before the server has heard of it.
	defer cancel()
	if _, err := slow.fetcher.Get(short, slow.request()); !isProblem(err, Timeout) {
		t.Errorf("%v", err)
	}
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		trickle(w, r, "")
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	_, err := s.fetcher.Get(ctx, s.request())
	checkCancelled(t, err)
}

// A deadline of the socket, which is that of the context, may be noticed before the context's own.
func TestDeadlineOfSocket(t *testing.T) {
	err := (&attempt{host: host}).explain(fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}))
	if !isProblem(err, Timeout) {
		t.Errorf("%v", err)
	}
}

func TestMaxTimeIsTenSeconds(t *testing.T) {
	if f := New(Policy{}); f.maxTime != 10*time.Second {
		t.Errorf("%s", f.maxTime)
	}
}

// A body of any size costs no more than about the largest one that is accepted, in bytes and on the wire.
func TestLargeBodies(t *testing.T) {
	const size = 300 << 20
	block := bytes.Repeat([]byte(leak), 16<<10)
	var sent atomic.Int64
	endless := func(w http.ResponseWriter) {
		for range size / len(block) {
			n, err := w.Write(block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"of unknown length": func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"of a known length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			endless(w)
		},
		"with a type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jwk-set+json")
			endless(w)
		},
	} {
		for protocol, options := range map[string][]option{"HTTP/1.1": nil, "HTTP/2": {withHTTP2}} {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				s := newSite(t, handler, options...)
				limit := uint64(4 << 20)
				if name == "of a known length" {
					limit = 1 << 20 // It is not read at all.
				}
				checkLarge(t, s, &sent, limit)
			})
		}
	}
}

func checkLarge(t *testing.T, s *site, sent *atomic.Int64, limit uint64) {
	t.Helper()
	if e := refusedOnce(t, s.fetcher, s.request()); e.Problem != TooLarge {
		t.Errorf("%+v", e)
	}
	sent.Store(0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = refusedOnce(t, s.fetcher, s.request())
	runtime.ReadMemStats(&after)
	// All that both ends ever allocated, which is more than was in use at any time.
	if used := after.TotalAlloc - before.TotalAlloc; used > slowness*limit {
		t.Errorf("%d KiB allocated", used>>10)
	}
	if n := sent.Load(); n > 20<<20 {
		t.Errorf("%d MiB sent", n>>20)
	}
}

func TestBodyOfExactlyTheLimit(t *testing.T) {
	size := MaxBodyBytes
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = w.Write(make([]byte, size))
	})
	for _, query := range []string{"", "?length"} {
		r := s.request()
		r.URL += query
		size = MaxBodyBytes
		if got, err := s.fetcher.Get(t.Context(), r); err != nil || len(got.Body) != size {
			t.Errorf("%d bytes, %v", len(got.Body), err)
		}
		size++
		if e := refused(t, s.fetcher, r); e.Problem != TooLarge {
			t.Errorf("%+v", e)
		}
	}
}

// What is compressed is refused where it says so, and never unpacked where it does not.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	for range 100 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		_, _ = w.Write(bomb.Bytes())
	})
	r := s.request()
	if got, err := s.fetcher.Get(t.Context(), r); err != nil || !bytes.Equal(got.Body, bomb.Bytes()) {
		t.Errorf("%d bytes, %v", len(got.Body), err)
	}
	r.URL += "?encoded"
	if e := refused(t, s.fetcher, r); e.Problem != EncodedBody {
		t.Errorf("%+v", e)
	}
}

func TestHeaders(t *testing.T) {
	for protocol, options := range map[string][]option{"HTTP/1.1": nil, "HTTP/2": {withHTTP2}} {
		t.Run(protocol, func(t *testing.T) {
			size := 0
			s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
				for i := range size >> 10 {
					w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 1000))
				}
			}, options...)
			size = 32 << 10
			if _, err := s.fetcher.Get(t.Context(), s.request()); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			size = 80 << 10
			if e := refused(t, s.fetcher, s.request()); e.Problem != InvalidResponse {
				t.Errorf("%d bytes: %+v", size, e)
			}
		})
	}
}

// serveRaw serves connections at the public address without knowing HTTP.
func serveRaw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	assign(t, public4)
	listener := listen(t, public4+":0")
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				serve(conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		done.Wait()
	})
	return listener.Addr().String()
}

func TestBrokenServers(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   Problem
	}{
		"nothing":           {"", InvalidResponse},
		"another protocol":  {"220 " + leak + " ESMTP\r\n", InvalidResponse},
		"HTTP/0.9":          {"<html>" + leak, InvalidResponse},
		"broken off head":   {"HTTP/1.1 200 OK\r\nX: " + leak, InvalidResponse},
		"broken off body":   {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + leak, InvalidResponse},
		"broken off chunk":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + leak, InvalidResponse},
		"two lengths":       {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n" + leak, InvalidResponse},
		"negative length":   {"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n" + leak, InvalidResponse},
		"unknown transfer":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" + leak, InvalidResponse},
		"many early hints":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("a", 1000)+"\r\n\r\n", 100), InvalidResponse},
		"protocol switch":   {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", StatusNotOK},
		"endless head line": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 1<<20), InvalidResponse},
		"until the end":     {"HTTP/1.1 200 OK\r\n\r\n" + leak, ""},
		"early hints":       {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + leak, ""},
	} {
		t.Run(name, func(t *testing.T) {
			address := serveRaw(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte(tc.answer))
			})
			r := Request{URL: "http://" + address + "/"}
			f := New(Policy{AllowHTTP: true})
			if tc.want == "" {
				if got, err := f.Get(t.Context(), r); err != nil || string(got.Body) != leak {
					t.Errorf("%q, %v", got.Body, err)
				}
				return
			}
			if e := refused(t, f, r); e.Problem != tc.want {
				t.Errorf("%+v", e)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		address := serveRaw(t, func(conn net.Conn) { _, _ = conn.Write([]byte("HTTP/1.1 400 " + leak + "\r\n\r\n")) })
		if e := refused(t, New(Policy{}), Request{URL: "https://" + address}); e.Problem != TLSFailed {
			t.Errorf("%+v", e)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		assign(t, public4)
		if e := refused(t, New(Policy{}), Request{URL: "https://" + public4 + ":1"}); e.Problem != Unreachable {
			t.Errorf("%+v", e)
		}
	})
	t.Run("no route", func(t *testing.T) {
		assign(t, public4)
		if e := refused(t, New(Policy{}), Request{URL: "https://8.8.4.4"}); e.Problem != Unreachable {
			t.Errorf("%+v", e)
		}
	})
}

// Fetches share nothing.
func TestConcurrent(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.RawQuery)) })
	var all sync.WaitGroup
	errs := make(chan error, 20)
	for i := range 20 {
		all.Go(func() {
			r := s.request()
			r.URL += "?" + strconv.Itoa(i)
			got, err := s.fetcher.Get(t.Context(), r)
			if err != nil || string(got.Body) != strconv.Itoa(i) {
				errs <- errors.Join(fmt.Errorf("%d got %q", i, got.Body), err)
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}
