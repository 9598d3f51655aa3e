package agent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/harness"
)

func decode(part string) (map[string]any, error) {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return claims, nil
}

// newEndpoint serves a token endpoint over TLS until the test ends.
func newEndpoint(t *testing.T, s *site) *endpoint {
	t.Helper()
	authority, err := harness.NewAuthority(s.dir)
	try(t, err)
	try(t, authority.Issue("server", "127.0.0.1"))
	e := &endpoint{answers: make(chan string), seen: make(chan string)}
	at := address(t)
	e.url, s.caFile = "https://"+at+"/token", s.file("ca.crt")
	server := &http.Server{Addr: at, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(text))
		select {
		case e.seen <- form.Get("assertion"):
		case <-r.Context().Done():
			return
		}
		select {
		case answer := <-e.answers:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
		case <-r.Context().Done():
		}
	})}
	go func() { _ = server.ListenAndServeTLS(s.file("server.crt"), s.file("server.key")) }()
	t.Cleanup(func() { _ = server.Shutdown(context.WithoutCancel(t.Context())) })
	return e
}

// launch is how an agent is started that asks there.
func (e *endpoint) launch(s *site, more ...string) harness.Launch {
	s.t.Helper()
	return harness.Launch{
		Binary: binary, Dir: s.dir, Name: fmt.Sprint("agent-", serial.Add(1)), OpsAddress: address(s.t),
		Args: append([]string{
			"agent", "--token-endpoint", e.url, "--ca-file", s.caFile, "--client-id", "c", "--assertion", s.file("assertion"),
		}, more...),
	}
}
