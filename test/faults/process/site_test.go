package process

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
	"github.com/grantor-dev/grantor/test/openloop"
)

const (
	alias        = "https://localhost:9443/oauth2/token"
	clientID     = "playground"
	clientSecret = "_htM8KV73STHfzBO4TGbnC9iSswa"
	granted      = "200"
)

// serial makes every assertion another one.
var serial atomic.Int64

// object is a manifest.
type object = map[string]any

// site is a folder of manifests, signing keys, and who may ask.
type site struct {
	t      *testing.T
	dir    string
	issuer string
	key    *ecdsa.PrivateKey
	client *http.Client
}

// newSite makes one with a provider whose clock skew is the default, 30 s, one with 60 s, and one client.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), issuer: "https://partner.test", key: jwttest.EC("partner", elliptic.P256())}
	s.client = newClient(t, 500)
	try(t, os.Mkdir(filepath.Join(s.dir, "manifests"), 0o700))
	s.declare("trust", append(s.provider("partner", object{}), s.oauthClient(clientID)...)...)
	return s
}

// newClient is one that keeps so many connections at most.
func newClient(t *testing.T, connections int) *http.Client {
	t.Helper()
	transport := &http.Transport{
		MaxIdleConnsPerHost: connections, IdleConnTimeout: harness.IdleConnTimeout,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// declare writes a file of manifests.
func (s *site) declare(name string, objects ...object) {
	s.t.Helper()
	var text strings.Builder
	for _, o := range objects {
		b, err := json.Marshal(o) // JSON is YAML
		try(s.t, err)
		text.WriteString("---\n" + string(b) + "\n")
	}
	try(s.t, os.WriteFile(filepath.Join(s.dir, "manifests", name+".yaml"), []byte(text.String()), 0o600))
}

func meta(name string) object { return object{"namespace": "team-a", "name": name} }

// provider declares an issuer that is named after it, with the key of the site.
func (s *site) provider(name string, more object) []object {
	point, err := s.key.PublicKey.Bytes()
	try(s.t, err)
	half := base64.RawURLEncoding.EncodeToString
	spec := object{
		"issuer": "https://" + name + ".test", "audienceAliases": []string{alias},
		"jwks": object{"keys": []object{{"kty": "EC", "crv": "P-256", "x": half(point[1:33]), "y": half(point[33:])}}},
	}
	maps.Copy(spec, more)
	return []object{{"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider", "metadata": meta(name), "spec": spec}}
}

// oauthClient declares a client and its Secret.
func (s *site) oauthClient(id string) []object {
	return []object{
		{
			"apiVersion": "grantor.dev/v1alpha1", "kind": "OAuthClient", "metadata": meta(id),
			"spec": object{"clientID": id, "scopes": []string{"read"}, "authentication": object{"clientSecret": object{"secretRef": object{"name": id}}}},
		},
		{"apiVersion": "v1", "kind": "Secret", "metadata": meta(id), "stringData": object{"client_secret": clientSecret}},
	}
}

// server is a token server of the site.
type server struct {
	*harness.Process
	*site
	url string
}

// start starts a token server, in its own way where change says so, and waits until it is Ready.
func (s *site) start(change func(*harness.Launch)) *server {
	s.t.Helper()
	ctx := s.t.Context()
	public, err := harness.FreeAddress(ctx)
	try(s.t, err)
	ops, err := harness.FreeAddress(ctx)
	try(s.t, err)
	l := harness.Launch{
		Binary: binary, Dir: s.dir, Name: fmt.Sprint("server-", serial.Add(1)), OpsAddress: ops,
		Args: []string{"standalone", "--manifests", filepath.Join(s.dir, "manifests"), "--issuer", "http://" + public, "--listen", public, "--drain", "0s", "--auth-failure-burst", "0"},
	}
	if change != nil {
		change(&l)
	}
	p, err := l.Start(ctx)
	try(s.t, err)
	s.t.Cleanup(func() {
		p.Stop()
		examine(s.t, p.Log)
	})
	try(s.t, p.WaitReady(ctx))
	return &server{Process: p, site: s, url: "http://" + public}
}

// examine fails the test when a process has died of something.
func examine(t *testing.T, log string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Error(err)
		return
	}
	for _, sign := range []string{"panic: ", "fatal error: ", "out of memory"} {
		if _, after, found := strings.Cut(string(text), sign); found {
			t.Errorf("the log says %s%.300s", sign, after)
		}
	}
}

// times are what an assertion says about itself, from now on. What is not in it, the assertion does not have.
type times map[string]time.Duration

// lasting are the usual ones.
var lasting = times{"iat": 0, "exp": 5 * time.Minute}

// fresh is an assertion of an issuer whose clock is right.
func (s *site) fresh() string { return s.signed(s.key, s.issuer, lasting) }

func (s *site) signed(key *ecdsa.PrivateKey, issuer string, d times) string {
	now := time.Now()
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(issuer)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
		Add("jti", jwttest.Quote(fmt.Sprint(serial.Add(1))))
	for _, name := range []string{"iat", "nbf", "exp"} {
		if after, ok := d[name]; ok {
			claims = claims.Add(name, fmt.Sprint(now.Add(after).Unix()))
		}
	}
	return jwttest.Compact("ES256", key, `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

// ask sends an assertion and names the outcome: the status, and the code of an error.
func (s *server) ask(ctx context.Context, assertion string) string {
	return s.askAs(ctx, clientID, assertion)
}

func (s *server) askAs(ctx context.Context, id, assertion string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/oauth2/token", strings.NewReader(tokenRequest(assertion)))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(clientSecret))
	response, err := s.client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var body struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return fmt.Sprintf("%d: %v", response.StatusCode, err)
	}
	return strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", body.Error))
}

func tokenRequest(assertion string) string {
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}.Encode()
}

// load sends right requests.
func (s *server) load(perSecond int) *openloop.Load {
	return openloop.Start(s.t.Context(), perSecond, func(ctx context.Context, _ int) string { return s.ask(ctx, s.fresh()) })
}

// flawless stops a load and fails the test unless every answer was a token.
func (s *server) flawless(what string, l *openloop.Load) openloop.Report {
	s.t.Helper()
	r := l.Stop()
	s.t.Logf("%s: %s", what, r)
	if wrong := r.Other(granted); wrong > 0 || r.Sent == 0 {
		s.t.Errorf("%s: %d of %d right requests did not get a token", what, wrong, r.Sent)
	}
	return r
}

// alive fails the test when the process has ended or does not say that it lives.
func (s *server) alive() {
	s.t.Helper()
	if s.HasEnded() {
		s.t.Fatal("the process has ended")
	}
	if status, _, err := s.Get(s.t.Context(), "/healthz"); err != nil || status != http.StatusOK {
		s.t.Errorf("/healthz answers %d: %v", status, err)
	}
}
