package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

// launch is how the agent is started that asks as the client worker, with the assertion in the file of that name.
func (s *site) launch(more ...string) harness.Launch {
	s.t.Helper()
	return harness.Launch{
		Binary: binary, Dir: s.dir, Name: fmt.Sprint("agent-", serial.Add(1)), OpsAddress: address(s.t),
		Args: append([]string{
			"agent", "--issuer", s.issuer, "--ca-file", s.caFile, "--client-id", "team-a.worker", "--assertion", s.file("assertion"), "--federated",
		}, more...),
	}
}

// startAgent starts it. Its log must hold no token at the end.
func (s *site) startAgent(l harness.Launch) *harness.Process {
	s.t.Helper()
	p, err := l.Start(s.t.Context())
	try(s.t, err)
	s.t.Cleanup(func() {
		p.Stop()
		if text := readFile(s.t, p.Log); strings.Contains(text, "eyJ") || strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") {
			s.t.Errorf("the log:\n%s", text)
		}
	})
	return p
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// within waits until check returns nil.
func within(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	try(t, harness.Poll(t.Context(), limit, check))
}

func health(ctx context.Context, p *harness.Process, want int, says string) func() error {
	return func() error {
		if status, body, err := p.Get(ctx, "/healthz"); err != nil || status != want || !strings.Contains(body, says) {
			return fmt.Errorf("%d %s %w", status, body, err)
		}
		return nil
	}
}

// logged waits until the log says something so many times.
func logged(p *harness.Process, times int, says string) func() error {
	return func() error {
		text, err := os.ReadFile(p.Log)
		if err != nil || strings.Count(string(text), says) < times {
			return fmt.Errorf("%w: not %d times %s: %s", err, times, says, text)
		}
		return nil
	}
}

// TestAgent: a file that is there when the token is, that others in the group can read, and that outlives the agent; after a start
// without the server, it is still good.
func TestAgent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.writeFile("assertion", s.assertion())
	l := s.launch("--token-file", s.file("token"), "--scope", "read")
	p := s.startAgent(l)
	within(t, 30*time.Second, health(t.Context(), p, 200, "ok"))
	info, err := os.Stat(s.file("token"))
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	token := readFile(t, s.file("token"))
	if claims := claimsOf(t, token); claims["sub"] != "team-a/partner:alice" || claims["scope"] != "read" || claims["client_id"] != "team-a.worker" {
		t.Errorf("%v", claims)
	}
	if _, body, err := p.Get(t.Context(), "/metrics"); err != nil || !strings.Contains(body, `grantor_agent_exchanges_total{outcome="ok"} 1`) {
		t.Errorf("%v, %s", err, body)
	}
	p.Stop()
	s.server.Stop()
	p = s.startAgent(l)
	within(t, 30*time.Second, logged(p, 2, "token not renewed"))
	within(t, 30*time.Second, health(t.Context(), p, 200, "ok"))
	if readFile(t, s.file("token")) != token {
		t.Error("the token is another one")
	}
	s.writeFile("assertion", s.assertion()) // The first one may be over by now.
	s.start()
	within(t, 60*time.Second, func() error {
		if readFile(t, s.file("token")) == token {
			return errors.New("the token is not renewed")
		}
		return nil
	})
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	c, err := decode(parts[1])
	try(t, err)
	return c
}

