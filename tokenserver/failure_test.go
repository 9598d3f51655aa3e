package tokenserver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// consume is a replay.Store in one function.
type consume func() error

func (c consume) Consume(context.Context, state.Use, time.Time) error { return c() }

func (c consume) Advance(context.Context, state.Step, time.Time) error { return c() }

// W-85: while the store is not loaded, or the server has no keys, nothing is answered but to come back.
func TestNotReady(t *testing.T) {
	for name, change := range map[string]func(*fixture){
		"not loaded": func(f *fixture) {
			s := trust.NewStore()
			s.Update(func(tx *trust.Tx) {
				tx.SetRing(ring(noon))
				tx.SetDigestKeys(keyring.NewDigestKeys(f.digestKey))
				tx.PutClient(f.client("c1"))
				tx.PutProvider(provider("a", idpA))
			})
			f.config.Trust = s
		},
		"empty":   func(f *fixture) { f.config.Trust = trust.NewStore() },
		"no ring": func(f *fixture) { f.store.Update(func(tx *trust.Tx) { tx.SetRing(nil) }) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			change(f)
			for _, c := range []call{f.call("c1", f.assertion(idpA, "1")), f.call("nobody", "x"), {method: http.MethodPost, target: PathToken}} {
				a := f.send(t, c.request())
				if a.status != http.StatusServiceUnavailable || a.code() != string(oauth.TemporarilyUnavailable) || a.reason != string(oauth.ReasonNotReady) {
					t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
				}
			}
		})
	}
}

// H-23: who cannot be told whether an assertion is new gets no token.
func TestStateFails(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
		reason oauth.Reason
	}{
		"H-23 store down":    {errors.New("dial tcp: connection refused"), http.StatusServiceUnavailable, oauth.ReasonStateUnavailable},
		"H-23 store slow":    {context.DeadlineExceeded, http.StatusServiceUnavailable, oauth.ReasonStateUnavailable},
		"H-23 caller gone":   {context.Canceled, http.StatusServiceUnavailable, oauth.ReasonStateUnavailable},
		"H-08 used":          {state.ErrUsed, http.StatusBadRequest, oauth.ReasonReplayed},
		"H-20 before memory": {state.ErrBeforeStart, http.StatusBadRequest, oauth.ReasonIssuedBeforeStart},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Replay = consume(func() error { return tc.err }) })
			a := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
			if a.status != tc.status || a.reason != string(tc.reason) || a.token() != "" {
				t.Errorf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			if strings.Contains(a.text, tc.err.Error()) {
				t.Errorf("the answer holds the text of the error: %s", a.text)
			}
		})
	}
}

func TestNoSigningKey(t *testing.T) {
	f := newFixture(t)
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(ring(noon.Add(time.Second))) })
	a := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	if a.status != http.StatusServiceUnavailable || a.reason != string(oauth.ReasonNoSigningKey) || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d for %q with %v", a.status, a.reason, a.header)
	}
}

// P-05: a ring that is replaced signs from the next request on, with the keys of that ring only.
func TestRingReplaced(t *testing.T) {
	f := newFixture(t)
	other := must(keyring.Generate(noon.Add(-time.Hour)))
	f.store.Update(func(tx *trust.Tx) { tx.SetRing(other) })
	a := f.send(t, f.call("c1", f.assertion(idpA, "1")).request())
	if got, want := header(t, a.token())["kid"], other.Current(noon).PublicKey().KeyID(); got != want {
		t.Errorf("kid is %v, want %v", got, want)
	}
}

// unstable panics with its cause until it is mended.
type unstable struct {
	cause  any // nil for an error of the runtime
	mended bool
}

func (u *unstable) Consume(context.Context, state.Use, time.Time) error {
	if u.mended {
		return nil
	}
	if u.cause == nil {
		return []error{}[len(secretOf("c1"))]
	}
	panic(u.cause)
}

func (*unstable) Advance(context.Context, state.Step, time.Time) error { return nil }

// messages counts the records of the log by message.
func (f *fixture) messages(t *testing.T) map[any]int {
	t.Helper()
	messages := map[any]int{}
	for _, r := range f.records(t) {
		messages[r["msg"]]++
	}
	return messages
}

// A panic is answered, recorded as a failure, counted, and the next request is served.
func TestPanic(t *testing.T) {
	for name, cause := range map[string]any{
		"text": "secret " + secretOf("c1"), "error": errors.New("secret " + secretOf("c1")), "runtime error": nil,
	} {
		t.Run(name, func(t *testing.T) {
			store := &unstable{cause: cause}
			f := newFixture(t, func(c *Config) { c.Replay = store })
			assertion := f.assertion(idpA, "1")
			a := f.send(t, f.call("c1", assertion).request())
			if a.status != http.StatusInternalServerError || a.code() != string(oauth.ServerError) || len(a.body) != 2 {
				t.Errorf("got %d: %s", a.status, a.text)
			}
			if diff := cmp.Diff(map[any]int{"access token refused": 1, "panic while serving": 1}, f.messages(t)); diff != "" {
				t.Errorf("messages in the log (-want +got):\n%s", diff)
			}
			if f.series(t, "grantor_token_requests_total", "code", "ok") != 0 || f.series(t, "grantor_panics_total") != 1 ||
				f.series(t, "grantor_token_requests_total", "code", "server_error", "reason", "internal") != 1 {
				t.Error("the metrics do not count one failure and one panic")
			}
			if log := f.audit.String(); strings.Contains(log, secretOf("c1")) || strings.Contains(log, assertion) {
				t.Errorf("the log holds the text of the panic: %s", log)
			}
			store.mended = true
			if a := f.send(t, f.call("c1", assertion).request()); a.status != http.StatusOK {
				t.Errorf("the next request gets %d", a.status)
			}
		})
	}
}

// The server lives on after a panic also over a connection.
func TestPanicOverConnection(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Replay = consume(func() error { panic("boom") }) })
	s := httptest.NewServer(f)
	defer s.Close()
	for i := range 3 {
		c := f.call("c1", f.assertion(idpA, string(rune('a'+i))))
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.target, strings.NewReader(c.form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = c.header
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("request %d gets %d, want 500", i, resp.StatusCode)
		}
	}
}

// http.ErrAbortHandler is how a handler asks the server to cut the connection; it is passed on.
func TestAbort(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Replay = consume(func() error { panic(http.ErrAbortHandler) }) })
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // The very value is what net/http looks for.
			t.Errorf("recovered %v, want %v", cause, http.ErrAbortHandler)
		}
		if n := f.series(t, "grantor_token_requests_total", "code", "ok"); n != 0 {
			t.Errorf("%v requests count as granted, want none", n)
		}
	}()
	f.ServeHTTP(httptest.NewRecorder(), f.call("c1", f.assertion(idpA, "1")).request())
}
