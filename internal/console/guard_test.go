package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answer is what the guard lets through, or not.
func answer(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	guard(append(LoopbackHosts(), "console.example.com"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	})).ServeHTTP(w, r)
	return w
}

func TestGuardHost(t *testing.T) {
	for host, ours := range map[string]bool{
		"localhost":                 true,
		"localhost:8082":            true,
		"LOCALHOST:1":               true,
		"127.0.0.1:40000":           true,
		"[::1]:8082":                true,
		"[::1]":                     true,
		"console.example.com":       true,
		"Console.Example.com:443":   true,
		"evil.example":              false,
		"evil.example:8082":         false,
		"localhost.evil.example":    false,
		"127.0.0.1.evil.example":    false,
		"localhost:8082@evil":       false,
		"127.0.0.2:8082":            false,
		"xconsole.example.com":      false,
		"console.example.com.":      false,
		"":                          false,
		"localhost, evil.example":   false,
		"0x7f000001":                false,
		"[::ffff:127.0.0.1]:8082":   false,
		"console.example.com:x:443": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Host = host
		want := http.StatusMisdirectedRequest
		if ours {
			want = http.StatusTeapot
		}
		if got := answer(t, r).Code; got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
}

func TestGuardOrigin(t *testing.T) {
	for name, tc := range map[string]struct {
		method string
		header map[string]string
		want   int
	}{
		"a page":                            {http.MethodGet, nil, http.StatusTeapot},
		"typed in":                          {http.MethodGet, map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusTeapot},
		"our own link":                      {http.MethodGet, map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, http.StatusTeapot},
		"a link of others":                  {http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusTeapot},
		"a frame of others":                 {http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, http.StatusForbidden},
		"a script of others":                {http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, http.StatusForbidden},
		"a script of another port":          {http.MethodGet, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, http.StatusForbidden},
		"our own form":                      {http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusTeapot},
		"our own form, by origin":           {http.MethodPost, map[string]string{"Origin": "http://localhost:8082"}, http.StatusTeapot},
		"a form of others":                  {http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusForbidden},
		"a form of another port":            {http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusForbidden},
		"a form of others, by origin":       {http.MethodPost, map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		"a form of another port, by origin": {http.MethodPost, map[string]string{"Origin": "http://localhost:9999"}, http.StatusForbidden},
		"a form of a sandbox":               {http.MethodPost, map[string]string{"Origin": "null"}, http.StatusForbidden},
		"a change":                          {http.MethodPut, nil, http.StatusMethodNotAllowed},
		"a deletion":                        {http.MethodDelete, nil, http.StatusMethodNotAllowed},
		"a trace":                           {http.MethodTrace, nil, http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), tc.method, "http://localhost:8082/", http.NoBody)
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			if got := answer(t, r).Code; got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}

// TestGuardHeaders: every answer has them, refusals too.
func TestGuardHeaders(t *testing.T) {
	for _, host := range []string{"localhost", "evil.example"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Host = host
		h := answer(t, r).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Frame-Options":              "DENY",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Embedder-Policy": "require-corp",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", host, name, got)
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("Permissions-Policy") == "" {
			t.Errorf("%v", h)
		}
	}
}
