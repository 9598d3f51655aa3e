package agent

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/tokenserver/jose"
)

// clientSecret is that of the client portal, with what has to be encoded.
const clientSecret = "s3cr3t+/=%:of the client"

// binary is the program.
var binary string

func TestMain(m *testing.M) {
	enterMount()
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "grantor-agent-")
	if err != nil {
		return 0, fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = harness.Build(ctx, dir, raceEnabled); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// site is a folder with what somebody presents, and a token server over TLS with a client for each way to authenticate.
type site struct {
	t                           *testing.T
	dir, issuer, caFile, listen string
	server                      *harness.Process
	// input is what commands read.
	input string
}

// serial makes every assertion another one.
var serial atomic.Int64

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func address(t *testing.T) string {
	t.Helper()
	a, err := harness.FreeAddress(t.Context())
	try(t, err)
	return a
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), listen: address(t)}
	authority, err := harness.NewAuthority(s.dir)
	try(t, err)
	try(t, authority.Issue("server", "127.0.0.1"))
	s.issuer, s.caFile = "https://"+s.listen, s.file("ca.crt")
	try(t, os.Mkdir(s.file("manifests"), 0o700))
	s.writeFile("manifests/all.yaml", s.manifests())
	s.writeFile("secret", clientSecret+"\n")
	s.start()
	t.Cleanup(func() { s.server.Stop() })
	return s
}

// start starts the token server, the first time or again.
func (s *site) start() {
	s.t.Helper()
	var err error
	s.server, err = harness.Start(s.t.Context(), binary, s.dir, "server", address(s.t), "standalone", "--issuer", s.issuer,
		"--manifests", s.file("manifests"), "--listen", s.listen, "--drain", "0s", "--auth-failure-burst", "0", "--signing-keys", s.file("keys"),
		"--tls-cert-file", s.file("server.crt"), "--tls-key-file", s.file("server.key"))
	try(s.t, err)
	try(s.t, s.server.WaitReady(s.t.Context()))
}

// manifests declares a partner, and a client for each way to authenticate.
func (s *site) manifests() string {
	s.t.Helper()
	point, err := jwttest.EC("partner", elliptic.P256()).PublicKey.Bytes()
	try(s.t, err)
	half := base64.RawURLEncoding.EncodeToString
	jwk := fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, half(point[1:33]), half(point[33:]))
	signer, err := jose.GenerateSigner(jose.ES256)
	try(s.t, err)
	key, err := signer.MarshalPEM()
	try(s.t, err)
	s.writeFile("client.pem", string(key))
	text := fmt.Sprintf(`
apiVersion: grantor.dev/v1alpha1
kind: IdentityProvider
metadata: {name: partner, namespace: team-a}
spec: {issuer: "https://partner.test", audienceAliases: [%q], replay: Reuse, jwks: {keys: [%s]}}
---
apiVersion: v1
kind: Secret
metadata: {name: portal, namespace: team-a}
data: {client_secret: %s}
`, s.issuer, jwk, base64.StdEncoding.EncodeToString([]byte(clientSecret)))
	for name, authentication := range map[string]string{
		"portal": `clientSecret: {secretRef: {name: portal}}`,
		"batch":  fmt.Sprintf(`privateKeyJWT: {jwks: {keys: [%s]}}`, signer.PublicKey().JWK()),
		"worker": `federated: {identityProviderRef: {name: partner}, subject: alice}`,
		"open":   `public: {}`,
	} {
		grants := "JWTBearer, TokenExchange, RefreshToken"
		if name != "open" {
			grants += ", ClientCredentials"
		}
		text += fmt.Sprintf(`---
apiVersion: grantor.dev/v1alpha1
kind: OAuthClient
metadata: {name: %s, namespace: team-a}
spec:
  authentication: {%s}
  grantTypes: [%s]
  identityProviders: [{name: partner}]
  scopes: [read, write]
  resources: ["https://a.test", "https://b.test"]
`, name, authentication, grants)
	}
	return text
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

func (s *site) writeFile(name, text string) {
	s.t.Helper()
	try(s.t, os.WriteFile(s.file(name), []byte(text), 0o600))
}

// assertion is about alice and good for a minute, but for changes.
func (s *site) assertion(changes ...func(jwttest.Object) jwttest.Object) string {
	now := time.Now()
	claims := jwttest.Object{}.Add("iss", `"https://partner.test"`).Add("sub", `"alice"`).Add("aud", jwttest.Quote(s.issuer)).
		Add("iat", fmt.Sprint(now.Unix())).Add("exp", fmt.Sprint(now.Add(time.Minute).Unix())).Add("jti", jwttest.Quote(fmt.Sprint(serial.Add(1))))
	for _, change := range changes {
		claims = change(claims)
	}
	return jwttest.Compact("ES256", jwttest.EC("partner", elliptic.P256()), `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

// run runs grantor exchange with a new assertion in a file.
func (s *site) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	s.writeFile("assertion", s.assertion()+"\n")
	cmd := exec.CommandContext(s.t.Context(), binary, append([]string{"exchange", "--issuer", s.issuer, "--ca-file", s.caFile}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(s.input), &out, &problems
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), problems.String()
	}
	try(s.t, err)
	return 0, out.String(), problems.String()
}
