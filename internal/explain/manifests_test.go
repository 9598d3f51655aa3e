package explain

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/internal/standalone"
	"github.com/grantor-dev/grantor/tokenserver"
	"github.com/grantor-dev/grantor/tokenserver/keyring"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/state"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// How many folders are made up, and how many requests are sent to the server of each.
const (
	madeUpFolders  = 12
	requestsOfEach = 100
)

// dice make up what is tested, the same each time (SplitMix64).
type dice struct{ state uint64 }

// below returns a number from 0, below n.
func (d *dice) below(n int) int {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) >> 33 % uint64(n)) // #nosec G115 -- it is below n
}

// of returns one of several texts.
func (d *dice) of(texts ...string) string { return texts[d.below(len(texts))] }

// mostly returns the first of several texts, and seldom another one.
func (d *dice) mostly(texts ...string) string {
	if d.below(12) > 0 {
		return texts[0]
	}
	return d.of(texts...)
}

// seldom returns a text one time in so many, and else nothing.
func (d *dice) seldom(times int, text string) string {
	if d.below(times) == 0 {
		return text
	}
	return ""
}

// madeUp is a folder of manifests and the servers that judge by it.
type madeUp struct {
	*dice

	now time.Time
	// server is what grantor standalone makes of the folder, and world what is explained by.
	server *trust.Store
	world  *World
	text   string
}

