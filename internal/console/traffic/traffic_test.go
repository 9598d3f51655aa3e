package traffic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tokenServer is a stand-in that counts what it is told to.
type tokenServer struct {
	mu     sync.Mutex
	counts map[string]float64
	// auth are the Authorization headers that came.
	auth []string
	code int
}

func (s *tokenServer) add(reason string, n float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[reason] += n
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	if s.code != 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(s.code)
		return
	}
	_, _ = fmt.Fprintln(w, "# TYPE grantor_token_requests_total counter\n# TYPE grantor_trust_ready gauge\ngrantor_trust_ready 1\n# TYPE grantor_trust_providers gauge\ngrantor_trust_providers 3")
	all := 0.0
	for _, reason := range slices.Sorted(maps.Keys(s.counts)) {
		_, _ = fmt.Fprintf(w, "grantor_token_requests_total{code=\"x\",reason=%q} %v\n", reason, s.counts[reason])
		all += s.counts[reason]
	}
	_, _ = fmt.Fprintf(w, "# TYPE grantor_token_request_duration_seconds histogram\ngrantor_token_request_duration_seconds_bucket{le=\"0.001\"} %v\ngrantor_token_request_duration_seconds_bucket{le=\"0.002\"} %v\ngrantor_token_request_duration_seconds_bucket{le=\"+Inf\"} %v\ngrantor_token_request_duration_seconds_sum 1\ngrantor_token_request_duration_seconds_count %v\n", math.Floor(all/2), all, all, all)
}

// hosts is a Resolver.
type hosts map[string][]netip.Addr

func (h hosts) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if found := h[host]; found != nil {
		return found, nil
	}
	return nil, errors.New("no such host")
}

func started(t *testing.T, s *tokenServer, change func(*Options)) (*Collector, *time.Time) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	clock := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	o := Options{URLs: []string{server.URL + "/metrics"}, Client: NewClient(Trust{}), Resolver: hosts{}, Interval: 10 * time.Second, Clock: func() time.Time { return clock }}
	change(&o)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, &clock
}

func asIs(*Options) {}

