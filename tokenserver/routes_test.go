package tokenserver

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// at asks for any path with any method, with everything that a good token request has.
func (f *fixture) at(t testing.TB, method, target string) answer {
	t.Helper()
	c := f.call("c1", f.assertion(idpA, "1"))
	c.method, c.target = method, target
	return f.send(t, c.request())
}

func TestMethods(t *testing.T) {
	token, read := []string{http.MethodPost}, []string{http.MethodGet, http.MethodHead}
	for path, allowed := range map[string][]string{
		PathToken: token, PathTokenAlias: token, PathJWKS: read, PathMetadata: read, PathOpenIDMetadata: read,
	} {
		for _, method := range []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodTrace,
			http.MethodOptions, http.MethodConnect, "get", "PROPFIND",
		} {
			t.Run("A-20 P-04 "+method+" "+path, func(t *testing.T) {
				a := newFixture(t).at(t, method, path)
				if slices.Contains(allowed, method) {
					if a.status != http.StatusOK {
						t.Errorf("got %d: %s", a.status, a.text)
					}
					return
				}
				expectNoMethod(t, a, allowed)
			})
		}
	}
}

func expectNoMethod(t *testing.T, a answer, allowed []string) {
	t.Helper()
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != strings.Join(allowed, ", ") {
		t.Errorf("got %d with Allow %q, want 405 with %q", a.status, a.header.Get("Allow"), allowed)
	}
	if a.code() != string(oauth.InvalidRequest) || a.token() != "" {
		t.Errorf("body is %s", a.text)
	}
	if strings.Contains(a.text, "Basic") || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the answer echoes credentials or opens itself to other origins: %v %s", a.header, a.text)
	}
}

// another spelling of a path is another path, and there is nothing.
func TestOtherPaths(t *testing.T) {
	for _, path := range []string{
		"/", "//oauth2/token", "/oauth2//token", "/./oauth2/token", "/oauth2/./token", "/oauth2/../oauth2/token", "/%2e/oauth2/token",
		"/oauth2/%2e/token", "/oauth2/%74oken", "/oauth2%2ftoken", "/oauth2%2Ftoken", "/oauth2/token/", "/oauth2/token//", "/oauth2/Token",
		"/OAUTH2/TOKEN", "/oauth2/token;x=1", "/oauth2/token%00", "/oauth2/token%20", "/oauth2/token.json", "/token/", "/Token", "/oauth2",
		"/oauth2/authorize", "/debug/pprof/", "/debug/vars", "/metrics", "/healthz", "/.well-known/", "/.well-known/oauth-authorization-server/",
		"/.well-known/oauth-authorization-server/tenant", "/tenant/oauth2/token", "/.well-known//openid-configuration", "/favicon.ico",
	} {
		t.Run("A-21 P-07 "+path, func(t *testing.T) {
			f := newFixture(t)
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				a := f.at(t, method, path)
				if a.status != http.StatusNotFound || a.code() != string(oauth.InvalidRequest) || a.header.Get("Location") != "" {
					t.Errorf("%s gets %d: %s", method, a.status, a.text)
				}
			}
		})
	}
}

// A path in the issuer is a prefix of all endpoints but the metadata, where it is a suffix (RFC 8414 §3.1).
func TestPathsOfIssuerWithPath(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Issuer = server + "/tenant/%C3%BC" })
	for path, want := range map[string]int{
		"/tenant/%C3%BC/oauth2/token":                            http.StatusMethodNotAllowed,
		"/tenant/%C3%BC/token":                                   http.StatusMethodNotAllowed,
		"/tenant/%C3%BC/oauth2/jwks":                             http.StatusOK,
		"/tenant/%C3%BC/.well-known/openid-configuration":        http.StatusOK,
		"/.well-known/oauth-authorization-server/tenant/%C3%BC":  http.StatusOK,
		"/oauth2/jwks":                                           http.StatusOK,
		"/.well-known/oauth-authorization-server":                http.StatusNotFound,
		"/tenant/%C3%BC/.well-known/oauth-authorization-server":  http.StatusNotFound,
		"/tenant/%c3%bc/oauth2/jwks":                             http.StatusNotFound,
		"/tenant/%C3%BC":                                         http.StatusNotFound,
		"/.well-known/oauth-authorization-server/tenant/%C3%BC/": http.StatusNotFound,
	} {
		if a := f.at(t, http.MethodGet, path); a.status != want {
			t.Errorf("GET %s gets %d, want %d", path, a.status, want)
		}
	}
	a := f.at(t, http.MethodGet, "/")
	if !strings.Contains(a.text, " "+PathMetadata+"/tenant/%C3%BC.") {
		t.Errorf("what is not there does not point to the metadata: %s", a.text)
	}
}