// TestAgentOnce: as an init container. Its exit codes are those of the exchange.
func TestAgentOnce(t *testing.T) {
	s := newSite(t)
	s.writeFile("expired", s.assertion(func(o jwttest.Object) jwttest.Object { return o.Set("exp", "1000000000") }))
	s.writeFile("told", "")
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"good":             {[]string{"--exec", "cp " + s.file("token") + " " + s.file("told")}, 0, "token written"},
		"refused":          {[]string{"--assertion", s.file("expired"), "--wait", "0s"}, 2, "401 invalid_client"},
		"nobody there":     {[]string{"--issuer", "https://" + address(t), "--wait", "0s"}, 3, "connection refused"},
		"no assertion":     {[]string{"--assertion", s.file("none"), "--wait", "0s"}, 1, "assertion: open file: no such file"},
		"no folder":        {[]string{"--token-file", s.file("none/token"), "--wait", "0s"}, 1, "no such file or directory"},
		"nothing to do":    {[]string{"--token-file", ""}, 1, "--token-file or --serve is required"},
		"once for all":     {[]string{"--serve", "127.0.0.1:0"}, 1, "--once or --serve"},
		"input":            {[]string{"--assertion", "-"}, 1, "standard input can be read only once"},
		"mode":             {[]string{"--mode", "0888"}, 1, "--mode"},
		"mode for nobody":  {[]string{"--mode", "0"}, 1, "--mode"},
		"mode of a setuid": {[]string{"--mode", "04755"}, 1, "--mode"},
		"signal":           {[]string{"--signal", "KILL", "--pid-file", "x"}, 1, "--signal"},
		"signal to nobody": {[]string{"--signal", "USR1"}, 1, "--signal needs --pid-file"},
		"mode of nothing":  {[]string{"--token-file", "", "--once=false", "--serve", "127.0.0.1:0", "--mode", "0600"}, 1, "--mode is that of a file"},
		"wait for nothing": {[]string{"--once=false", "--wait", "1s"}, 1, "--wait has a meaning only with --once"},
		"less than now":    {[]string{"--wait", "-1s"}, 1, "--wait must not be negative"},
		"refresh token":    {[]string{"--grant", "refresh-token"}, 1, "not for an agent"},
	} {
		t.Run(name, func(t *testing.T) {
			s.writeFile("assertion", s.assertion())
			l := s.launch(append([]string{"--once", "--token-file", s.file("token")}, tc.args...)...)
			out, err := exec.CommandContext(t.Context(), binary, l.Args...).CombinedOutput()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else {
				try(t, err)
			}
			if code != tc.code || !strings.Contains(string(out), tc.says) || strings.Contains(string(out), "eyJ") {
				t.Errorf("%d: %s", code, out)
			}
		})
	}
	if told := readFile(t, s.file("told")); told == "" || told != readFile(t, s.file("token")) {
		t.Errorf("the program found %q", told)
	}
	for _, args := range [][]string{{"--serve", "0.0.0.0:8089"}, {"--serve", ":8089"}, {"--serve", "127.0.0.1:8089", "--exec", "true"}} {
		l := s.launch(args...)
		if out, err := exec.CommandContext(t.Context(), binary, l.Args...).CombinedOutput(); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// TestAgentServes: who is in the pod gets a token for what he names, the same as long as it is good; and nobody gets one who does
// not say that he means it.
func TestAgentServes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.writeFile("assertion", s.assertion())
	on := address(t)
	p := s.startAgent(s.launch("--serve", on))
	within(t, 30*time.Second, health(t.Context(), p, 200, "ok"))
	ask := func(query string, headers map[string]string) (int, map[string]any) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+on+"/token"+query, http.NoBody)
		try(t, err)
		for k, v := range headers {
			r.Header.Set(k, v)
		}
		if h := headers["Host"]; h != "" {
			r.Host = h
		}
		response, err := http.DefaultClient.Do(r)
		try(t, err)
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		try(t, err)
		var body map[string]any
		try(t, json.Unmarshal(text, &body))
		return response.StatusCode, body
	}
	mine := map[string]string{"Metadata": "true"}
	status, first := ask("?resource=https://b.test&scope=read", mine)
	token, ok := first["access_token"].(string)
	if status != 200 || !ok {
		t.Fatalf("%d %v", status, first)
	}
	if claims := claimsOf(t, token); claims["aud"] != "https://b.test" || claims["scope"] != "read" {
		t.Errorf("%v", claims)
	}
	if _, again := ask("?scope=read&audience=https://b.test", mine); again["access_token"] != token {
		t.Error("it is another token")
	}
	if _, other := ask("", mine); other["access_token"] == token || other["access_token"] == nil {
		t.Errorf("%v", other)
	}
	if status, body := ask("?resource=https://c.test", mine); status != 400 || body["error"] != "invalid_target" {
		t.Errorf("%d %v", status, body)
	}
	for _, headers := range []map[string]string{
		{}, {"Metadata": "true", "Host": "evil.test"}, {"Metadata": "true", "Origin": "http://evil.test"}, {"Metadata": "true", "X-Forwarded-For": "127.0.0.1"},
	} {
		if status, body := ask("", headers); status != 403 || body["access_token"] != nil {
			t.Errorf("%v: %d %v", headers, status, body)
		}
	}
}

