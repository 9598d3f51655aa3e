package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log" //nolint:depguard // The log of net/http.
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// seen are the bodies that a server was sent.
type seen struct {
	sync.Mutex

	bodies []string
	hosts  map[string]bool
}

func (s *seen) handler(answer http.HandlerFunc) http.HandlerFunc {
	s.hosts = map[string]bool{}
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // What is missing is missing in the list.
		s.Lock()
		s.bodies = append(s.bodies, string(body))
		s.hosts[r.Method+" "+r.Host+r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")] = true
		s.Unlock()
		answer(w, r)
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"n":1}`) }

// numbered is work of which each request has its number as its body.
func numbered(count int) Work {
	return Work{Count: count, At: func(n int) Request {
		return NewRequest("/token", "auth.example", "Basic x", fmt.Appendf(nil, "n=%d", n))
	}}
}

// loads are the ways to send work, over so many connections; TLS says which protocol is spoken.
func loads() map[string]func(ctx context.Context, s *httptest.Server, work Work) (Result, error) {
	plain := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	overTLS := func(p Protocol) func(context.Context, *httptest.Server, Work) (Result, error) {
		return func(ctx context.Context, s *httptest.Server, work Work) (Result, error) {
			config := s.Client().Transport.(*http.Transport).TLSClientConfig //nolint:errcheck,forcetypeassert // httptest says so.
			return ClosedTLS(ctx, s.URL+"/token", config, p, 4, work, time.Minute)
		}
	}
	return map[string]func(context.Context, *httptest.Server, Work) (Result, error){
		"closed": func(ctx context.Context, s *httptest.Server, work Work) (Result, error) {
			return Closed(ctx, plain(s), 4, work, time.Minute)
		},
		"open": func(ctx context.Context, s *httptest.Server, work Work) (Result, error) {
			return Open(ctx, plain(s), 4, work, 2000)
		},
		"TLS, HTTP/1.1": overTLS(HTTP1),
		"TLS, HTTP/2":   overTLS(HTTP2),
	}
}

// quiet is a log of connections that end early, which some are made to.
func quiet() *log.Logger { return slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) }

func startServer(t *testing.T, name string, handler http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet()
	if strings.HasPrefix(name, "TLS") {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// TestEverythingIsSentOnce: each request once, whole, and every answer counted.
func TestEverythingIsSentOnce(t *testing.T) {
	const count = 200
	var want []string
	for n := range count {
		want = append(want, fmt.Sprintf("n=%d", n))
	}
	slices.Sort(want)
	for name, send := range loads() {
		t.Run(name, func(t *testing.T) {
			var got seen
			s := startServer(t, name, got.handler(ok))
			r, err := send(t.Context(), s, numbered(count))
			if err != nil {
				t.Fatal(err)
			}
			got.Lock() // The sockets of this load tell the race detector nothing.
			defer got.Unlock()
			slices.Sort(got.bodies)
			if !slices.Equal(got.bodies, want) || r.Answers != count || r.Took <= 0 {
				t.Errorf("%d answers in %s to %d requests", r.Answers, r.Took, len(got.bodies))
			}
			host := "auth.example"
			if strings.HasPrefix(name, "TLS") {
				host = s.Listener.Addr().String()
			}
			if head := "POST " + host + "/token Basic x application/x-www-form-urlencoded"; len(got.hosts) != 1 || !got.hosts[head] {
				t.Errorf("requests are %v", got.hosts)
			}
			if len(r.Samples) != (count+sampleEvery-1)/sampleEvery || string(r.Samples[0].Body) != `{"n":1}` {
				t.Errorf("samples are %v", r.Samples)
			}
		})
	}
}

// TestBadAnswersEndALoad: nothing but a good answer counts.
func TestBadAnswersEndALoad(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refusal":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) },
		"created":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated); ok(w, r) },
		"abandoned": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for sort, send := range loads() {
			t.Run(name+", "+sort, func(t *testing.T) {
				var got seen
				calls := 0
				s := startServer(t, sort, got.handler(func(w http.ResponseWriter, r *http.Request) {
					got.Lock()
					calls++
					bad := calls > 10
					got.Unlock()
					if bad {
						answer(w, r)
						return
					}
					ok(w, r)
				}))
				if r, err := send(t.Context(), s, numbered(100)); err == nil {
					t.Errorf("%d answers are good", r.Answers)
				}
			})
		}
	}
}

// TestClosedEndsInTime: what is left is not sent.
func TestClosedEndsInTime(t *testing.T) {
	s := startServer(t, "", http.HandlerFunc(ok))
	r, err := Closed(t.Context(), s.Listener.Addr().String(), 2, numbered(1<<30), 100*time.Millisecond)
	if err != nil || r.Took < 100*time.Millisecond || r.Answers < 2 {
		t.Errorf("%d answers in %s, %v", r.Answers, r.Took, err)
	}
	work := numbered(1 << 30)
	work.Least = 300
	if r, err := Closed(t.Context(), s.Listener.Addr().String(), 2, work, 0); err != nil || r.Answers != work.Least {
		t.Errorf("%d answers, %v, want the least", r.Answers, err)
	}
}

// TestOpenCountsWaiting: whoever comes while the server stands still waits, and that counts for all of them.
func TestOpenCountsWaiting(t *testing.T) {
	const stall = 200 * time.Millisecond
	var got seen
	s := startServer(t, "", got.handler(func(w http.ResponseWriter, r *http.Request) {
		got.Lock()
		first := len(got.bodies) == 1
		got.Unlock()
		if first {
			select {
			case <-time.After(stall):
			case <-r.Context().Done():
			}
		}
		ok(w, r)
	}))
	const count, perSecond = 100, 1000
	r, err := Open(t.Context(), s.Listener.Addr().String(), 1, numbered(count), perSecond)
	if err != nil || len(r.Latencies) != count {
		t.Fatalf("%d latencies, %v", len(r.Latencies), err)
	}
	slices.Sort(r.Latencies)
	// Of a hundred that are due within half of the stall, all but the first wait for what is left of it.
	if least := r.Latencies[0]; least < stall/4 {
		t.Errorf("one of them waited for %s only", least)
	}
	if len(r.Late) > 2 {
		t.Errorf("%d waits are said to be the generator's", len(r.Late))
	}
	if _, err := Open(t.Context(), s.Listener.Addr().String(), 1, numbered(1), 0); err == nil {
		t.Error("a rate of zero was accepted")
	}
}

// TestUnusedConnections: a server may end those that nobody uses; the rest goes on.
func TestUnusedConnections(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ReadHeaderTimeout = 50 * time.Millisecond // for the first request, too
	s.Start()
	defer s.Close()
	r, err := Open(t.Context(), s.Listener.Addr().String(), 20, numbered(40), 200)
	if err != nil || r.Answers != 40 {
		t.Errorf("%d answers, %v", r.Answers, err)
	}
}

// TestOpenKeepsItsRate: it sends no faster than it is told.
func TestOpenKeepsItsRate(t *testing.T) {
	s := startServer(t, "", http.HandlerFunc(ok))
	r, err := Open(t.Context(), s.Listener.Addr().String(), 8, numbered(100), 500)
	if err != nil || r.Took < 99*2*time.Millisecond || len(r.Late) == 0 {
		t.Errorf("100 requests at 500 per second took %s, %d timed, %v", r.Took, len(r.Late), err)
	}
}

// TestTLSVersion: an older TLS than 1.3 is not measured.
func TestTLSVersion(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	for _, p := range []Protocol{HTTP1, HTTP2} {
		config := s.Client().Transport.(*http.Transport).TLSClientConfig //nolint:errcheck,forcetypeassert // httptest says so.
		if _, err := ClosedTLS(t.Context(), s.URL, config, p, 1, numbered(1), time.Second); err == nil {
			t.Error("TLS 1.2 was accepted")
		}
	}
}

// TestCancel: who ends the run ends the load.
func TestCancel(t *testing.T) {
	s := startServer(t, "", http.HandlerFunc(ok))
	for name, send := range map[string]func(ctx context.Context, address string) (Result, error){
		"closed": func(ctx context.Context, address string) (Result, error) {
			return Closed(ctx, address, 1, numbered(1<<30), time.Hour)
		},
		"open": func(ctx context.Context, address string) (Result, error) {
			return Open(ctx, address, 1, numbered(100_000), 1000)
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := send(ctx, s.Listener.Addr().String())
		cancel()
		if err == nil {
			t.Errorf("%s: it ends well", name)
		}
		s := startServer(t, "", http.HandlerFunc(ok))
		s.Close()
		if _, err := send(t.Context(), s.Listener.Addr().String()); err == nil {
			t.Errorf("%s: a server that is not there answers", name)
		}
	}
}

func TestParse(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 3\r\n\r\n"
	for name, tc := range map[string]struct {
		text, body string
		wrong      bool
	}{
		"whole":           {head + "abc", "abc", false},
		"nothing":         {"", "", false},
		"part of head":    {head[:20], "", false},
		"head alone":      {head, "", false},
		"part of body":    {head + "ab", "", false},
		"more":            {head + "abcd", "", true},
		"no length":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", true},
		"length no words": {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "", true},
		"empty":           {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
		"another status":  {"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nabc", "", true},
		"another version": {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := parse([]byte(tc.text))
			if string(body) != tc.body || (err != nil) != tc.wrong {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}
