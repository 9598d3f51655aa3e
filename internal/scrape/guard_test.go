package scrape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"
)

// apiServer judges by a token's first word: who it is, and whether it may.
type apiServer struct {
	t       *testing.T
	reviews atomic.Int32
	// asked is the last question about a permission.
	asked atomic.Pointer[authorizationv1.SubjectAccessReviewSpec]
	// fails is the path of reviews that are answered with 403, as to a process without the permission, and hangs one that is
	// never answered.
	fails, hangs string
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.reviews.Add(1)
	if s.hangs != "" && strings.HasSuffix(r.URL.Path, s.hangs) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the caller has gone
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if s.fails != "" && strings.HasSuffix(r.URL.Path, s.fails) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"may not create"}`))
		return
	}
	var answer any
	switch r.URL.Path {
	case "/apis/authentication.k8s.io/v1/tokenreviews":
		var review authenticationv1.TokenReview
		s.decode(r, &review)
		review.Status.Error = "no such token"
		if who, known := strings.CutPrefix(review.Spec.Token, "of-"); known {
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{
				Username: who, UID: "uid", Groups: []string{"group"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"p"}},
			}}
		}
		answer = review
	case "/apis/authorization.k8s.io/v1/subjectaccessreviews":
		var review authorizationv1.SubjectAccessReview
		s.decode(r, &review)
		s.asked.Store(&review.Spec)
		review.Status.Allowed = review.Spec.User == "prometheus" || review.Spec.User == "torn"
		review.Status.Denied = review.Spec.User == "torn"
		answer = review
	default:
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusCreated)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.t.Error(err)
	}
}

func (s *apiServer) decode(r *http.Request, into any) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		s.t.Error(err)
	}
}

// fixture is a guard before a handler, with a clock.
type fixture struct {
	*Guard
	server  *apiServer
	handler http.Handler
	clock   time.Time
	logged  bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{server: &apiServer{t: t}, clock: time.Unix(1_800_000_000, 0)}
	s := httptest.NewServer(f.server)
	t.Cleanup(s.Close)
	config := &rest.Config{Host: s.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	g, err := NewGuard(config, slog.New(slog.NewJSONHandler(&f.logged, nil)), func() time.Time { return f.clock })
	if err != nil {
		t.Fatal(err)
	}
	f.Guard = g
	f.handler = g.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("numbers")) }))
	return f
}

func (f *fixture) ask(t *testing.T, method, path string, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if (w.Code == http.StatusOK) != (w.Body.String() == "numbers") {
		t.Errorf("%d with %q", w.Code, w.Body)
	}
	return w
}

func TestGuard(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path  string
		authorization []string
		status        int
	}{
		"who may":                     {"GET", Path, []string{"Bearer of-prometheus"}, 200},
		"the scheme in small letters": {"GET", Path, []string{"bearer of-prometheus"}, 200},
		"who may not":                 {"GET", Path, []string{"Bearer of-stranger"}, 403},
		"allowed and denied":          {"GET", Path, []string{"Bearer of-torn"}, 403},
		"no token":                    {"GET", Path, nil, 401},
		"an empty token":              {"GET", Path, []string{"Bearer "}, 401},
		"a token that is none":        {"GET", Path, []string{"Bearer garbage"}, 401},
		"another scheme":              {"GET", Path, []string{"Basic of-prometheus"}, 401},
		"two tokens":                  {"GET", Path, []string{"Bearer of-prometheus", "Bearer of-prometheus"}, 401},
		"another method":              {"POST", Path, []string{"Bearer of-prometheus"}, 405},
		"HEAD":                        {"HEAD", Path, []string{"Bearer of-prometheus"}, 405},
		"another path":                {"GET", "/debug/pprof/", []string{"Bearer of-prometheus"}, 404},
		"a path below":                {"GET", Path + "/", []string{"Bearer of-prometheus"}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			w := f.ask(t, tc.method, tc.path, tc.authorization...)
			if w.Code != tc.status || (w.Header().Get("WWW-Authenticate") == "Bearer") != (tc.status == http.StatusUnauthorized) {
				t.Errorf("%d, %v", w.Code, w.Header())
			}
			if f.logged.Len() != 0 {
				t.Errorf("logged: %s", &f.logged)
			}
		})
	}
}

// All that is known of the caller counts, and what is asked is what a role names.
func TestQuestion(t *testing.T) {
	f := newFixture(t)
	f.ask(t, http.MethodGet, Path, "Bearer of-stranger")
	want := authorizationv1.SubjectAccessReviewSpec{
		User: "stranger", UID: "uid", Groups: []string{"group"}, Extra: map[string]authorizationv1.ExtraValue{"pod": {"p"}},
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
	}
	if diff := cmp.Diff(&want, f.server.asked.Load()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A permission counts for a minute, a refusal for itself alone.
func TestMemory(t *testing.T) {
	f := newFixture(t)
	for i, step := range []struct {
		after  time.Duration
		token  string
		status int
		asked  int32
	}{
		{0, "of-prometheus", 200, 2},
		{59 * time.Second, "of-prometheus", 200, 0},
		{0, "of-prometheus ", 200, 0},
		{0, "of-prometheus2", 403, 2},
		{0, "of-prometheus2", 403, 2},
		{0, "garbage", 401, 1},
		{0, "garbage", 401, 1},
		{time.Second, "of-prometheus", 200, 2},
	} {
		f.clock = f.clock.Add(step.after)
		f.server.reviews.Store(0)
		if w := f.ask(t, http.MethodGet, Path, "Bearer "+step.token); w.Code != step.status || f.server.reviews.Load() != step.asked {
			t.Errorf("step %d: %d after %d reviews", i, w.Code, f.server.reviews.Load())
		}
	}
}

// Who fills the memory is asked about each time, and what has ended makes room.
func TestMemoryIsBounded(t *testing.T) {
	m, now := newMemory(), time.Unix(0, 0)
	for i := range memorySize + 10 {
		m.add(fmt.Sprint(i), now)
	}
	if len(m.until) != memorySize || m.has(fmt.Sprint(memorySize), now) {
		t.Errorf("%d tokens are remembered", len(m.until))
	}
	later := now.Add(memorySpan)
	if m.add("late", later); len(m.until) != 1 || !m.has("late", later) || m.has("0", later) {
		t.Errorf("%d tokens are remembered later", len(m.until))
	}
}

// Who cannot be judged gets nothing, in bounded time, and the log says what is the matter, not too often and without the token.
func TestWithoutJudge(t *testing.T) {
	for name, spoil := range map[string]func(*fixture){
		"no permission to ask who it is":   func(f *fixture) { f.server.fails = "tokenreviews" },
		"no permission to ask what it may": func(f *fixture) { f.server.fails = "subjectaccessreviews" },
		"no answer who it is":              func(f *fixture) { f.server.hangs = "tokenreviews" },
		"no answer what it may":            func(f *fixture) { f.server.hangs = "subjectaccessreviews" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.timeout = 50 * time.Millisecond
			spoil(f)
			for range 2 {
				if w := f.ask(t, http.MethodGet, Path, "Bearer of-prometheus"); w.Code != http.StatusServiceUnavailable {
					t.Errorf("%d", w.Code)
				}
			}
			log := f.logged.String()
			if strings.Count(log, "the API server does not say who may read metrics") != 1 || strings.Contains(log, "of-prometheus") {
				t.Errorf("logged: %s", log)
			}
			f.clock = f.clock.Add(complaintInterval)
			if f.ask(t, http.MethodGet, Path, "Bearer of-prometheus"); strings.Count(f.logged.String(), "\n") != 2 {
				t.Errorf("logged later: %s", &f.logged)
			}
		})
	}
}

// Strangers with tokens that they make up cannot have the API server flooded.
func TestReviewsAreBounded(t *testing.T) {
	f := newFixture(t)
	f.timeout = 100 * time.Millisecond
	statuses, begin := map[int]int{}, time.Now()
	for i := range 10 * reviewBurst {
		statuses[f.ask(t, http.MethodGet, Path, fmt.Sprint("Bearer ", i)).Code]++
	}
	// On a busy machine there are more, for it takes longer, and one may be answered too late.
	n, most := int(f.server.reviews.Load()), reviewBurst+1+int(reviewsPerSecond*time.Since(begin).Seconds())
	refused, unjudged := statuses[http.StatusUnauthorized], statuses[http.StatusServiceUnavailable]
	if n < reviewBurst || n > most || refused == 0 || refused > n || refused+unjudged != 10*reviewBurst {
		t.Errorf("%d reviews of at most %d, answers %v", n, most, statuses)
	}
}
