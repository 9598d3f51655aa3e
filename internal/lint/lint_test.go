package lint

import (
	"bytes"
	"crypto/elliptic"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// certificate is that of a key between two days from noon, as it stands in a Secret.
func certificate(from, until int) string {
	day := func(n int) time.Time { return noon.Add(time.Duration(n) * 24 * time.Hour) }
	der := jwttest.Certificate(jwttest.EC("lint", elliptic.P256()), day(from), day(until))
	text, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func weak() string {
	der := jwttest.Certificate(jwttest.RSA("weak", 1024), noon.Add(-time.Hour), noon.Add(2000*time.Hour))
	text, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func provider(name, more string) string {
	return fmt.Sprintf(`apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: %s, namespace: team-a}
spec:
  issuer: https://%s.example.com
  audienceAliases: [https://auth.example.com]
  %s
---
`, name, name, more)
}

func secret(name, key, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: team-a}\nstringData: {%s: %s}\n---\n", name, key, value)
}

func client(more string) string {
	return "apiVersion: grantor.dev/v1alpha1\nkind: OAuthClient\nmetadata: {name: app, namespace: team-a}\nspec:\n  authentication: {public: {}}\n  " + more + "\n---\n"
}

const byCert = "certificateSecretRef: {name: cert}"

// newLinter makes one linter for all tests: it takes time.
var newLinter = sync.OnceValue(func() *Linter {
	l, err := New()
	if err != nil {
		panic(err)
	}
	return l
})

func TestRules(t *testing.T) {
	good := secret("cert", "tls.crt", certificate(-1, 200))
	for name, tc := range map[string]struct {
		text string
		want []string // place, severity and rule
	}{
		"nothing wrong":            {provider("a", byCert) + good + client("scopes: [read]"), nil},
		"Secrets elsewhere":        {provider("a", byCert), nil},
		"keys elsewhere":           {provider("a", "discovery: {}"), nil},
		"other kinds":              {provider("a", byCert) + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", nil},
		"no YAML":                  {"a: [", []string{"1 error yaml"}},
		"no object":                {"a: b\n", []string{"1:1 error object"}},
		"no such kind":             {"apiVersion: grantor.dev/v1alpha1\nkind: Provider\nmetadata: {name: a}\n", []string{"2:1 error object"}},
		"unknown field":            {provider("a", "discovery: {}\n  isuer: x"), []string{"8:3 error unknown-field"}},
		"schema":                   {provider("a", "discovery: {}\n  clockSkew: [1]"), []string{"8:3 error schema"}},
		"validation rule":          {provider("a", "discovery: {}\n  clockSkew: 10m"), []string{"8:3 error validation-rule"}},
		"metadata":                 {strings.Replace(provider("a", "discovery: {}"), "name: a,", "name: A_,", 1), []string{"3:12 error metadata"}},
		"declared twice":           {provider("a", "discovery: {}") + provider("a", "discovery: {}"), []string{"11:12 error duplicate"}},
		"one issuer twice":         {provider("a", "discovery: {}") + strings.Replace(provider("b", "discovery: {}"), "https://b.", "https://a.", 1), []string{"13:3 error duplicate-issuer"}},
		"expression":               {provider("a", "discovery: {}\n  claimValidationRules: [{expression: 'claims.'}]"), []string{"8:27 error invalid-expression"}},
		"nobody is told apart":     {provider("a", "discovery: {}\n  profile: GitHubActions"), []string{"8:3 error identity-rule-missing"}},
		"all of a cluster":         {provider("a", "clusterIssuer: {}"), []string{"7:3 error identity-rule-missing"}},
		"Secret without the key":   {provider("a", byCert) + secret("cert", "other", "x"), []string{"7:3 error secret-key-not-found"}},
		"certificate expired":      {provider("a", byCert) + secret("cert", "tls.crt", certificate(-9, -1)), []string{"7:3 error certificate-expired"}},
		"certificate expires":      {provider("a", byCert) + secret("cert", "tls.crt", certificate(-9, 20)), []string{"7:3 warning certificate-expires-soon"}},
		"certificate to come":      {provider("a", byCert) + secret("cert", "tls.crt", certificate(9, 20)), []string{"7:3 error certificate-not-yet-valid"}},
		"weak key":                 {provider("a", byCert) + secret("cert", "tls.crt", weak()), []string{"7:3 error weak-key"}},
		"garbage":                  {provider("a", byCert) + secret("cert", "tls.crt", "x"), []string{"7:3 error invalid-key-material"}},
		"short client secret":      {strings.Replace(client(""), "public: {}", "clientSecret: {secretRef: {name: s}}", 1) + secret("s", "client_secret", "short"), []string{"5:20 error invalid-client-secret"}},
		"no such provider":         {client("identityProviders: [{name: a}]"), []string{"6:3 error identity-provider-not-found"}},
		"provider elsewhere":       {client("identityProviders: [{name: a, namespace: team-b}]"), []string{"6:3 warning reference-not-permitted"}},
		"half a handshake":         {client("identityProviders: [{name: a, namespace: team-b}]") + strings.Replace(provider("a", "discovery: {}"), "team-a", "team-b", 1), []string{"6:3 error reference-not-permitted"}},
		"no provider after a typo": {client("identityProviders: [{name: a}]") + provider("a", "discovery: {}\n  isuer: x"), []string{"15:3 error unknown-field"}},
		"one client id twice":      {client("clientID: x") + strings.Replace(client("clientID: x"), "name: app", "name: other", 1), []string{"13:3 error duplicate-client-id"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			findings, err := newLinter().Run(t.Context(), []string{file}, noon)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%s %s %s", strings.TrimPrefix(f.place(), file+":"), f.Severity, f.Rule))
				if f.Message == "" {
					t.Errorf("%s has no message", f.Rule)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", diff, findings)
			}
		})
	}
}

// What is to be looked at must be there.
func TestNothingToLookAt(t *testing.T) {
	dir := t.TempDir()
	if _, err := newLinter().Run(t.Context(), []string{dir}, noon); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := newLinter().Run(t.Context(), []string{filepath.Join(dir, "none.yaml")}, noon); err == nil || errors.Is(err, ErrNothing) {
		t.Errorf("no file: %v", err)
	}
}

func TestWrite(t *testing.T) {
	findings := []Finding{
		{File: "a,b:c.yaml", Line: 3, Column: 7, Rule: "schema", Severity: Error, Message: "100% wrong"},
		{File: "d.yaml", Line: 4, Rule: "yaml", Severity: Warning, Message: "x"},
		{File: "e.yaml", Rule: "file", Severity: Error, Message: "y"},
	}
	for name, want := range map[string]string{
		"text": "a,b:c.yaml:3:7: error: 100% wrong (schema)\nd.yaml:4: warning: x (yaml)\ne.yaml: error: y (file)\n",
		"github": "::error file=a%2Cb%3Ac.yaml,line=3,col=7,title=schema::100%25 wrong\n::warning file=d.yaml,line=4,title=yaml::x\n" +
			"::error file=e.yaml,title=file::y\n",
	} {
		var got bytes.Buffer
		write := WriteText
		if name == "github" {
			write = WriteGitHub
		}
		if err := write(&got, findings); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var text bytes.Buffer
	if err := WriteJSON(&text, findings); err != nil {
		t.Fatal(err)
	}
	var again []Finding
	if err := json.Unmarshal(text.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(findings, again); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// A value in a file controls no terminal and makes no annotation of its own, and one of a Secret is not shown.
func TestHostileValues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.yaml")
	hostile := `"a\n::error file=x::y\u001b[2J"`
	text := strings.Replace(provider("a", byCert), "https://a.example.com", hostile, 1) + secret("cert", "tls.crt", "hidden-value") + secret("s\\u001b", "k", "hidden-value")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	findings, err := newLinter().Run(t.Context(), []string{file}, noon)
	if err != nil || len(findings) == 0 {
		t.Fatalf("%v, %v", findings, err)
	}
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return WriteText(b, findings) }, func(b *bytes.Buffer) error { return WriteGitHub(b, findings) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); strings.Contains(s, "\x1b") || strings.Contains(s, "\n::error file=x") || strings.Contains(s, "hidden-value") || strings.Count(s, "\n") != len(findings) {
			t.Errorf("written is %q", s)
		}
	}
}