func TestLook(t *testing.T) {
	s := &tokenServer{counts: map[string]float64{"ok": 1000, "expired": 10}}
	c, clock := started(t, s, asIs)
	c.Look(t.Context())
	if r := c.Report(); r.URLs != 1 || len(r.Samples) != 0 || len(r.Replicas) != 1 || r.Replicas[0].Err != nil || !r.Replicas[0].Ready || r.Replicas[0].Providers != 3 {
		t.Fatalf("after one look: %+v", r)
	}
	s.add("ok", 40)
	s.add("audience_mismatch", 5)
	*clock = clock.Add(10 * time.Second)
	c.Look(t.Context())
	got := c.Report().Samples
	if len(got) != 1 || got[0].Granted != 40 || got[0].Took != 10*time.Second || got[0].Missing != 0 {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff(map[string]float64{"audience_mismatch": 5}, got[0].Refused); diff != "" {
		t.Error(diff)
	}
	if d, ok := Quantile(got, .5); !ok || d < 900*time.Microsecond || d > 1100*time.Microsecond {
		t.Errorf("median %s", d)
	}
	if d, ok := Quantile(got, .99); !ok || d < 1900*time.Microsecond || d > 2*time.Millisecond {
		t.Errorf("99 %%: %s", d)
	}
}

// TestRestart: a counter that went back was begun anew, and what it counted since counts.
func TestRestart(t *testing.T) {
	s := &tokenServer{counts: map[string]float64{"ok": 1000}}
	c, _ := started(t, s, asIs)
	c.Look(t.Context())
	s.add("ok", -993)
	c.Look(t.Context())
	if got := c.Report().Samples[0].Granted; got != 7 {
		t.Errorf("%v", got)
	}
}

// TestMissing: who does not answer is said, and what came meanwhile is not made up.
func TestMissing(t *testing.T) {
	s := &tokenServer{counts: map[string]float64{"ok": 0}}
	c, clock := started(t, s, asIs)
	c.Look(t.Context())
	heard := *clock
	for _, code := range []int{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusFound} {
		*clock = clock.Add(10 * time.Second)
		s.mu.Lock()
		s.code = code
		s.mu.Unlock()
		s.add("ok", 100)
		c.Look(t.Context())
		r := c.Report()
		if r.Replicas[0].Err == nil || !strings.Contains(r.Replicas[0].Err.Error(), fmt.Sprint(code)) || !r.Replicas[0].Heard.Equal(heard) {
			t.Errorf("%d: %+v", code, r.Replicas[0])
		}
		if last := r.Samples[len(r.Samples)-1]; last.Missing != 1 || last.Granted != 0 {
			t.Errorf("%d: %+v", code, last)
		}
	}
	s.mu.Lock()
	s.code = 0
	s.mu.Unlock()
	c.Look(t.Context())
	s.add("ok", 3)
	c.Look(t.Context())
	r := c.Report().Samples
	if before, last := r[len(r)-2], r[len(r)-1]; before.Granted != 0 || before.Missing != 0 || last.Granted != 3 {
		t.Errorf("%+v, %+v", before, last)
	}
}

// TestToken: the token is sent to loopback, or by TLS, and nowhere else.
func TestToken(t *testing.T) {
	s := &tokenServer{counts: map[string]float64{}}
	withToken := func(o *Options) { o.Token = func() (string, error) { return "t0ken", nil } }
	c, _ := started(t, s, withToken)
	c.Look(t.Context())
	if len(s.auth) != 1 || s.auth[0] != "Bearer t0ken" {
		t.Errorf("loopback gets %q", s.auth)
	}
	for text, sent := range map[string]bool{"http://10.0.0.1:8081": false, "https://10.0.0.1:8081": true, "http://127.0.0.1:1": true} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, text, http.NoBody)
		if err := c.authorize(r, target{text, strings.SplitN(text, "//", 2)[1]}); err != nil || (r.Header.Get("Authorization") != "") != sent {
			t.Errorf("%s: %q, %v", text, r.Header.Get("Authorization"), err)
		}
	}
	c, _ = started(t, s, func(o *Options) { o.Token = func() (string, error) { return "", errors.New("no file") } })
	c.Look(t.Context())
	if err := c.Report().Replicas[0].Err; err == nil || !strings.Contains(err.Error(), "no file") {
		t.Errorf("%v", err)
	}
}

// TestRedirect: a redirect is not followed, for it would take the token along.
func TestRedirect(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	c, _ := started(t, &tokenServer{}, func(o *Options) { o.URLs = []string{first.URL} })
	c.Look(t.Context())
	if asked.Load() != 0 || c.Report().Replicas[0].Err == nil {
		t.Errorf("asked %d times, %v", asked.Load(), c.Report().Replicas[0].Err)
	}
}

// TestReplicas: behind each address of a name is a replica, and no more of them are asked than is reasonable.
func TestReplicas(t *testing.T) {
	var many []netip.Addr
	for i := range 200 {
		many = append(many, netip.AddrFrom4([4]byte{127, 9, 0, byte(i)}))
	}
	server := httptest.NewServer(&tokenServer{counts: map[string]float64{}})
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	c, _ := started(t, &tokenServer{}, func(o *Options) {
		o.URLs = []string{"http://pods.test" + port + "/metrics", "http://gone.test/metrics"}
		o.Resolver = hosts{"pods.test": {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::ffff:127.0.0.1")}}
	})
	c.Look(t.Context())
	r := c.Report()
	if len(r.Replicas) != 2 || r.Replicas[0].Address != "127.0.0.1"+port || r.Replicas[0].Err != nil || len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), "gone.test") {
		t.Errorf("%+v", r)
	}
	c, _ = started(t, &tokenServer{}, func(o *Options) {
		o.URLs, o.Resolver = []string{"http://many.test:1/metrics"}, hosts{"many.test": many}
	})
	c.Look(t.Context())
	if r := c.Report(); len(r.Replicas) != maxReplicas || len(r.Errs) != 1 {
		t.Errorf("%d replicas, %v", len(r.Replicas), r.Errs)
	}
}

