package tokenserver

import (
	"net/http"
	"strings"
	"testing"
)

func TestCheckIssuer(t *testing.T) {
	for issuer, tc := range map[string]struct {
		path string
		ok   bool
	}{
		"https://auth.example.com":              {"", true},
		"https://auth.example.com:8443":         {"", true},
		"https://auth.example.com/tenant":       {"/tenant", true},
		"https://auth.example.com/a/b%2Fc":      {"/a/b%2Fc", true},
		"https://[2001:db8::1]:8443/x":          {"/x", true},
		"https://192.0.2.1":                     {"", true},
		"http://localhost":                      {"", true},
		"http://localhost:8080/x":               {"/x", true},
		"http://127.0.0.1:8080":                 {"", true},
		"http://[::1]:8080":                     {"", true},
		"":                                      {"", false},
		"auth.example.com":                      {"", false},
		"//auth.example.com":                    {"", false},
		"/oauth2":                               {"", false},
		"https:":                                {"", false},
		"https://":                              {"", false},
		"https:///x":                            {"", false},
		"https://:8443":                         {"", false},
		"https:auth.example.com":                {"", false},
		"http://auth.example.com":               {"", false},
		"http://localhost.example.com":          {"", false},
		"http://127.0.0.1.example.com":          {"", false},
		"http://0.0.0.0":                        {"", false},
		"ftp://auth.example.com":                {"", false},
		"HTTPS://auth.example.com":              {"", false},
		"javascript://auth.example.com":         {"", false},
		"https://user@auth.example.com":         {"", false},
		"https://user:pw@auth.example.com":      {"", false},
		"https://auth.example.com/":             {"", false},
		"https://auth.example.com/x/":           {"", false},
		"https://auth.example.com?":             {"", false},
		"https://auth.example.com?a=b":          {"", false},
		"https://auth.example.com#":             {"", false},
		"https://auth.example.com#x":            {"", false},
		"https://auth.example.com/a b":          {"", false},
		"https://auth.example.com/ü":            {"", false},
		"https://auth.example.com/\"":           {"", false},
		"https://auth.example.com\n":            {"", false},
		"https://auth.example.com/\x00":         {"", false},
		"https://auth.example.com:port":         {"", false},
		" https://auth.example.com":             {"", false},
		"https://auth.example.com ":             {"", false},
		"https://auth.example.com/%zz":          {"", false},
		"https://auth.example.com/a/../b":       {"", false},
		"https://auth.example.com/./b":          {"", false},
		"https://auth.example.com//b":           {"", false},
		"https://auth.example.com/{tenant}":     {"", false},
		"https://b\u00fccher.example":           {"", false},
		"https://auth.example.com%2f.evil.test": {"", false},
	} {
		t.Run(issuer, func(t *testing.T) {
			path, err := CheckIssuer(issuer)
			if (err == nil) != tc.ok || path != tc.path {
				t.Errorf("got %q, %v, want %q and an issuer: %v", path, err, tc.path, tc.ok)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("the error repeats control characters: %q", err)
			}
		})
	}
}

func TestNewHandlerRefuses(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*Config){
		"issuer that is none":            func(c *Config) { c.Issuer = "auth.example.com" },
		"metrics that are there already": func(*Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			config := f.config
			change(&config)
			if h, err := NewHandler(config); err == nil || h != nil {
				t.Errorf("got %v, %v, want an error", h, err)
			}
		})
	}
}

// no limit is left at its default of none.
func TestNewServer(t *testing.T) {
	handler := http.NewServeMux()
	s := NewServer(handler)
	if s.Handler != http.Handler(handler) {
		t.Error("the server has another handler")
	}
	for name, limit := range map[string]int64{
		"read header": int64(s.ReadHeaderTimeout), "read": int64(s.ReadTimeout), "write": int64(s.WriteTimeout),
		"idle": int64(s.IdleTimeout), "header bytes": int64(s.MaxHeaderBytes),
	} {
		if limit <= 0 {
			t.Errorf("there is no limit for %s", name)
		}
	}
	if s.WriteTimeout <= s.ReadTimeout {
		t.Errorf("an answer must be written %s after the request's header, of which reading may take %s", s.WriteTimeout, s.ReadTimeout)
	}
}

// HTTP/2 has limits of its own, and there is none without TLS.
func TestNewServerHTTP2(t *testing.T) {
	s := NewServer(http.NotFoundHandler())
	if !s.Protocols.HTTP1() || !s.Protocols.HTTP2() || s.Protocols.UnencryptedHTTP2() {
		t.Errorf("the server speaks %s", s.Protocols)
	}
	if h := s.HTTP2; h.MaxConcurrentStreams <= 0 || h.MaxConcurrentStreams > 100 || h.SendPingTimeout <= 0 || h.PingTimeout <= 0 || h.WriteByteTimeout <= 0 {
		t.Errorf("a limit of HTTP/2 is missing: %+v", h)
	}
}