func newMadeUp(t *testing.T, seed uint64) *madeUp {
	t.Helper()
	m := &madeUp{dice: &dice{seed}, now: noon, server: trust.NewStore()}
	m.text = m.manifests(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(m.text), 0o600); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Generate(noon.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	loader, err := standalone.NewLoader(dir, m.server, ring, keyring.GenerateDigestKey(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := loader.Load(t.Context(), m.now); err != nil {
		t.Fatalf("%v in:\n%s", err, m.text)
	}
	if m.world, err = FromManifests(t.Context(), dir, m.now); err != nil {
		t.Fatal(err)
	}
	return m
}

// manifests are two partners in a namespace and one in another, a provider of workloads, and clients of each kind.
func (m *madeUp) manifests(t *testing.T) string {
	t.Helper()
	text := ""
	for name, key := range map[string]string{"idp": "idp", "others": "others", "client": "client"} {
		for validity, hours := range map[string][2]int{"good": {-1, 1000}, "over": {-2, -1}, "early": {1, 2}} {
			cert := jwttest.Certificate(jwttest.EC(key, elliptic.P256()), m.now.Add(time.Duration(hours[0])*time.Hour), m.now.Add(time.Duration(hours[1])*time.Hour))
			quoted, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
			if err != nil {
				t.Fatal(err)
			}
			for _, ns := range []string{"team-a", "team-b"} {
				text += fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s-%s, namespace: %s}\nstringData: {tls.crt: %s}\n---\n", name, validity, ns, quoted)
			}
		}
	}
	text += fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: secret, namespace: team-a}\nstringData: {client_secret: %s}\n---\n", secret)
	text += m.provider("team-a", "one") + m.provider("team-a", "two") + m.provider("team-b", "three")
	text += madeUpObject("IdentityProvider", "team-a", "workloads", "issuer: https://workloads.example.com",
		"audienceAliases: ["+server+", "+server+"/t/team-a]", "replay: Reuse", "jwks: "+madeUpKeys("workloads"), m.seldom(8, "grantEnabled: false"))
	for _, how := range []string{
		"clientSecret: {secretRef: {name: " + m.mostly("secret", "none") + "}}", "public: {}",
		"privateKeyJWT: {" + m.mostly("jwks: "+madeUpKeys("client"), "certificateSecretRef: {name: client-"+m.of("good", "over", "early", "none")+"}") + "}",
		"federated: {identityProviderRef: {name: workloads}, subject: worker}",
	} {
		name, _, _ := strings.Cut(how, ":")
		text += madeUpObject("OAuthClient", "team-a", strings.ToLower(name), "authentication: {"+how+"}",
			"grantTypes: ["+m.mostly("JWTBearer", "JWTBearer, TokenExchange", "TokenExchange")+"]",
			m.seldom(2, "identityProviders: ["+m.of("{name: one}", "{name: two}", "{name: three, namespace: team-b}", "{name: three, namespace: team-b}, {name: one}", "{name: none}")+"]"),
			m.seldom(2, "scopes: [read, write]"), m.seldom(2, `resources: ["https://api.example.com"]`), m.seldom(10, "grantEnabled: false"),
			m.seldom(10, "clientID: contested"), m.seldom(3, "accessToken: {lifetime: 5m, capToAssertion: true}"))
	}
	return text
}

func (m *madeUp) provider(namespace, name string) string {
	return madeUpObject("IdentityProvider", namespace, name, "issuer: "+m.mostly(issuer, "https://others.example.com"),
		"audienceAliases: ["+m.of(alias, alias+", "+server, alias+", "+server+"/t/team-a")+"]",
		m.of("jwks: "+madeUpKeys("idp"), m.mostly("jwks: "+madeUpKeys("idp"), "jwks: "+madeUpKeys("others"), "discovery: {}"),
			"certificateSecretRef: {name: "+m.mostly("idp", "others")+"-"+m.of("good", "good", "over", "early", "none")+"}"),
		m.seldom(12, "grantEnabled: false"), m.seldom(3, "clockSkew: "+m.of("0s", "1m")), m.seldom(4, "maxLifetime: "+m.of("1m", "2h")),
		m.seldom(4, "maxAge: "+m.of("1m", "10m")), m.seldom(3, "replay: "+m.of("OneTime", "OneTimeIfPresent", "Reuse")), m.seldom(4, "certificateExpiry: Ignore"),
		m.seldom(6, "audiencePolicy: Sole"), m.seldom(4, "scopes: [read]"), m.seldom(8, "profile: IDJAG"),
		m.seldom(5, "claimValidationRules: ["+m.of("{claim: sub, requiredValue: alice}", `{expression: "claims.exp - claims.iat < 1000", message: m}`, `{expression: "!has(claims.email)", message: m}`, `{expression: "claims.level > 1", message: m}`)+"]"),
		m.seldom(6, "subject: {expression: "+m.of("claims.email", `"claims.sub + '!'"`)+"}"), m.seldom(6, "claimMappings: [{claim: mail, expression: claims.email}]"),
		m.of("allowedClientNamespaces: {from: Same}", "allowedClientNamespaces: {from: All}", "allowedClientNamespaces: {from: Listed, namespaces: [team-a]}"))
}

// madeUpObject has a spec of lines, without those that are empty.
func madeUpObject(kind, namespace, name string, lines ...string) string {
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	return fmt.Sprintf("apiVersion: grantor.dev/v1alpha1\nkind: %s\nmetadata: {name: %s, namespace: %s}\nspec:\n  %s\n---\n", kind, name, namespace, strings.Join(lines, "\n  "))
}

// madeUpKeys is a set of one key.
func madeUpKeys(name string) string {
	point, err := jwttest.EC(name, elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	half := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{keys: [{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, half(point[1:33]), half(point[33:]))
}

// madeUpRequest is what a client asks for, and of which issuer.
type madeUpRequest struct {
	client, assertion, scope, resource, issuer, path string
	at                                               time.Time
}

func (m *madeUp) request() madeUpRequest {
	r := madeUpRequest{
		client: m.of("clientsecret", "public", "privatekeyjwt", "federated"), scope: m.seldom(4, m.of("read", "write", "read write", "none", "a\"b")),
		resource: m.seldom(5, m.of("https://api.example.com", server, "x")), issuer: server, path: "", at: m.now.Add(time.Duration(max(0, m.below(12)-8)) * 150 * time.Second),
	}
	if m.below(4) == 0 {
		r.issuer, r.path = server+"/t/team-a", "/t/team-a"
	}
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(m.mostly(issuer, "https://others.example.com", server, server+"/t/team-b"))).
		Add("sub", m.mostly(`"alice"`, `"bob"`, `""`, `1`)).Add("aud", jwttest.Quote(m.mostly(alias, server, server+"/t/team-a", "https://else.example.com")))
	add := func(name string, values ...string) {
		if value := m.mostly(values...); value != "" {
			claims = claims.Add(name, value)
		}
	}
	add("iat", at(0), at(-600), at(900), "")
	add("exp", at(300), at(5000), at(-1000), "")
	add("nbf", "", at(200))
	add("jti", `"1"`, "", `7`)
	add("email", `"a@example.com"`, "", "3")
	add("level", "2", "", "0", `"x"`)
	add("client_id", `"team-a.`+r.client+`"`, "")
	add("scope", "", `"read"`)
	r.assertion = jwttest.Compact("ES256", jwttest.EC(m.mostly("idp", "others"), elliptic.P256()),
		`{"alg":"ES256"`+m.mostly(`,"typ":"JWT"`, "", `,"typ":"oauth-id-jag+jwt"`, `,"typ":"at+jwt"`)+`}`, claims.String())
	return r
}

// answered is what the server says to the client, which proves who it is as it should.
func (m *madeUp) answered(t *testing.T, r madeUpRequest) (reason oauth.Reason, body map[string]any) {
	t.Helper()
	id := "team-a." + r.client
	if o := m.world.clients[trust.ObjectKey{Namespace: "team-a", Name: r.client}]; o.Spec.ClientID != "" {
		id = o.Spec.ClientID
	}
	form := url.Values{"grant_type": {oauth.GrantTypeJWTBearer}, "client_id": {id}, "assertion": {r.assertion}}
	sign := func(key, iss, sub string) {
		claims := jwttest.Object{}.Add("iss", jwttest.Quote(iss)).Add("sub", jwttest.Quote(sub)).Add("aud", jwttest.Quote(r.issuer)).
			Add("exp", fmt.Sprint(r.at.Unix()+60)).Add("iat", fmt.Sprint(r.at.Unix())).Add("jti", `"c"`)
		form.Set("client_assertion", jwttest.Compact("ES256", jwttest.EC(key, elliptic.P256()), `{"alg":"ES256"}`, claims.String()))
		form.Set("client_assertion_type", oauth.ClientAssertionType)
	}
	switch r.client {
	case "clientsecret":
		form.Set("client_secret", secret)
	case "privatekeyjwt":
		sign("client", id, id)
	case "federated":
		sign("workloads", "https://workloads.example.com", "worker")
	}
	for name, value := range map[string]string{"scope": r.scope, "resource": r.resource} {
		if value != "" {
			form.Set(name, value)
		}
	}
	log, memory := &reasonOf{}, state.NewMemory(noon.Add(-24*time.Hour))
	h, err := tokenserver.NewHandler(tokenserver.Config{
		Issuer: server, Trust: m.server, Replay: memory, Revocations: memory, Now: func() time.Time { return r.at }, Audit: slog.New(log), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	post := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.path+tokenserver.PathToken, strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, post)
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return oauth.Reason(log.reason), body
}

// lost reports whether another client has the id of a client. The server takes that for the one who asks; what is explained is
// that the object has no part.
func (m *madeUp) lost(client string) bool {
	key := trust.ObjectKey{Namespace: "team-a", Name: client}
	holder := m.server.Snapshot().Client("contested")
	return m.world.clients[key].Spec.ClientID == "contested" && holder != nil && holder.Key != key
}

// expectUsable: what a token server has accepted from a client is not said to be of no use to it.
func (m *madeUp) expectUsable(t *testing.T, o Options, provider string) {
	t.Helper()
	r, err := Client(t.Context(), m.world, o)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Providers, func(p ProviderReport) bool { return p.Provider == provider })
	if i < 0 || !r.Providers[i].Usable || !r.Usable {
		t.Fatalf("%+v: a token server accepts assertions of %s, and the client is explained as %+v, in:\n%s", o, provider, r, m.text)
	}
}

// TestManifestsAreExplainedAsStandaloneAnswers: whatever a folder declares and a client presents, what is explained of the folder is
// what the server of grantor standalone does by it.
func TestManifestsAreExplainedAsStandaloneAnswers(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(madeUpFolders) {
		m := newMadeUp(t, seed)
		for range requestsOfEach {
			r := m.request()
			want, body := m.answered(t, r)
			seen[string(want)]++
			if m.lost(r.client) {
				want, body = oauth.ReasonUnknownClient, map[string]any{"error": "invalid_client"}
			}
			o := Options{Client: types.NamespacedName{Namespace: "team-a", Name: r.client}, Issuer: r.issuer, Scope: r.scope, At: r.at}
			if r.resource != "" {
				o.Resources = []string{r.resource}
			}
			got, err := Assertion(t.Context(), m.world, r.assertion, o)
			switch {
			case err != nil:
				t.Fatalf("folder %d, %+v: %v, a token server says %q", seed, r, err, want)
			case got.Reason != want || string(got.Error) != textOf(body["error"]) || (got.Verdict == Accepted) != (want == ""):
				t.Fatalf("folder %d, %+v: explained as %s for %q (%s), a token server says %q (%v), in:\n%s", seed, r, got.Verdict, got.Reason, got.Error, want, body, m.text)
			case want == "" && (got.Granted.Scope != textOf(body["scope"]) || float64(got.Granted.ExpiresIn) != body["expires_in"]):
				t.Fatalf("folder %d, %+v: granted %+v, a token server says %v", seed, r, got.Granted, body)
			case want == "":
				m.expectUsable(t, o, got.Provider)
			}
		}
	}
	if seen[""] < 50 || len(seen) < 20 {
		t.Errorf("that is too little: %v", seen)
	}
}
