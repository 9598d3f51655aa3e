package app

import (
	"bytes"
	"crypto/elliptic"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// explained is a folder with manifests and an assertion that they accept.
type explained struct {
	dir, manifests, file, assertion string
}

func newExplained(t *testing.T) explained {
	t.Helper()
	e := explained{dir: t.TempDir()}
	e.manifests, e.file = filepath.Join(e.dir, "trust.yaml"), filepath.Join(e.dir, "assertion")
	key, now := jwttest.EC("partner", elliptic.P256()), time.Now()
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jwttest.Certificate(key, now.Add(-time.Hour), now.Add(24*time.Hour))})
	quoted, err := json.Marshal(string(cert))
	if err != nil {
		t.Fatal(err)
	}
	e.assertion = jwttest.Compact("ES256", key, `{"alg":"ES256"}`,
		fmt.Sprintf(`{"iss":"https://idp.example.com","sub":"alice","aud":"https://auth.example.com","exp":%d,"jti":"1"}`, now.Unix()+300))
	for file, text := range map[string]string{
		e.file: e.assertion + "\n",
		e.manifests: `
apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: partner, namespace: team-a}
spec: {issuer: "https://idp.example.com", audienceAliases: ["https://auth.example.com"], certificateSecretRef: {name: cert}}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: team-a}
stringData: {tls.crt: ` + string(quoted) + `}
---
apiVersion: grantor.dev/v1alpha1
kind: OAuthClient
metadata: {name: app, namespace: team-a}
spec: {authentication: {public: {}}, scopes: [read]}
`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestExplain(t *testing.T) {
	e := newExplained(t)
	t.Setenv("KUBECONFIG", filepath.Join(e.dir, "none"))
	signature := e.assertion[strings.LastIndexByte(e.assertion, '.')+1:]
	for name, tc := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"accepted":             {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file}, 0, "sub:        team-a/partner:alice", ""},
		"accepted in a folder": {[]string{"--manifests", e.dir, "--client", "app", "-n", "team-a", e.assertion}, 0, "Accepted", ""},
		"a line break":         {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file}, 0, "Note: White space was left out", ""},
		"accepted of nobody":   {[]string{"--manifests", e.manifests, "-f", e.file}, 0, "Clients that may present it: team-a/app", ""},
		"JSON":                 {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "-o", "json"}, 0, `"verdict": "Accepted"`, ""},
		"YAML":                 {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "-o", "yaml"}, 0, "verdict: Accepted", ""},
		"refused":              {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "--scope", "write"}, 1, "Refused for scope_not_allowed; the caller sees invalid_scope.", "grantor: no: "},
		"refused later":        {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "--at", time.Now().Add(time.Hour).Format(time.RFC3339)}, 1, "Refused for expired", ""},
		"refused by JSON":      {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-o", "json", e.assertion + "x"}, 1, `"verdict": "Refused"`, ""},
		"resource":             {[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "--issuer", "https://auth.example.com", "--resource", "https://x.example.com"}, 1, "target_not_allowed", ""},
		"resource with a comma": {
			[]string{"--manifests", e.manifests, "--client", "team-a/app", "-f", e.file, "--issuer", "https://auth.example.com", "--resource", "https://x.example.com/a,b"}, 1, "✗ Resource may be granted     https://x.example.com/a,b\n", "",
		},
		"no time at all":    {[]string{"x", "--timeout", "0s"}, 2, "", "--timeout must be positive"},
		"client":            {[]string{"--manifests", e.manifests, "--client", "team-a/app"}, 0, "Scopes:         read", ""},
		"no such client":    {[]string{"--manifests", e.manifests, "--client", "team-a/none", "-f", e.file}, 2, "", "there is no such OAuthClient: team-a/none"},
		"nothing":           {nil, 2, "", "name an assertion, or a client with --client"},
		"twice":             {[]string{"-f", e.file, "x"}, 2, "", "not both"},
		"two arguments":     {[]string{"x", "y"}, 2, "", "accepts at most 1 arg"},
		"no such file":      {[]string{"-f", filepath.Join(e.dir, "no")}, 2, "", "--file: "},
		"empty file":        {[]string{"-f", os.DevNull}, 2, "", "there is no assertion"},
		"folder for a file": {[]string{"-f", e.dir}, 2, "", "--file: "},
		"empty argument":    {[]string{""}, 2, "", "there is no assertion: the argument is empty"},
		"before all time":   {[]string{"x", "--at", "0001-01-01T00:00:00Z"}, 2, "", "--at must be after 1970"},
		"no such folder":    {[]string{"--manifests", filepath.Join(e.dir, "no"), "x"}, 2, "", "list manifests"},
		"no namespace":      {[]string{"--manifests", e.manifests, "--client", "app", "x"}, 2, "", "--client is no namespace/name"},
		"no cluster":        {[]string{"x"}, 2, "", "read kubeconfig"},
		"flag":              {[]string{"--bogus"}, 2, "", "unknown flag"},
		"time":              {[]string{"x", "--at", "noon"}, 2, "", "--at is no time"},
		"output":            {[]string{"x", "-o", "xml"}, 2, "", "--output must be"},
		"issuer":            {[]string{"--manifests", e.manifests, "--issuer", "auth", "x"}, 2, "", `issuer "auth" is no URL`},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Main(append([]string{"explain"}, tc.args...), &stdout, &stderr)
			if code != tc.code || !strings.Contains(stdout.String(), tc.stdout) || !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("%d, stdout %s, stderr %s", code, &stdout, &stderr)
			}
			if tc.stdout == "" && stdout.Len() > 0 {
				t.Errorf("printed %s", &stdout)
			}
			if strings.Contains(stdout.String()+stderr.String(), signature[:20]) {
				t.Errorf("the signature is printed")
			}
		})
	}
}

