package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/exchange"
)

// issuer answers by resource and scope.
type issuer struct {
	sync.Mutex
	asked []string
	err   error
	span  time.Duration
	// gate, where there is one, is what the first answer waits for, once begun is closed.
	gate, begun chan struct{}
}

func (i *issuer) Exchange(ctx context.Context, q exchange.Request) (exchange.Token, error) {
	if i.gate != nil {
		close(i.begun)
		select {
		case <-i.gate:
		case <-ctx.Done():
			return exchange.Token{}, ctx.Err()
		}
	}
	i.Lock()
	defer i.Unlock()
	i.asked = append(i.asked, strings.Join(q.Resources, ",")+" "+strings.Join(q.Scopes, ","))
	if i.err != nil {
		return exchange.Token{}, i.err
	}
	return exchange.Token{AccessToken: exchange.Secret(fmt.Sprint("secret-", len(i.asked))), ExpiresIn: i.span, Scope: "read"}, nil
}

func (w *world) endpoint(i *issuer) *Endpoint {
	w.t.Helper()
	if i.span == 0 {
		i.span = time.Hour
	}
	c, err := NewCache(i, exchange.Request{Resources: []string{"https://default.test"}}, w.clock(), w.metrics)
	if err != nil {
		w.t.Fatal(err)
	}
	return NewEndpoint(c, slog.New(slog.NewJSONHandler(w.log, nil)), w.metrics)
}

// ask is what a workload in the pod does, but for changes.
func ask(t *testing.T, e *Endpoint, query string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8089/token"+query, http.NoBody)
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Metadata", "true")
	for _, change := range changes {
		change(r)
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, r)
	return rec
}

// TestGuard: nobody who does not mean it, and nobody from elsewhere, gets a token.
func TestGuard(t *testing.T) {
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, tc := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"as it is":               {func(*http.Request) {}, 200},
		"by name":                {host("localhost:8089"), 200},
		"by IPv6":                {host("[::1]:8089"), 200},
		"by another loopback":    {host("127.1.2.3"), 200},
		"without the header":     {func(r *http.Request) { r.Header.Del("Metadata") }, 403},
		"another header":         {header("Metadata", "True"), 403},
		"header twice":           {func(r *http.Request) { r.Header.Add("Metadata", "true") }, 403},
		"rebound name":           {host("evil.test:8089"), 403},
		"name that looks":        {host("localhost.evil.test"), 403},
		"address that looks":     {host("127.0.0.1.evil.test"), 403},
		"no host":                {host(""), 403},
		"user in the host":       {host("127.0.0.1@evil.test"), 403},
		"address of the pod":     {host("10.0.0.5:8089"), 403},
		"unspecified address":    {host("0.0.0.0:8089"), 403},
		"page":                   {header("Origin", "http://localhost:3000"), 403},
		"page of no origin":      {header("Origin", "null"), 403},
		"browser":                {header("Sec-Fetch-Site", "none"), 403},
		"proxy":                  {header("X-Forwarded-For", "127.0.0.1"), 403},
		"other proxy":            {header("Forwarded", "for=127.0.0.1"), 403},
		"third proxy":            {header("Via", "1.1 a"), 403},
		"from elsewhere":         {func(r *http.Request) { r.RemoteAddr = "10.0.0.6:4711" }, 403},
		"from nowhere":           {func(r *http.Request) { r.RemoteAddr = "@" }, 403},
		"post":                   {func(r *http.Request) { r.Method = http.MethodPost }, 405},
		"head":                   {func(r *http.Request) { r.Method = http.MethodHead }, 405},
		"preflight":              {func(r *http.Request) { r.Method = http.MethodOptions; r.Header.Set("Origin", "http://a.test") }, 403},
		"another path":           {func(r *http.Request) { r.URL.Path = "/" }, 404},
		"a path that looks":      {func(r *http.Request) { r.URL.Path = "/token/" }, 404},
		"another path, rebound":  {func(r *http.Request) { r.URL.Path, r.Host = "/", "evil.test" }, 403},
		"method, without header": {func(r *http.Request) { r.Method = http.MethodPost; r.Header.Del("Metadata") }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w, i := newWorld(t), &issuer{}
			rec := ask(t, w.endpoint(i), "", tc.change)
			if rec.Code != tc.status || (len(i.asked) > 0) != (tc.status == 200) {
				t.Errorf("%d %s, asked %v", rec.Code, rec.Body, i.asked)
			}
			h := rec.Header()
			if h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%v", h)
			}
		})
	}
}