// endpoint is a token endpoint of the test: its tokens live as short as it likes, and it can be told what to answer.
type endpoint struct {
	url     string
	answers chan string // each is sent once
	seen    chan string // the assertions that come
}

// TestAgentIsKilled: whenever the agent is killed, the file holds one whole token.
func TestAgentIsKilled(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	e := newEndpoint(t, s)
	s.writeFile("assertion", "an-assertion")
	last, takes := "", time.Minute
	before, after := 0, 0
	for round := 0; round < 25 || round < 100 && (before == 0 || after < 2); round++ {
		// As large as a token gets, so that there is a time in which it is half written.
		token := strings.Repeat(fmt.Sprintf("%04d", round), 64<<10)
		p, err := e.launch(s, "--token-file", s.file("token")).Start(t.Context())
		try(t, err)
		<-e.seen
		e.answers <- fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
		begin := time.Now()
		if round == 0 {
			within(t, 30*time.Second, func() error {
				if _, err := os.Stat(s.file("token")); err != nil {
					return err
				}
				return nil
			})
			takes = time.Since(begin)
		} else {
			delay, err := rand.Int(rand.Reader, big.NewInt(int64(2*takes)))
			try(t, err)
			<-time.After(time.Duration(delay.Int64())) // when it dies is left to chance
		}
		p.Kill()
		// What it took the first time says little on a machine that does other things, too: the moments come nearer to the right one.
		switch got := readFile(t, s.file("token")); got {
		case token:
			after++
			last = token
			takes -= takes / 8
		case last:
			before++
			takes += takes / 8
		default:
			t.Fatalf("after round %d the file has %d bytes", round, len(got))
		}
	}
	t.Logf("killed %d times before the new token was there, and %d times after; it takes %s", before, after, takes)
	if before == 0 || after < 2 {
		t.Error("it was always killed at the same time")
	}
	// What is left over is no obstacle.
	p := s.startAgent(e.launch(s, "--token-file", s.file("token")))
	<-e.seen
	e.answers <- `{"access_token":"the-last","token_type":"Bearer","expires_in":3600}`
	within(t, 30*time.Second, health(t.Context(), p, 200, "ok"))
	if list, err := filepath.Glob(s.file(".token*")); err != nil || len(list) != 0 || readFile(t, s.file("token")) != "the-last" {
		t.Errorf("%v, %v", list, err)
	}
}

// TestAgentReadsAnew: the assertion is the one that is in the file when it is presented; and whatever the server answers instead of a
// token, the old one stays until it has expired, which is told.
func TestAgentReadsAnew(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	e := newEndpoint(t, s)
	s.writeFile("assertion", "assertion-1")
	p := s.startAgent(e.launch(s, "--token-file", s.file("token")))
	next := func(assertion, answer string) {
		t.Helper()
		select {
		case got := <-e.seen:
			if got != assertion {
				t.Errorf("%s was presented instead of %s", got, assertion)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing was presented: %s", readFile(t, p.Log))
		}
		s.writeFile("assertion", "assertion-2") // While the agent waits: it may read it at any moment from now on.
		e.answers <- answer
	}
	written := func(token string) func() error {
		return func() error {
			if got := readFile(t, s.file("token")); got != token {
				return fmt.Errorf("the file has %s", got)
			}
			return nil
		}
	}
	const second = `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`
	next("assertion-1", fmt.Sprintf(second, 1, 3))
	within(t, 10*time.Second, written("token-1"))
	next("assertion-2", fmt.Sprintf(second, 2, 5))
	within(t, 10*time.Second, written("token-2"))
	for _, garbage := range []string{"<html>", `{"access_token":"half`, `{"access_token":"x","token_type":"Bearer","expires_in":-1}`, `[]`} {
		next("assertion-2", garbage)
	}
	within(t, 30*time.Second, health(t.Context(), p, 503, "the token has expired"))
	if got := readFile(t, s.file("token")); got != "token-2" {
		t.Errorf("the file has %s", got)
	}
	// One of the waits of the outage may still be under way.
	next("assertion-2", fmt.Sprintf(second, 3, 3600))
	within(t, 30*time.Second, health(t.Context(), p, 200, "ok"))
}