// W-76: every answer says that it is JSON and of what kind the browser must not guess, and that caches must not keep it,
// unless it is public.
func TestHeaders(t *testing.T) {
	const kept = "public, max-age=300"
	for name, tc := range map[string]struct {
		request func(*fixture) *http.Request
		status  int
		cache   string
		extra   http.Header
	}{
		"granted": {func(f *fixture) *http.Request { return f.call("c1", f.assertion(idpA, "1")).request() }, 200, "no-store", http.Header{"Pragma": {"no-cache"}}},
		"refused": {func(f *fixture) *http.Request { return f.call("c1", "x").request() }, 400, "no-store", http.Header{"Pragma": {"no-cache"}}},
		"W-82 not authenticated": {func(f *fixture) *http.Request { return f.call("nobody", "x").request() }, 401, "no-store", http.Header{
			"Pragma": {"no-cache"}, "Www-Authenticate": {`Basic realm="token endpoint", charset="UTF-8"`},
		}},
		"W-85 not ready": {func(f *fixture) *http.Request { f.config.Trust = trust.NewStore(); return f.call("c1", "x").request() }, 503, "no-store", http.Header{
			"Pragma": {"no-cache"}, "Retry-After": {"1"},
		}},
		"panic": {func(f *fixture) *http.Request {
			f.config.Replay = nil
			return f.call("c1", f.assertion(idpA, "1")).request()
		}, 500, "no-store", http.Header{"Pragma": {"no-cache"}}},
		"no endpoint": {func(*fixture) *http.Request { return ask(http.MethodGet, "/", "") }, 404, "no-store", nil},
		"no method": {func(*fixture) *http.Request { return ask(http.MethodGet, PathToken, "") }, 405, "no-store", http.Header{
			"Allow": {"POST"},
		}},
		"JWK Set":         {func(*fixture) *http.Request { return ask(http.MethodGet, PathJWKS, "") }, 200, kept, nil},
		"metadata":        {func(*fixture) *http.Request { return ask(http.MethodGet, PathMetadata, "") }, 200, kept, nil},
		"OpenID metadata": {func(*fixture) *http.Request { return ask(http.MethodGet, PathOpenIDMetadata, "") }, 200, kept, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			a := f.send(t, tc.request(f))
			want := http.Header{"Content-Type": {"application/json"}, "X-Content-Type-Options": {"nosniff"}, "Cache-Control": {tc.cache}}
			maps.Copy(want, tc.extra)
			if tc.cache == kept {
				want["Etag"] = a.header["Etag"] // TestConditionalRequests looks at it
			}
			if diff := cmp.Diff(want, a.header); diff != "" || a.status != tc.status {
				t.Errorf("status %d, want %d; headers (-want +got):\n%s", a.status, tc.status, diff)
			}
			if description, ok := a.body["error_description"].(string); ok && (description == "" || strings.ContainsFunc(description, notInDescription)) {
				t.Errorf("J-07: description %q has characters that RFC 6749 §5.2 forbids, or none", description)
			}
		})
	}
}

// notInDescription: RFC 6749 §5.2: "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E".
func notInDescription(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }

// HEAD says the same as GET, without the body.
func TestHead(t *testing.T) {
	s := httptest.NewServer(newFixture(t))
	defer s.Close()
	for _, path := range []string{PathJWKS, PathMetadata, PathOpenIDMetadata} {
		t.Run(path, func(t *testing.T) {
			header, body := fetch(t, s, http.MethodGet, path)
			headerOnly, nothing := fetch(t, s, http.MethodHead, path)
			if len(body) == 0 || len(nothing) != 0 {
				t.Errorf("GET has %d bytes, HEAD %d", len(body), len(nothing))
			}
			if headerOnly.Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Errorf("HEAD says %s bytes, GET has %d", headerOnly.Get("Content-Length"), len(body))
			}
			header.Del("Date")
			headerOnly.Del("Date")
			if diff := cmp.Diff(header, headerOnly); diff != "" {
				t.Errorf("headers (-GET +HEAD):\n%s", diff)
			}
		})
	}
}

func fetch(t *testing.T, s *httptest.Server, method, path string) (http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s gets %d", method, path, resp.StatusCode)
	}
	return resp.Header, body
}
