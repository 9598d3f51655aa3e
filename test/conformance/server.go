package conformance

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// Server is a server that has the objects of Objects.
type Server struct {
	// Issuer is that of the server; everything else is found from there.
	Issuer string
	// HTTP sends the requests. It must not follow redirects.
	HTTP *http.Client
}

// answer is a response of the server.
type answer struct {
	status int
	header http.Header
	// body is the JSON object, with numbers as they are written.
	body map[string]any
	text string
}

// authentication adds what proves who a client is.
type authentication func(r *http.Request, form url.Values)

// basic authenticates by Basic, with both parts form-encoded.
func basic(id, secret string) authentication {
	return func(r *http.Request, _ url.Values) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

// post authenticates in the body.
func post(id, secret string) authentication {
	return func(_ *http.Request, form url.Values) { form.Set("client_id", id); form.Set("client_secret", secret) }
}

// only says who it is.
func only(id string) authentication {
	return func(_ *http.Request, form url.Values) { form.Set("client_id", id) }
}

// withAssertion authenticates by a client assertion.
func withAssertion(assertion string) authentication {
	return func(_ *http.Request, form url.Values) {
		form.Set("client_assertion_type", clientAssertionType)
		form.Set("client_assertion", assertion)
	}
}

func nobody(*http.Request, url.Values) {}

// portal is the usual client.
func portal() authentication { return basic(portalID, portalSecret) }

// ask sends a form to an endpoint.
func (s *Server) ask(t *testing.T, endpoint string, form url.Values, who authentication) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	who(r, form)
	r.Body = io.NopCloser(strings.NewReader(form.Encode()))
	r.ContentLength = int64(len(form.Encode()))
	return s.do(t, r)
}

func (s *Server) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	decoder := json.NewDecoder(strings.NewReader(a.text))
	decoder.UseNumber()
	if len(text) > 0 {
		if err := decoder.Decode(&a.body); err != nil {
			t.Fatalf("the answer is no JSON object: %d %q", a.status, a.text)
		}
	}
	return a
}

// get reads a document.
func (s *Server) get(t *testing.T, target string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return s.do(t, r)
}

// metadata reads the document of RFC 8414.
func (s *Server) metadata(t *testing.T) answer {
	t.Helper()
	u, err := url.Parse(s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return s.get(t, u.Scheme+"://"+u.Host+"/.well-known/oauth-authorization-server"+u.Path)
}

// endpoint returns a URL of the metadata.
func (s *Server) endpoint(t *testing.T, name string) string {
	t.Helper()
	found, ok := s.metadata(t).body[name].(string)
	if !ok {
		t.Fatalf("the metadata has no %s", name)
	}
	return found
}

// token asks the token endpoint.
func (s *Server) token(t *testing.T, form url.Values, who authentication) answer {
	t.Helper()
	return s.ask(t, s.endpoint(t, "token_endpoint"), form, who)
}

// exchange asks for an access token for a fresh assertion, with parameters added or replaced.
func (s *Server) exchange(t *testing.T, who authentication, more ...string) answer {
	t.Helper()
	form := url.Values{"grant_type": {jwtBearer}, "assertion": {s.assertion()}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.token(t, form, who)
}

// change changes the claims of a JWT.
type change func(jwttest.Object) jwttest.Object

// claim sets a claim to JSON; an empty text removes it.
func claim(name, value string) change {
	return func(o jwttest.Object) jwttest.Object {
		if value == "" {
			return o.Delete(name)
		}
		return o.Set(name, value)
	}
}

// count makes every jti another one.
var count atomic.Int64

// signed is a fresh JWT of the issuer, with the key of that name.
func signed(key, issuer, subject, audience string, changes ...change) string {
	now := time.Now()
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(issuer)).Add("sub", jwttest.Quote(subject)).Add("aud", jwttest.Quote(audience)).
		Add("iat", fmt.Sprint(now.Unix())).Add("exp", fmt.Sprint(now.Unix()+60)).Add("jti", fmt.Sprintf(`"%d-%d"`, now.UnixNano(), count.Add(1)))
	for _, c := range changes {
		claims = c(claims)
	}
	return jwttest.Compact("ES256", jwttest.EC(key, elliptic.P256()), `{"alg":"ES256","typ":"JWT"}`, claims.String())
}

// assertion is a fresh assertion about alice.
func (s *Server) assertion(changes ...change) string {
	return signed(partnerKey, partner, "alice", Audience(s.Issuer), changes...)
}

// clientAssertion is a fresh client assertion of the client with a key.
func (s *Server) clientAssertion(changes ...change) string {
	return signed(batchKey, batchID, batchID, s.Issuer, changes...)
}

// claimsOf reads a part of a JWT: 0 is the header, 1 the claims.
func claimsOf(t *testing.T, token any, part int) map[string]any {
	t.Helper()
	text, ok := token.(string)
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 {
		t.Fatalf("%v is no JWT", token)
	}
	plain, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(plain)))
	decoder.UseNumber()
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// wantGranted checks that there is an access token.
func (a answer) wantGranted(t *testing.T) {
	t.Helper()
	if token, ok := a.body["access_token"].(string); a.status != http.StatusOK || !ok || token == "" {
		t.Fatalf("no access token: %d %s", a.status, a.text)
	}
}

// wantError checks that the answer is this error and nothing else.
func (a answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status || a.body["error"] != code || a.body["access_token"] != nil {
		t.Errorf("answers %d %s, want %d %s", a.status, a.text, status, code)
	}
}
