package exchange

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// presented is what no error may hold.
const presented = "eyJhbGciOiJub25lIn0.a-secret+of/all.secrets=="

// granted is a right answer.
const granted = `{"access_token":"at","token_type":"bearer","expires_in":60,"scope":"read","refresh_token":"rt","issued_token_type":"urn:x"}`

func now() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

// write makes a file in a folder of the test.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func source(t *testing.T, text string) Source {
	t.Helper()
	s, err := ParseSource(write(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// site is a token endpoint over TLS, and what trusts it.
func site(t *testing.T, handler http.HandlerFunc) (*httptest.Server, Endpoint) {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	t.Cleanup(s.Close)
	ca := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	return s, Endpoint{TokenEndpoint: s.URL + "/token", CAFile: ca, Timeout: 20 * time.Second, Now: now, Client: Credentials{ID: "c1"}}
}

func request(t *testing.T) Request {
	t.Helper()
	return Request{GrantType: oauth.GrantTypeJWTBearer, Assertion: source(t, presented+"\n")}
}

func TestGranted(t *testing.T) {
	var got url.Values
	_, e := site(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, _ = url.ParseQuery(string(text))
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = io.WriteString(w, granted)
	})
	q := request(t)
	q.Scopes, q.Resources = []string{"read", "write"}, []string{"https://a.test", "https://b.test"}
	token, err := e.Exchange(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := Token{AccessToken: "at", RefreshToken: "rt", IssuedTokenType: "urn:x", ExpiresIn: time.Minute, Scope: "read"}
	if token != want {
		t.Errorf("%#v", token)
	}
	if diff := cmp.Diff(url.Values{
		"grant_type": {oauth.GrantTypeJWTBearer}, "assertion": {presented}, "client_id": {"c1"}, "scope": {"read write"},
		"resource": {"https://a.test", "https://b.test"},
	}, got); diff != "" {
		t.Error(diff)
	}
}

// TestAnswers changes the answer: what is no token is an error that says what it is, and holds nothing that was presented.
func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		kind, body string
		header     map[string]string
		outcome    Outcome
		says       string
		wait       time.Duration
	}{
		"refusal":                    {status: 400, body: `{"error":"invalid_grant","error_description":"No."}`, outcome: Refused, says: "answers 400 invalid_grant: No."},
		"refusal without words":      {status: 401, body: `{"error":"invalid_client"}`, outcome: Refused, says: "answers 401 invalid_client"},
		"unknown code":               {status: 400, body: `{"error":"consent_required"}`, outcome: Refused, says: "consent_required"},
		"unknown code, busy":         {status: 503, body: `{"error":"busy"}`, outcome: Unavailable, says: "503 busy"},
		"too often":                  {status: 429, body: `{"error":"slow_down"}`, header: map[string]string{"Retry-After": "7"}, outcome: Unavailable, says: "slow_down", wait: 7 * time.Second},
		"not now":                    {status: 503, body: `{"error":"temporarily_unavailable"}`, header: map[string]string{"Retry-After": "1"}, outcome: Unavailable, says: "temporarily", wait: time.Second},
		"wait for ever":              {status: 503, body: `{"error":"temporarily_unavailable"}`, header: map[string]string{"Retry-After": "99999999999"}, outcome: Unavailable, says: "temporarily", wait: time.Hour},
		"wait for less than nothing": {status: 503, body: `{"error":"temporarily_unavailable"}`, header: map[string]string{"Retry-After": "-5"}, outcome: Unavailable, says: "temporarily"},
		"wait for nonsense":          {status: 503, body: `{"error":"temporarily_unavailable"}`, header: map[string]string{"Retry-After": "soon"}, outcome: Unavailable, says: "temporarily"},
		"wait until": {
			status: 503, body: `{"error":"temporarily_unavailable"}`, outcome: Unavailable, says: "temporarily", wait: 30 * time.Second,
			header: map[string]string{"Date": "Mon, 01 Jun 2020 12:00:00 GMT", "Retry-After": "Mon, 01 Jun 2020 12:00:30 GMT"},
		},
		"wait until before": {
			status: 503, body: `{"error":"temporarily_unavailable"}`, outcome: Unavailable, says: "temporarily",
			header: map[string]string{"Date": "Mon, 01 Jun 2020 12:00:00 GMT", "Retry-After": "Mon, 01 Jun 2020 11:00:30 GMT"},
		},
		"page of a proxy":         {status: 502, kind: "text/html", body: "<html>", header: map[string]string{"Retry-After": "3"}, outcome: Unavailable, says: `answers 502 with "text/html"`, wait: 3 * time.Second},
		"garbage":                 {status: 200, body: "\x00\xff", outcome: Unavailable, says: "broken JSON"},
		"two documents":           {status: 200, body: granted + granted, outcome: Unavailable, says: "broken JSON"},
		"error without a code":    {status: 500, body: `{}`, outcome: Unavailable, says: "500 and does not say why"},
		"redirect":                {status: 307, body: `{}`, header: map[string]string{"Location": "/elsewhere"}, outcome: Unavailable, says: "307"},
		"redirect with a token":   {status: 302, body: granted, header: map[string]string{"Location": "/elsewhere"}, outcome: Unavailable, says: "302"},
		"redirect to a login":     {status: 303, kind: "text/html", header: map[string]string{"Location": "https://login.test/a?" + presented}, outcome: Unavailable, says: "leads to https://login.test, where nothing is sent"},
		"no token":                {status: 200, body: `{"token_type":"Bearer"}`, outcome: Unavailable, says: "without an access token"},
		"token of several lines":  {status: 200, body: `{"access_token":"a\nb","token_type":"Bearer"}`, outcome: Unavailable, says: "no header can hold"},
		"token of several words":  {status: 200, body: `{"access_token":"a b","token_type":"Bearer"}`, outcome: Unavailable, says: "no header can hold"},
		"token in another script": {status: 200, body: `{"access_token":"ä","token_type":"Bearer"}`, outcome: Unavailable, says: "no header can hold"},
		"not for a bearer":        {status: 200, body: `{"access_token":"a","token_type":"DPoP"}`, outcome: Unavailable, says: `of type "DPoP"`},
		"of no type":              {status: 200, body: `{"access_token":"a"}`, outcome: Unavailable, says: "not for a bearer"},
		"expired":                 {status: 200, body: `{"access_token":"a","token_type":"Bearer","expires_in":0}`, outcome: Unavailable, says: "has expired"},
		"lifetime in words":       {status: 200, body: `{"access_token":"a","token_type":"Bearer","expires_in":"1h"}`, outcome: Unavailable, says: "expires_in that is no number of seconds"},
		"lifetime of no number":   {status: 200, body: `{"access_token":"a","token_type":"Bearer","expires_in":"NaN"}`, outcome: Unavailable, says: "no number of seconds"},
		"lifetime as a list":      {status: 200, body: `{"access_token":"a","token_type":"Bearer","expires_in":[60]}`, outcome: Unavailable, says: "no number of seconds"},
		"lifetime below nothing":  {status: 200, body: `{"access_token":"a","token_type":"Bearer","expires_in":-1e300}`, outcome: Unavailable, says: "has expired"},
		"token as a number":       {status: 200, body: `{"access_token":1}`, outcome: Unavailable, says: "with JSON whose access_token is of the wrong type"},
		"a list":                  {status: 200, body: `[]`, outcome: Unavailable, says: "with JSON that is no object"},
		"refresh token of lines":  {status: 200, body: `{"access_token":"a","token_type":"Bearer","refresh_token":"\n"}`, outcome: Unavailable, says: "no form can hold"},
		"endless":                 {status: 200, body: `{"access_token":"a","token_type":"Bearer"` + strings.Repeat(" ", maxAnswer) + "}", outcome: Unavailable, says: "more than 1024 KiB"},
		"terminal":                {status: 400, body: `{"error":"\u001b[2J","error_description":"\u001b]0;x\u0007ü\""}`, outcome: Refused, says: "answers 400 ?[2J: ?]0;x???"},
		"long":                    {status: 400, body: `{"error":"a","error_description":"` + strings.Repeat("b", 9999) + `"}`, outcome: Refused, says: strings.Repeat("b", maxDescription) + "..."},
		"echo":                    {status: 400, body: `{"error":"invalid_request","error_description":"what is ` + presented + `?"}`, outcome: Refused, says: "invalid_request: [it repeats what was presented, and is not shown]"},
		"echo in the code":        {status: 400, body: `{"error":"` + presented + `"}`, outcome: Refused, says: "400 [it repeats"},
		"echo of the form":        {status: 400, body: `{"error":"a","error_description":"assertion=` + url.QueryEscape(presented) + `"}`, outcome: Refused, says: "not shown"},
		"echo that is cut":        {status: 400, body: `{"error":"a","error_description":"` + strings.Repeat(" ", maxDescription-maxRepeated-1) + presented + `"}`, outcome: Refused, says: "not shown"},
		"echo of the end":         {status: 400, body: `{"error":"a","error_description":"what is ` + presented[len(presented)-maxRepeated-1:] + `?"}`, outcome: Refused, says: "not shown"},
		"no echo":                 {status: 400, body: `{"error":"a","error_description":"what is ` + presented[len(presented)-maxRepeated:] + `?"}`, outcome: Refused, says: "what is"},
		"echo in a header":        {status: 500, kind: presented, body: `x`, outcome: Unavailable, says: "not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			var elsewhere atomic.Bool
			_, e := site(t, func(w http.ResponseWriter, r *http.Request) {
				elsewhere.Store(elsewhere.Load() || r.URL.Path != "/token")
				w.Header().Set("Content-Type", "application/json")
				if tc.kind != "" {
					w.Header().Set("Content-Type", tc.kind)
				}
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, err := e.Exchange(t.Context(), request(t))
			checkError(t, err, tc.outcome, tc.says, tc.wait)
			if elsewhere.Load() {
				t.Error("a redirect was followed")
			}
		})
	}
}

func checkError(t *testing.T, err error, outcome Outcome, says string, wait time.Duration) {
	t.Helper()
	if err == nil {
		t.Fatal("there is a token")
	}
	if OutcomeOf(err) != outcome || !strings.Contains(err.Error(), says) || RetryAfter(err) != wait {
		t.Errorf("%s, wait %s: %v", OutcomeOf(err), RetryAfter(err), err)
	}
	if strings.Contains(err.Error(), presented) || strings.Contains(err.Error(), url.QueryEscape(presented)) || len(err.Error()) > 1000 {
		t.Errorf("it says too much: %v", err)
	}
}

// TestLifetimes: what a server says of the life of a token is taken as far as it can be meant.
func TestLifetimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, `,"expires_in":null`: 0, `,"expires_in":3600`: time.Hour, `,"expires_in":9223372036854775807`: maxLifetime,
		`,"expires_in":1e300`: maxLifetime, `,"expires_in":1e999`: maxLifetime, `,"expires_in":"3600"`: time.Hour, `,"expires_in":3600.9`: time.Hour,
	} {
		_, e := site(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"access_token":"a","token_type":"Bearer"`+text+`}`)
		})
		if token, err := e.Exchange(t.Context(), request(t)); err != nil || token.ExpiresIn != want {
			t.Errorf("%s: %s, %v", text, token.ExpiresIn, err)
		}
	}
}

// TestSlow: who does not answer, and who does not stop answering, is left after a while.
func TestSlow(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"says nothing": func(http.ResponseWriter) {},
		"says little": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"access_token":`)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := site(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
				w.Header().Set("Content-Type", "application/json")
				answer(w)
				<-r.Context().Done()
			})
			e.Timeout = 200 * time.Millisecond
			if _, err := e.Exchange(t.Context(), request(t)); OutcomeOf(err) != Unavailable || !strings.Contains(err.Error(), "no answer within 200ms (--timeout)") {
				t.Errorf("%s: %v", OutcomeOf(err), err)
			}
		})
	}
}