// TestTokensAreNotRepeated: whatever is wrong with a command line, the error does not print a token that stands in it.
func TestTokensAreNotRepeated(t *testing.T) {
	e := newExplained(t)
	t.Setenv("KUBECONFIG", filepath.Join(e.dir, "none"))
	payload, signature := strings.Split(e.assertion, ".")[1], e.assertion[strings.LastIndexByte(e.assertion, '.')+1:]
	for name, args := range map[string][]string{
		"file":          {"explain", "-f", e.assertion},
		"file of lines": {"explain", "-f", strings.ReplaceAll(e.assertion, ".", ".\n")},
		"manifests":     {"explain", "--manifests", e.assertion, "x"},
		"issuer":        {"explain", "--manifests", e.manifests, "--issuer", e.assertion, "x"},
		"scope":         {"explain", "--manifests", e.manifests, "--scope", e.assertion, "x"},
		"context":       {"explain", "--context", e.assertion, "x"},
		"kubeconfig":    {"explain", "--kubeconfig", e.assertion, "x"},
		"client":        {"explain", "--manifests", e.manifests, "--client", e.assertion, "x"},
		"flag":          {"explain", "--" + e.assertion},
		"short flag":    {"explain", "-" + e.assertion},
		"command":       {e.assertion},
		"grant":         {"exchange", "--grant", e.assertion},
		"output":        {"exchange", "-o", e.assertion},
		"key":           {"exchange", "--issuer", "https://auth.example.com", "--client-id", "x", "--assertion", e.file, "--ca-file", e.assertion},
		"check":         {"check", e.assertion},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := Main(args, &stdout, &stderr); code == 0 {
				t.Fatalf("accepted: %s", &stdout)
			}
			if all := stdout.String() + stderr.String(); strings.Contains(all, signature) || strings.Contains(all, payload) {
				t.Errorf("printed %s", all)
			}
		})
	}
}

// TestWithoutSpace: nothing is said of white space where there is none.
func TestWithoutSpace(t *testing.T) {
	e := newExplained(t)
	var stdout, stderr bytes.Buffer
	code := Main([]string{"explain", "--manifests", e.manifests, "--client", "team-a/app", e.assertion}, &stdout, &stderr)
	if code != 0 || strings.Contains(stdout.String(), "White space") {
		t.Errorf("%d, stdout %s, stderr %s", code, &stdout, &stderr)
	}
}

// TestSilentAPIServer: an API server that takes a connection and never answers does not keep the command.
func TestSilentAPIServer(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := strings.ReplaceAll(kubeconfig, "127.0.0.1:6443", silent.Addr().String())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := Main([]string{"explain", "--kubeconfig", file, "--client", "team-a/app", "--timeout", "50ms"}, &stdout, &stderr)
	if want := "has not answered within 50ms (--timeout)"; code != 2 || !strings.Contains(stderr.String(), want) {
		t.Errorf("%d, stdout %s, stderr %s", code, &stdout, &stderr)
	}
}

// TestResourcesHaveCommas: RFC 3986 §3.3: a comma is a part of a URI.
func TestResourcesHaveCommas(t *testing.T) {
	var f requestFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.add(flags)
	if err := flags.Parse([]string{"--resource", "https://a.example.com/b,c", "--resource", "https://d.example.com"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://a.example.com/b,c", "https://d.example.com"}, f.resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}