// TestBounds: whoever answers can neither bloat nor confuse.
func TestBounds(t *testing.T) {
	const head = "# TYPE grantor_trust_ready gauge\ngrantor_trust_ready 1\n# TYPE grantor_token_requests_total counter\n"
	many := head
	for i := range 1000 {
		many += fmt.Sprintf("grantor_token_requests_total{reason=\"r%d\"} 1\n", i)
	}
	c, err := parse(strings.NewReader(many))
	if err != nil || len(c.refused) != maxReasons+1 || c.refused[Other] != 1000-maxReasons {
		t.Errorf("%d reasons, %v others, %v", len(c.refused), c.refused[Other], err)
	}
	c, err = parse(strings.NewReader(head + "grantor_token_requests_total{reason=\"<script>\"} 1\ngrantor_token_requests_total{reason=\"" + strings.Repeat("a", 65) + "\"} 2\ngrantor_token_requests_total{code=\"x\"} 4\ngrantor_token_requests_total{reason=\"nan\"} NaN\ngrantor_token_requests_total{reason=\"less\"} -5\n"))
	if err != nil || len(c.refused) != 1 || c.refused[Other] != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	for name, text := range map[string]string{
		"nothing": "", "a page": "<!DOCTYPE html>", "another program": "# TYPE up gauge\nup 1\n", "binary": "\x00\xff",
	} {
		if _, err := parse(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken for metrics", name)
		}
	}
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(head + strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", maxBody/1024+1)))
	}))
	defer long.Close()
	l, _ := started(t, &tokenServer{}, func(o *Options) {
		o.URLs = []string{long.URL}
		o.Client.Timeout = time.Minute // So much text takes a busy machine with the race detector seconds, and it is its length that is judged.
	})
	l.Look(t.Context())
	if err := l.Report().Replicas[0].Err; err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long answer: %v", err)
	}
}

func TestSamplesAreBounded(t *testing.T) {
	s := &tokenServer{counts: map[string]float64{"ok": 0}}
	c, _ := started(t, s, asIs)
	for range MaxSamples + 5 {
		c.record(nil, nil, nil, nil)
	}
	if got := len(c.Report().Samples); got != MaxSamples {
		t.Errorf("%d samples", got)
	}
}

func TestURLs(t *testing.T) {
	for text, good := range map[string]bool{
		"http://localhost:8081/metrics": true, "https://pods.ns.svc:8081/metrics": true, "http://[::1]:8081/metrics": true,
		"": false, "localhost:8081": false, "ftp://a/b": false, "http:///metrics": false, "http://user:pw@a/": false, "http://a/#b": false,
	} {
		if _, err := New(Options{URLs: []string{text}}); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestQuantile(t *testing.T) {
	sample := func(buckets map[float64]float64) []Sample { return []Sample{{buckets: buckets}} }
	for name, tc := range map[string]struct {
		buckets map[float64]float64
		want    time.Duration
		ok      bool
	}{
		"nothing":               {nil, 0, false},
		"no request":            {map[float64]float64{.001: 0, math.Inf(1): 0}, 0, false},
		"all slower than bound": {map[float64]float64{.001: 0, math.Inf(1): 5}, time.Millisecond, true},
		"in the first":          {map[float64]float64{.001: 10, math.Inf(1): 10}, 500 * time.Microsecond, true},
	} {
		if got, ok := Quantile(sample(tc.buckets), .5); ok != tc.ok || got != tc.want {
			t.Errorf("%s: %s %t", name, got, ok)
		}
	}
}

// TestRunLooksTwiceSoon: there is something to show long before the interval is over.
func TestRunLooksTwiceSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var looks []time.Duration
		begin := time.Now()
		c, err := New(Options{URLs: []string{"http://pods.test/metrics"}, Interval: time.Minute, Clock: time.Now, Resolver: resolverFunc(func() {
			if looks = append(looks, time.Since(begin)); len(looks) == 4 {
				cancel()
			}
		})})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{0, secondLook, secondLook + time.Minute, secondLook + 2*time.Minute}; !slices.Equal(looks, want) {
			t.Errorf("it looks after %v, want %v", looks, want)
		}
	})
}

// resolverFunc is a Resolver that finds nothing, and is told so.
type resolverFunc func()

func (f resolverFunc) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	f()
	return nil, errors.New("no such host")
}
