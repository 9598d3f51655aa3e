package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

// TestExchange asks a real token server in each way in which a client can.
func TestExchange(t *testing.T) {
	s := newSite(t)
	t.Setenv("CLIENT_SECRET", clientSecret)
	const partner = "team-a/partner:alice"
	assertion := []string{"--assertion", s.file("assertion")}
	with := func(more ...string) []string { return append(more, assertion...) }
	for name, tc := range map[string]struct {
		args           []string
		sub, aud, more string
	}{
		"secret in a file":     {with("--client-id", "team-a.portal", "--client-secret", s.file("secret")), partner, "https://a.test", ""},
		"secret in a variable": {with("--client-id", "team-a.portal", "--client-secret", "env:CLIENT_SECRET"), partner, "https://a.test", ""},
		"secret in the form":   {with("--client-id", "team-a.portal", "--client-secret", s.file("secret"), "--client-secret-post"), partner, "https://a.test", ""},
		"federated":            {with("--client-id", "team-a.worker", "--federated"), partner, "https://a.test", ""},
		"federated, by name":   {with("--client-id", "team-a.worker", "--client-assertion", s.file("assertion")), partner, "https://a.test", ""},
		"public":               {with("--client-id", "team-a.open"), partner, "https://a.test", ""},
		"less":                 {with("--client-id", "team-a.open", "--scope", "read", "--resource", "https://b.test"), partner, "https://b.test", `"scope":"read"`},
		"more":                 {with("--client-id", "team-a.open", "--scope", "read", "--scope", "write"), partner, "https://a.test", `"scope":"read write"`},
		"token endpoint":       {with("--client-id", "team-a.open", "--token-endpoint", s.issuer+"/token"), partner, "https://a.test", ""},
		"client credentials": {
			[]string{"--grant", "client-credentials", "--client-id", "team-a.portal", "--client-secret", s.file("secret")}, "team-a.portal", "https://a.test", "",
		},
		"client credentials, federated": {
			[]string{"--grant", "client-credentials", "--client-id", "team-a.worker", "--client-assertion", s.file("assertion")}, "team-a.worker", "https://a.test", "",
		},
		"token exchange": {
			[]string{"--grant", "token-exchange", "--client-id", "team-a.worker", "--subject-token", s.file("assertion"), "--federated", "--resource", "https://b.test"}, partner, "https://b.test", "",
		},
		"token exchange with an actor": {
			[]string{"--grant", "token-exchange", "--client-id", "team-a.open", "--subject-token", s.file("assertion"), "--actor-token", s.file("assertion")},
			partner, "https://a.test", `"act":{"sub":"team-a/partner:alice"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, problems := s.run(append(tc.args, "--decode")...)
			var token struct {
				Header struct{ Typ string }
				Claims json.RawMessage
			}
			var claims struct{ Iss, Sub, Aud string }
			if err := json.Unmarshal([]byte(out), &token); code != 0 || err != nil || problems != "" {
				t.Fatalf("%d, %v, %s%s", code, err, out, problems)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, token.Claims); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(token.Claims, &claims); err != nil || token.Header.Typ != "at+jwt" || claims.Iss != s.issuer || claims.Sub != tc.sub || claims.Aud != tc.aud {
				t.Errorf("%v: %s", err, out)
			}
			if !strings.Contains(compact.String(), tc.more) {
				t.Errorf("without %s: %s", tc.more, out)
			}
		})
	}
}

// TestExchangeWithAKey: a server that has just started cannot know whether a client assertion was used before, and asks to try
// again (3). Then it is taken.
func TestExchangeWithAKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var next time.Time
	codes := map[int]int{}
	try(t, harness.Poll(t.Context(), time.Minute, func() error {
		if time.Now().Before(next) {
			return errors.New("it was asked a moment ago")
		}
		next = time.Now().Add(time.Second)
		code, out, problems := s.run("--client-id", "team-a.batch", "--client-key", s.file("client.pem"), "--assertion", s.file("assertion"), "--decode")
		codes[code]++
		if code == 0 && strings.Contains(out, "team-a/partner:alice") {
			return nil
		}
		err := fmt.Errorf("%d, %s%s", code, out, problems)
		if code != 3 {
			return harness.Permanent(err)
		}
		return err
	}))
	if codes[3] == 0 {
		t.Errorf("exit codes: %v", codes)
	}
}

// TestExchangeOutput: the token alone, all that the server says, or what can be read without the signature.
func TestExchangeOutput(t *testing.T) {
	s := newSite(t)
	who := []string{"--client-id", "team-a.open"}
	code, token, _ := s.run(append(who, "--assertion", s.file("assertion"))...)
	if parts := strings.Split(strings.TrimSuffix(token, "\n"), "."); code != 0 || len(parts) != 3 || strings.ContainsAny(parts[2], "\n ") {
		t.Errorf("%d, %s", code, token)
	}
	code, out, _ := s.run(append(who, "--assertion", s.file("assertion"), "-o", "json")...)
	var all struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int    `json:"expires_in"`
		Scope        string
	}
	if err := json.Unmarshal([]byte(out), &all); code != 0 || err != nil || all.AccessToken == "" || all.TokenType != "Bearer" || all.ExpiresIn != 3600 || all.Scope != "read write" {
		t.Errorf("%d, %v, %s", code, err, out)
	}
	s.writeFile("refresh", all.RefreshToken)
	code, out, problems := s.run(append(who, "--grant", "refresh-token", "--refresh-token", s.file("refresh"), "--decode")...)
	if code != 0 || !strings.Contains(out, "team-a/partner:alice") {
		t.Errorf("%d, %s%s", code, out, problems)
	}
	s.writeFile("refresh", all.RefreshToken)
	if code, out, problems := s.run(append(who, "--grant", "refresh-token", "--refresh-token", s.file("refresh"))...); code != 2 || out != "" || !strings.Contains(problems, "invalid_grant") {
		t.Errorf("a second time: %d, %s%s", code, out, problems)
	}
}

// TestExchangeFails: each exit code means one thing, and nothing that was to be presented is repeated.
func TestExchangeFails(t *testing.T) {
	s := newSite(t)
	s.writeFile("wrong", "a-wrong-secret")
	s.writeFile("expired", s.assertion(func(o jwttest.Object) jwttest.Object { return o.Set("exp", "1000000000") }))
	nobody := "https://" + address(t)
	who, assertion := []string{"--client-id", "team-a.open"}, []string{"--assertion", s.file("assertion")}
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"wrong secret":           {append(assertion, "--client-id", "team-a.portal", "--client-secret", s.file("wrong")), 2, "401 invalid_client"},
		"expired":                {append(who, "--assertion", s.file("expired")), 2, "grantor explain"},
		"scope":                  {append(append(who, assertion...), "--scope", "admin"), 2, "spec.scopes"},
		"resource":               {append(append(who, assertion...), "--resource", "https://c.test"), 2, "spec.resources"},
		"nobody there":           {append(append(who, assertion...), "--issuer", nobody), 3, "grantor check"},
		"another authority":      {append(append(who, assertion...), "--ca-file", ""), 3, "certificate"},
		"no assertion":           {who, 1, "--assertion is required"},
		"no such file":           {append(who, "--assertion", s.file("none")), 1, "assertion: open file: no such file"},
		"the token itself":       {append(who, "--assertion", s.assertion()), 1, "--assertion is a token: keep it in a file"},
		"the secret itself":      {append(assertion, "--client-id", "team-a.portal", "--client-secret", clientSecret), 1, "client secret: open file"},
		"unknown grant":          {append(who, "--grant", "password"), 1, "--grant \"password\" is unknown: use jwt-bearer"},
		"no issuer":              {append(append(who, assertion...), "--issuer", ""), 1, "--issuer or --token-endpoint is required"},
		"plain http":             {append(append(who, assertion...), "--issuer", "http://auth.example.com"), 1, "only loopback addresses may use http"},
		"plain http, there":      {append(append(who, assertion...), "--token-endpoint", "http://auth.example.com/token"), 1, "only a loopback address may use http"},
		"two ways":               {append(assertion, "--client-id", "a", "--federated", "--client-secret", s.file("secret")), 1, "one way to authenticate"},
		"federated, twice":       {append(assertion, "--client-id", "a", "--federated", "--client-assertion", s.file("assertion")), 1, "not both"},
		"federated by nothing":   {[]string{"--client-id", "a", "--federated", "--grant", "client-credentials"}, 1, "--federated needs a token"},
		"format":                 {append(append(who, assertion...), "-o", "yaml"), 1, "use token or json"},
		"two formats":            {append(append(who, assertion...), "-o", "json", "--decode"), 1, "not both"},
		"audience of nobody":     {append(append(who, assertion...), "--audience", "a"), 1, "--service-account"},
		"account without place":  {append(who, "--service-account", "worker"), 1, "NAMESPACE/NAME"},
		"account without effect": {append(append(who, assertion...), "--service-account", "a/b"), 1, "--service-account has no meaning here"},
		"time":                   {append(append(who, assertion...), "--timeout", "0s"), 1, "--timeout must be positive"},
		"stray argument":         {append(append(who, assertion...), "a-wrong-secret"), 1, "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, problems := s.run(tc.args...)
			if code != tc.code || out != "" || !strings.Contains(problems, tc.says) {
				t.Errorf("%d, stdout %q, stderr %q", code, out, problems)
			}
			for _, secret := range []string{clientSecret, "eyJ"} {
				if strings.Contains(problems, secret) {
					t.Errorf("it holds a secret: %s", problems)
				}
			}
		})
	}
}

// TestExchangeInput: standard input is read once, whoever needs it.
func TestExchangeInput(t *testing.T) {
	s := newSite(t)
	s.input = s.assertion()
	code, out, problems := s.run("--client-id", "team-a.worker", "--assertion", "-", "--client-assertion", "-", "--decode")
	if code != 0 || !strings.Contains(out, "team-a/partner:alice") {
		t.Errorf("%d, %s%s", code, out, problems)
	}
}

// TestEndedWhileItWaits: a command that waits for what nobody writes ends when it is told to.
func TestEndedWhileItWaits(t *testing.T) {
	t.Parallel()
	const issuer = "https://127.0.0.1:1"
	for name, args := range map[string][]string{
		"exchange, input": {"exchange", "--issuer", issuer, "--assertion", "-"},
		"exchange, pipe":  {"exchange", "--issuer", issuer, "--assertion", "PIPE"},
		"explain, input":  {"explain", "-"},
		"explain, pipe":   {"explain", "-f", "PIPE"},
		"import, pipe":    {"import", "wso2", "--namespace", "a", "PIPE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "pipe")
			try(t, unix.Mkfifo(pipe, 0o600))
			both, err := os.OpenFile(pipe, os.O_RDWR, 0)
			try(t, err)
			defer func() { _ = both.Close() }()
			cmd := exec.CommandContext(t.Context(), binary, strings.Split(strings.ReplaceAll(strings.Join(args, "\n"), "PIPE", pipe), "\n")...)
			cmd.Stdin = both
			try(t, cmd.Start())
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			// It is waiting when it has read all that there is.
			_, err = both.WriteString("e")
			try(t, err)
			within(t, 30*time.Second, func() error {
				unread, err := unix.IoctlGetInt(int(both.Fd()), unix.TIOCINQ)
				if err != nil || unread > 0 {
					return fmt.Errorf("%d bytes are not read: %w", unread, err)
				}
				return nil
			})
			try(t, cmd.Process.Signal(syscall.SIGTERM))
			select {
			case err := <-ended:
				if err == nil || err.Error() != "signal: terminated" {
					t.Errorf("%v", err)
				}
			case <-time.After(30 * time.Second):
				t.Error("it goes on")
			}
		})
	}
}

// TestToldTwice: a server that is told to stop takes its time, unless it is told again.
func TestToldTwice(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dir: t.TempDir()}
	try(t, os.Mkdir(s.file("manifests"), 0o700))
	p := &harness.Process{Log: s.file("log")}
	log, err := os.Create(p.Log)
	try(t, err)
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(t.Context(), binary, "standalone", "--manifests", s.file("manifests"), "--issuer", "https://auth.test",
		"--listen", address(t), "--ops-listen", address(t), "--drain", "10m")
	cmd.Stderr = log
	try(t, cmd.Start())
	within(t, 30*time.Second, logged(p, 2, `"listening"`))
	try(t, cmd.Process.Signal(syscall.SIGTERM))
	within(t, 30*time.Second, logged(p, 1, `"stopping"`))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The second one counts once the first has been taken note of, which comes a moment after it is logged.
	within(t, 30*time.Second, func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // It may have ended.
		select {
		case err := <-ended:
			if err == nil || err.Error() != "signal: terminated" {
				t.Errorf("%v", err)
			}
			return nil
		default:
			return errors.New("it goes on")
		}
	})
}
