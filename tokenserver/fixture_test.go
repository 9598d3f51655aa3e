package tokenserver

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

const (
	server = "https://auth.example.com"
	idpA   = "https://idp-a.test"
	idpB   = "https://idp-b.test"
	alias  = "legacy-alias"
	skew   = 30 * time.Second
)

// noon is when every fixture begins.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixture is a handler with the world of the cases: providers A, B and the disabled C; clients c1 and c5 for A and B, c2
// for B only, c3 without the grant, c4 disabled.
type fixture struct {
	*Handler

	now       time.Time
	store     *trust.Store
	digestKey keyring.DigestKey
	audit     *lines
	registry  *prometheus.Registry
	serials   int // for names that differ
}

// lines is a writer of log lines for several goroutines.
type lines struct {
	sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(b)
}

func newFixture(t testing.TB, changes ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{now: noon, store: trust.NewStore(), digestKey: keyring.GenerateDigestKey(), audit: &lines{}, registry: prometheus.NewRegistry()}
	f.store.Update(func(tx *trust.Tx) {
		for name, issuer := range map[string]string{"a": idpA, "b": idpB, "c": "https://idp-c.test"} {
			tx.PutProvider(provider(name, issuer))
		}
		for _, id := range []string{"c1", "c2", "c3", "c4", "c5"} {
			tx.PutClient(f.client(id))
		}
		tx.SetRing(ring(noon.Add(-time.Hour)))
		tx.SetDigestKeys(keyring.NewDigestKeys(f.digestKey))
		tx.MarkLoaded()
	})
	memory := state.NewMemory(noon.Add(-time.Hour))
	config := Config{
		Issuer: server, Trust: f.store, Replay: memory, Revocations: memory, Now: func() time.Time { return f.now },
		Audit:   slog.New(slog.NewJSONHandler(f.audit, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: f.registry, MaxObjectMetrics: 100,
	}
	for _, change := range changes {
		change(&config)
	}
	f.Handler = must(NewHandler(config))
	return f
}

func provider(name, issuer string) *trust.Provider {
	p := &trust.Provider{
		Key: trust.ObjectKey{Namespace: "team-a", Name: "idp-" + name}, Created: noon, Issuer: issuer, Enabled: name != "c",
		Types: []string{"", "jwt", "authorization-grant+jwt"}, AccessTokens: true,
		Keys:            []*jose.PublicKey{must(jose.NewPublicKey(jwttest.EC(issuer, elliptic.P256()).Public()))},
		AudienceAliases: []string{server + PathToken, alias}, ClockSkew: skew, MaxLifetime: time.Hour, MaxAge: time.Hour,
	}
	p.SubjectPrefix = p.DefaultSubjectPrefix()
	return p
}

// named are the keys of providers.
func named(names ...string) []trust.ObjectKey {
	var keys []trust.ObjectKey
	for _, name := range names {
		keys = append(keys, trust.ObjectKey{Namespace: "team-a", Name: name})
	}
	return keys
}

func (f *fixture) client(id string) *trust.Client {
	c := &trust.Client{
		Key: trust.ObjectKey{Namespace: "team-a", Name: id}, UID: "uid-" + id, Created: noon, ID: id, Enabled: id != "c4",
		GrantTypes: []string{oauth.GrantTypeJWTBearer}, Providers: named("idp-a", "idp-b", "idp-c"),
		Authentication: trust.AuthenticationSecret,
		Scopes:         []string{"read", "write"}, AccessTokenLifetime: time.Hour,
		Credentials: []trust.Credential{{DigestKeyID: f.digestKey.ID(), Digest: f.digestKey.Digest("uid-"+id, secretOf(id))}},
	}
	switch id {
	case "c2":
		c.Providers = named("idp-b")
	case "c3":
		c.GrantTypes = []string{"refresh_token", oauth.GrantTypeJWTBearer + "x"}
	}
	return c
}

func secretOf(id string) string { return "s3cr3t+/=%:of the client " + id }

// signer is always the same, so that what is published of it can be compared with a file.
func signer() *jose.Signer {
	der := must(x509.MarshalPKCS8PrivateKey(jwttest.EC("signer", elliptic.P256())))
	return must(jose.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func ring(activeFrom time.Time) *keyring.Ring {
	return must(keyring.New(keyring.Key{Signer: signer(), ActiveFrom: activeFrom}))
}

// claims of a valid assertion of an issuer, with the given jti.
func (f *fixture) claims(issuer, jti string) jwttest.Object {
	return jwttest.Object{}.Add("iss", jwttest.Quote(issuer)).Add("sub", `"alice"`).Add("aud", jwttest.Quote(alias)).
		Add("iat", strconv.FormatInt(f.now.Unix(), 10)).Add("exp", strconv.FormatInt(f.now.Unix()+300, 10)).Add("jti", jwttest.Quote(jti))
}

func sign(issuer string, claims jwttest.Object) string {
	return jwttest.Compact("ES256", jwttest.EC(issuer, elliptic.P256()), `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

func (f *fixture) assertion(issuer, jti string) string { return sign(issuer, f.claims(issuer, jti)) }

// call is a request to the token endpoint; what it is not told is as it should be.
type call struct {
	method, target string
	header         http.Header
	form           url.Values
}

func (f *fixture) call(id, assertion string) call {
	c := call{http.MethodPost, PathToken, http.Header{}, url.Values{
		"grant_type": {oauth.GrantTypeJWTBearer}, "assertion": {assertion}, "scope": {"read"},
	}}
	c.header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.basic(id, secretOf(id))
	return c
}

func (c call) basic(id, secret string) {
	r := http.Request{Header: c.header}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
}

func (c call) request() *http.Request {
	r := ask(c.method, c.target, c.form.Encode())
	r.Header = c.header
	return r
}

func ask(method, target, body string) *http.Request {
	return httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
}

// answer is what came back, with the reason that the audit log gives.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
	reason string
}

func (a answer) code() string { s, _ := a.body["error"].(string); return s }

func (a answer) token() string { s, _ := a.body["access_token"].(string); return s }

// send sends a request and reads the answer, and the last line of the audit log.
func (f *fixture) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		t.Fatalf("the body is no JSON object: %q", a.text)
	}
	if records := f.records(t); len(records) > 0 {
		a.reason, _ = records[len(records)-1]["reason"].(string)
	}
	return a
}

// records are the lines of the audit log.
func (f *fixture) records(t testing.TB) []map[string]any {
	t.Helper()
	f.audit.Lock()
	defer f.audit.Unlock()
	var records []map[string]any
	for line := range strings.Lines(f.audit.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("line of the audit log is no JSON object: %q", line)
		}
		records = append(records, r)
	}
	return records
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("no JSON object: %q", text)
	}
	return m
}