func TestCertificateOfNobody(t *testing.T) {
	_, e := site(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	e.CAFile = ""
	if _, err := e.Exchange(t.Context(), request(t)); OutcomeOf(err) != Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%s: %v", OutcomeOf(err), err)
	}
	e.CAFile = write(t, "no certificate")
	if _, err := e.Exchange(t.Context(), request(t)); OutcomeOf(err) != Failed || !strings.Contains(err.Error(), "holds no certificate in PEM") {
		t.Errorf("%s: %v", OutcomeOf(err), err)
	}
}

// TestNothingToPresent: a request that cannot be whole is not sent.
func TestNothingToPresent(t *testing.T) {
	_, e := site(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	q := request(t)
	q.Assertion = &file{filepath.Join(t.TempDir(), "none")}
	_, err := e.Exchange(t.Context(), q)
	if OutcomeOf(err) != Failed || !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "assertion: open file: ") {
		t.Errorf("%s: %v", OutcomeOf(err), err)
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, e := site(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
		w.WriteHeader(http.StatusTeapot)
	})
	if _, err := e.Exchange(ctx, request(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestDiscovery: the endpoint is where the metadata of the issuer says, and nowhere else.
func TestDiscovery(t *testing.T) {
	for name, tc := range map[string]struct{ document, says string }{
		"found":             {`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys","token_endpoint":"ISSUER/token"}`, ""},
		"another issuer":    {`{"issuer":"https://evil.test","jwks_uri":"ISSUER/keys","token_endpoint":"ISSUER/token"}`, "is the document of issuer"},
		"another host":      {`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys","token_endpoint":"https://evil.test/token"}`, "not below the issuer"},
		"a host that looks": {`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys","token_endpoint":"ISSUER.evil.test/token"}`, "not below the issuer"},
		"no endpoint":       {`{"issuer":"ISSUER","jwks_uri":"ISSUER/keys"}`, "not below the issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			var issuer string
			s, e := site(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch r.Method + r.URL.Path {
				case "GET/.well-known/oauth-authorization-server/a":
					_, _ = io.WriteString(w, strings.ReplaceAll(tc.document, "ISSUER", issuer))
				case "POST/a/token":
					_, _ = io.WriteString(w, granted)
				default:
					t.Errorf("%s %s", r.Method, r.URL)
				}
			})
			issuer = s.URL + "/a"
			e.Issuer, e.TokenEndpoint = issuer, ""
			_, err := e.Exchange(t.Context(), request(t))
			if tc.says == "" && err != nil || tc.says != "" && (OutcomeOf(err) != Unavailable || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("%s: %v", OutcomeOf(err), err)
			}
		})
	}
}

// TestEveryCodeHasAHint: whoever is refused learns where to look.
func TestEveryCodeHasAHint(t *testing.T) {
	seen := map[string]bool{}
	for _, code := range oauth.Codes() {
		e := &RefusalError{Code: string(code), Status: code.Status()}
		hint := Hint(fmt.Errorf("exchange: %w", e))
		if hint == "" || seen[hint] {
			t.Errorf("%s: %q", code, hint)
		}
		seen[hint] = true
		if temporary := code.Status() >= 429; e.Temporary() != temporary {
			t.Errorf("%s is temporary: %t", code, e.Temporary())
		}
	}
	if Hint(&UnavailableError{cause: errors.New("x")}) == "" || Hint(errors.New("x")) != "" {
		t.Error("what cannot be reached has a hint, and what was not asked has none")
	}
}
