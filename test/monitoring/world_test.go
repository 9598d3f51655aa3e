package monitoring

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

const (
	partner = "https://idp.monitoring.test"
	orders  = "https://orders.monitoring.test"
	secret  = "a secret of the tests"
)

type object = map[string]any

func declared(kind, name string, spec object) object {
	return object{"apiVersion": "grantor.dev/v1alpha1", "kind": kind, "metadata": object{"namespace": "monitoring", "name": name}, "spec": spec}
}

func provider(name string, keys object) object {
	spec := object{"issuer": partner + "/" + name, "audienceAliases": []string{orders}}
	maps.Copy(spec, keys)
	return declared("IdentityProvider", name, spec)
}

// objects are one provider, a client that may do everything, and an API.
func objects() []object {
	point, err := jwttest.EC(partner, elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwk := object{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
	authentication := object{"clientSecret": object{"secretRef": object{"name": "secret"}}}
	return []object{
		{"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "monitoring", "name": "secret"}, "stringData": object{"client_secret": secret}},
		provider("partner", object{"jwks": object{"keys": []object{jwk}}}),
		declared("OAuthClient", "portal", object{
			"authentication": authentication, "scopes": []string{"read"}, "resources": []string{orders},
			"grantTypes": []string{"JWTBearer", "ClientCredentials", "TokenExchange", "RefreshToken"},
		}),
		declared("OAuthClient", "orders", object{"authentication": authentication, "grantTypes": []string{}, "resourceServer": object{"resources": []string{orders}}}),
	}
}

// clustered are objects of a cluster: a certificate that expires, and keys that cannot be fetched.
func clustered() []object {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jwttest.Certificate(jwttest.RSA("monitoring", 2048), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))})
	return append(objects(),
		object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "monitoring", "name": "certificate"}, "stringData": object{"tls.crt": string(text)}},
		provider("certified", object{"certificateSecretRef": object{"name": "certificate", "key": "tls.crt"}}),
		provider("remote", object{"jwksURI": object{"url": "https://127.0.0.1/jwks"}}),
	)
}

// caller asks a token server.
type caller struct {
	issuer string
	http   *http.Client
	serial int
}

func (c *caller) post(ctx context.Context, path, id string, form url.Values) (object, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape("monitoring."+id), url.QueryEscape(secret))
	return c.do(r)
}

func (c *caller) do(r *http.Request) (object, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var body object
	_ = json.NewDecoder(response.Body).Decode(&body) // what has no body is told by its status
	if response.StatusCode != http.StatusOK {
		return body, fmt.Errorf("%s %s: %s %v", r.Method, r.URL.Path, response.Status, body)
	}
	return body, nil
}

func (c *caller) assertion() string {
	c.serial++
	now := time.Now().Unix()
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(partner+"/partner")).Add("sub", `"alice"`).Add("aud", jwttest.Quote(orders)).
		Add("iat", strconv.FormatInt(now, 10)).Add("exp", strconv.FormatInt(now+60, 10)).Add("jti", `"`+strconv.Itoa(c.serial)+`"`)
	return jwttest.Compact("ES256", jwttest.EC(partner, elliptic.P256()), `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

// load does everything once that a token server is for, and some things that it refuses.
func (c *caller) load(ctx context.Context) error {
	const urn = "urn:ietf:params:oauth:"
	bearer := func() url.Values {
		return url.Values{"grant_type": {urn + "grant-type:jwt-bearer"}, "assertion": {c.assertion()}}
	}
	granted, err := c.post(ctx, "/oauth2/token", "portal", bearer())
	if err != nil {
		return err
	}
	refresh, _ := granted["refresh_token"].(string)
	token, _ := granted["access_token"].(string)
	for _, of := range []struct {
		path, id string
		form     url.Values
	}{
		{"/oauth2/token", "portal", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}},
		{"/oauth2/token", "portal", url.Values{"grant_type": {"client_credentials"}}},
		{"/oauth2/token", "portal", url.Values{
			"grant_type": {urn + "grant-type:token-exchange"}, "subject_token": {c.assertion()}, "subject_token_type": {urn + "token-type:jwt"},
		}},
		{"/oauth2/introspect", "orders", url.Values{"token": {token}}},
		{"/oauth2/revoke", "portal", url.Values{"token": {token}}},
	} {
		if _, err := c.post(ctx, of.path, of.id, of.form); err != nil {
			return err
		}
	}
	for id, form := range map[string]url.Values{
		"nobody": {"grant_type": {"client_credentials"}}, "portal": {"grant_type": {urn + "grant-type:jwt-bearer"}, "assertion": {c.assertion() + "x"}},
	} {
		if _, err := c.post(ctx, "/oauth2/token", id, form); err == nil {
			return fmt.Errorf("%s is granted a token", id)
		}
	}
	for _, path := range []string{"/oauth2/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.issuer+path, http.NoBody)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		if _, err := c.do(r); err != nil {
			return err
		}
	}
	return nil
}

// world is an operator and a token server on a cluster, and a token server without one that has Valkey, TLS and traces.
type world struct {
	// targets are the processes by their names, as host:port of their metrics.
	targets map[string]string
	caller  *caller
	spans   chan []byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	g, err := harness.StartGrantor(t.Context(), site.ControlPlane, site.Binary, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	apply(t, append([]object{{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "monitoring"}}}, clustered()...))
	w := &world{spans: make(chan []byte, 1000)}
	alone := w.standalone(t)
	w.targets = map[string]string{}
	for name, p := range map[string]*harness.Process{"operator-0": g.Operator, "tokenserver-0": g.TokenServers[0], "standalone-0": alone} {
		w.targets[name] = strings.TrimPrefix(p.OpsURL, "http://")
	}
	return w
}

func (w *world) standalone(t *testing.T) *harness.Process {
	t.Helper()
	dir := t.TempDir()
	valkey, err := harness.StartValkey(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(valkey.Stop)
	certificate, err := harness.NewCertificate(dir)
	if err != nil {
		t.Fatal(err)
	}
	listen, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	collector := httptest.NewServer(w)
	t.Cleanup(collector.Close)
	w.caller = &caller{issuer: "https://" + listen, http: &http.Client{Transport: certificate.Transport(), Timeout: 10 * time.Second}}
	p, err := harness.StartStandalone(t.Context(), site.Binary, dir, harness.Standalone{
		Issuer: w.caller.issuer, Listen: listen, Objects: objects(), Flags: append(certificate.Flags(),
			"--state=valkey", "--valkey-address="+valkey.Address, "--auth-failure-burst=0",
			"--trace-endpoint="+collector.URL, "--trace-sample-ratio=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

func apply(t *testing.T, all []object) {
	t.Helper()
	var text strings.Builder
	for _, o := range all {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "---\n%s\n", b)
	}
	cmd := site.ControlPlane.Kubectl(t.Context(), "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(text.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl apply: %v: %s", err, out)
	}
}

// startPrometheus starts a Prometheus that scrapes the targets every second, as the chart's ServiceMonitor has it, and returns
// its URL.
func startPrometheus(t *testing.T, targets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	var static strings.Builder
	for pod, target := range targets {
		fmt.Fprintf(&static, "  - {targets: [%q], labels: {namespace: grantor-system, pod: %s}}\n", target, pod)
	}
	config := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: grantor-metrics\n  honor_labels: %v\n  static_configs:\n%s", chart.honorLabels, static.String())
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(site.Dir, "prometheus.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "prometheus"), "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--enable-feature=exemplar-storage")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		_ = cmd.Wait()                          // how it ended stands in its log
		_ = log.Close()
	})
	return "http://" + address
}