// TestQuery: what is asked for is what is written, in whatever order, and all that is written is understood.
func TestQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                                       "https://default.test ",
		"?resource=https://a.test":               "https://a.test ",
		"?audience=https://a.test":               "https://a.test ",
		"?scope=read":                            "https://default.test read",
		"?scope=write+read&resource=b":           "b read,write",
		"?scope=read&scope=write":                "https://default.test read,write",
		"?resource=b&resource=a&resource=b":      "a,b ",
		"?resource=":                             "",
		"?scope=":                                "",
		"?resource=a%0d%0ab":                     "",
		"?redirect_uri=a":                        "",
		"?resource=a;scope=b":                    "",
		"?resource=%zz":                          "",
		"?resource=a+b":                          "",
		strings.Repeat("&resource=a", 9):         "",
		"?resource=" + strings.Repeat("a", 5000): "",
		"?scope=" + strings.Repeat("a+", 65):     "",
	} {
		t.Run(query[:min(len(query), 30)], func(t *testing.T) {
			w, i := newWorld(t), &issuer{}
			rec := ask(t, w.endpoint(i), "?"+strings.TrimLeft(query, "?&"))
			if got := strings.Join(i.asked, "|"); got != want || (rec.Code == 200) != (want != "") || want == "" && rec.Code != 400 {
				t.Errorf("%d %s, asked %q", rec.Code, rec.Body, got)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	w, i := newWorld(t), &issuer{}
	e := w.endpoint(i)
	ask(t, e, "")
	w.up, w.wall = w.up+10*time.Minute, w.wall.Add(10*time.Minute)
	var got map[string]any
	if err := json.Unmarshal(ask(t, e, "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"access_token": "secret-1", "token_type": "Bearer", "expires_in": 3000.0, "scope": "read"}, got); diff != "" {
		t.Error(diff)
	}
	w.up, w.wall = w.up+30*time.Minute, w.wall.Add(30*time.Minute)
	if text := ask(t, e, "").Body.String(); !strings.Contains(text, "secret-2") {
		t.Errorf("not renewed: %s", text)
	}
	if w.count("requests", "ok") != 3 {
		t.Error("not counted")
	}
}

// TestRefusals: what the server says is passed on, what went wrong here is not, and the server is not asked for it at once again.
func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
		body   string
		after  string
		pause  time.Duration
	}{
		"refused":     {&exchange.RefusalError{Status: 400, Code: "invalid_target", Description: "No."}, 400, `"error":"invalid_target"`, "", 10 * time.Second},
		"not now":     {unavailable(7 * time.Second), 503, `"error":"temporarily_unavailable"`, "7", 7 * time.Second},
		"broken here": {errors.New("assertion: open file: secret-path"), 503, `There is no token at the moment.`, "1", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w, i := newWorld(t), &issuer{err: tc.err}
			e := w.endpoint(i)
			for range 3 {
				rec := ask(t, e, "")
				if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.body) || rec.Header().Get("Retry-After") != tc.after || strings.Contains(rec.Body.String(), "secret-") {
					t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
				}
			}
			if len(i.asked) != 1 {
				t.Errorf("asked %d times", len(i.asked))
			}
			w.up += tc.pause - time.Millisecond
			if ask(t, e, ""); len(i.asked) != 1 {
				t.Error("asked too early")
			}
			w.up += time.Millisecond
			if ask(t, e, ""); len(i.asked) != 2 {
				t.Error("not asked again")
			}
		})
	}
}

// TestOldTokenIsHandedOut while it is good and there is no new one; and no longer.
func TestOldTokenIsHandedOut(t *testing.T) {
	w, i := newWorld(t), &issuer{}
	e := w.endpoint(i)
	ask(t, e, "")
	i.err = unavailable(0)
	w.up += 50 * time.Minute
	for range 3 {
		if rec := ask(t, e, ""); rec.Code != 200 || !strings.Contains(rec.Body.String(), "secret-1") {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	if len(i.asked) != 2 {
		t.Errorf("asked %d times", len(i.asked))
	}
	w.up += 10 * time.Minute
	if rec := ask(t, e, ""); rec.Code != 503 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestSingleFlight: many who want the same are one request, also when the first of them goes away.
func TestSingleFlight(t *testing.T) {
	w, i := newWorld(t), &issuer{gate: make(chan struct{}), begun: make(chan struct{})}
	e := w.endpoint(i)
	gone, leave := context.WithCancel(t.Context())
	var left atomic.Bool
	var first, others sync.WaitGroup
	first.Go(func() {
		if _, _, err := e.cache.get(gone, nil, nil); errors.Is(err, context.Canceled) {
			left.Store(true)
		}
	})
	<-i.begun
	var good atomic.Int64
	for range 20 {
		others.Go(func() {
			if token, _, err := e.cache.get(t.Context(), nil, nil); err == nil && token.AccessToken.Reveal() == "secret-1" {
				good.Add(1)
			}
		})
	}
	leave()
	first.Wait()
	close(i.gate)
	others.Wait()
	if !left.Load() || good.Load() != 20 || len(i.asked) != 1 {
		t.Errorf("left %t, %d good, asked %d times", left.Load(), good.Load(), len(i.asked))
	}
}

// TestBounded: who asks for ever other things fills nothing.
func TestBounded(t *testing.T) {
	w, i := newWorld(t), &issuer{}
	e := w.endpoint(i)
	for n := range 10 * maxCached {
		ask(t, e, fmt.Sprint("?resource=", n))
	}
	if n := e.cache.entries.Len(); n != maxCached {
		t.Errorf("%d are kept", n)
	}
}

func TestCheckListen(t *testing.T) {
	for address, right := range map[string]bool{
		"127.0.0.1:8089": true, "[::1]:8089": true, "127.0.0.9:1": true,
		":8089": false, "0.0.0.0:8089": false, "10.0.0.1:8089": false, "localhost:8089": false, "": false, "127.0.0.1": false,
	} {
		if err := CheckListen(address); (err == nil) != right {
			t.Errorf("%q: %v", address, err)
		}
	}
}
