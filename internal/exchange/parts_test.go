package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// TestCheckEndpoint: credentials go by TLS, or nowhere but to this machine.
func TestCheckEndpoint(t *testing.T) {
	for endpoint, right := range map[string]bool{
		"https://auth.example.com/oauth2/token":                true,
		"https://auth.example.com/oauth2/token?tenantDomain=a": true,
		"http://127.0.0.1:8080/token":                          true,
		"http://127.9.9.9/token":                               true,
		"http://[::1]:8080/token":                              true,
		"http://localhost:8080/token":                          true,
		"http://auth.example.com/token":                        false,
		"http://localhost.evil.test/token":                     false,
		"http://127.0.0.1.evil.test/token":                     false,
		"http://10.0.0.1/token":                                false,
		"http://0.0.0.0/token":                                 false,
		"https://user:password@auth.example.com/token":         false,
		"http://127.0.0.1@evil.test/token":                     false,
		"https://auth.example.com/token#a":                     false,
		"https:///token":                                       false,
		"auth.example.com":                                     false,
		"file:///etc/passwd":                                   false,
		"":                                                     false,
	} {
		err := CheckEndpoint(endpoint)
		if (err == nil) != right {
			t.Errorf("%s: %v", endpoint, err)
		}
		if err != nil && strings.Contains(err.Error(), "password") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

func TestSources(t *testing.T) {
	t.Setenv("A_SECRET", "from the environment\n")
	t.Setenv("EMPTY", " ")
	input := strings.NewReader("from input\r\n")
	for name, tc := range map[string]struct{ text, want, says string }{
		"file":                {write(t, "  from a file\n"), "from a file", ""},
		"file of an editor":   {write(t, "\ufefffrom an editor\r\n"), "from an editor", ""},
		"file of a shell":     {write(t, "\xff\xfef\x00"), "", "UTF-16"},
		"file, the other way": {write(t, "\xfe\xff\x00f"), "", "UTF-16"},
		"variable":            {"env:A_SECRET", "from the environment", ""},
		"input":               {"-", "from input", ""},
		"no file":             {"/nonexistent/secret", "", "open file: no such file or directory"},
		"folder":              {t.TempDir(), "", "is a directory"},
		"empty file":          {write(t, " \n"), "", "is empty"},
		"large file":          {write(t, strings.Repeat("a", maxSource+1)), "", "has more than 64 KiB"},
		"no variable":         {"env:NO_SUCH_VARIABLE", "", "not set"},
		"empty variable":      {"env:EMPTY", "", "not set"},
		"a secret, itself":    {"correct horse battery staple", "", "no such file"},
		"a token, itself":     {presented, "", "is a token: keep it in a file"},
		"nothing":             {"", "", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSource(tc.text, input)
			var got string
			if err == nil {
				for range 2 { // the second time as the first
					got, err = s.Read(t.Context())
				}
			}
			if got != tc.want || (err == nil) != (tc.says == "") {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.says) || tc.text != "" && strings.Contains(err.Error(), tc.text)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestFileIsReadAnew: a projected token is another one after a while.
func TestFileIsReadAnew(t *testing.T) {
	name := write(t, "first")
	s, err := ParseSource(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(t.Context()); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// sent returns the form and the Authorization header of a request with the credentials.
func sent(t *testing.T, c Credentials) (form url.Values, id, secret string, err error) {
	t.Helper()
	_, e := site(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(text))
		id, secret, _ = r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, granted)
	})
	e.Issuer, e.Client = "https://auth.example.com", c
	if err := e.Check(); err != nil {
		return nil, "", "", err
	}
	_, err = e.Exchange(t.Context(), Request{GrantType: oauth.GrantTypeClientCredentials})
	return form, id, secret, err
}

func TestCredentials(t *testing.T) {
	const special = "a:b+c%d é"
	form, id, secret, err := sent(t, Credentials{ID: special, Secret: source(t, special)})
	// RFC 6749 §2.3.1: form-urlencoded, and not a second time in the form.
	if err != nil || id != url.QueryEscape(special) || secret != url.QueryEscape(special) || len(form) != 1 {
		t.Errorf("basic: %q %q %v %v", id, secret, form, err)
	}
	for name, tc := range map[string]struct {
		credentials Credentials
		want        url.Values
	}{
		"none":           {Credentials{ID: special}, url.Values{"client_id": {special}}},
		"post":           {Credentials{ID: special, Secret: source(t, special), SecretInForm: true}, url.Values{"client_id": {special}, "client_secret": {special}}},
		"federated":      {Credentials{ID: "c", Assertion: source(t, "j")}, url.Values{"client_id": {"c"}, "client_assertion": {"j"}, "client_assertion_type": {clientAssertionType}}},
		"without any id": {Credentials{Assertion: source(t, "j")}, url.Values{"client_assertion": {"j"}, "client_assertion_type": {clientAssertionType}}},
	} {
		tc.want.Set("grant_type", "client_credentials")
		form, id, _, err := sent(t, tc.credentials)
		if diff := cmp.Diff(tc.want, form); diff != "" || id != "" || err != nil {
			t.Errorf("%s: %s %q %v", name, diff, id, err)
		}
	}
}

// TestClientKey: RFC 7523 §3 and draft-ietf-oauth-rfc7523bis: who, for whom, from when until when, once.
func TestClientKey(t *testing.T) {
	signer, err := jose.GenerateSigner(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signer.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, keyID := range []string{"", "mine"} {
		form, _, _, err := sent(t, Credentials{ID: "c", Key: source(t, string(key)), KeyID: keyID})
		if err != nil {
			t.Fatal(err)
		}
		c, err := jose.ParseCompact(form.Get("client_assertion"))
		if err != nil || !signer.PublicKey().Verify(jose.ES256, c.SigningInput, c.Signature) || c.UntrustedHeader.Type != "client-authentication+jwt" {
			t.Fatalf("%+v, %v", c, err)
		}
		if keyID == "" {
			keyID = signer.PublicKey().Thumbprint()
		}
		if c.UntrustedHeader.KeyID != keyID {
			t.Errorf("kid %q", c.UntrustedHeader.KeyID)
		}
		var claims map[string]any
		if err := json.Unmarshal(c.UntrustedPayload, &claims); err != nil {
			t.Fatal(err)
		}
		ids[fmt.Sprint(claims["jti"])] = true
		delete(claims, "jti")
		if diff := cmp.Diff(map[string]any{
			"iss": "c", "sub": "c", "aud": "https://auth.example.com", "iat": float64(now().Unix()), "exp": float64(now().Unix() + 120),
		}, claims); diff != "" {
			t.Error(diff)
		}
	}
	if len(ids) != 2 {
		t.Errorf("one jti for two: %v", ids)
	}
	const text = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
	if _, _, _, err := sent(t, Credentials{ID: "c", Key: source(t, text)}); OutcomeOf(err) != Failed || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("%v", err)
	}
}

func TestWrongCredentials(t *testing.T) {
	s := source(t, "x")
	for name, tc := range map[string]struct {
		c      Credentials
		issuer string
		says   string
	}{
		"two ways":           {Credentials{ID: "c", Secret: s, Key: s}, "i", "one way to authenticate"},
		"two others":         {Credentials{ID: "c", Assertion: s, Key: s}, "i", "one way to authenticate"},
		"secret of nobody":   {Credentials{Secret: s}, "i", "--client-id is required"},
		"key of nobody":      {Credentials{Key: s}, "i", "--client-id is required"},
		"no secret":          {Credentials{ID: "c", SecretInForm: true}, "i", "needs --client-secret"},
		"no key":             {Credentials{ID: "c", KeyID: "k"}, "i", "needs --client-key"},
		"key without issuer": {Credentials{ID: "c", Key: s}, "", "needs --issuer"},
	} {
		if err := tc.c.Check(tc.issuer); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	s := source(t, "x")
	bearer, exchange := oauth.GrantTypeJWTBearer, oauth.GrantTypeTokenExchange
	for name, tc := range map[string]struct {
		q    Request
		says string
	}{
		"no grant":          {Request{}, "unknown grant"},
		"no assertion":      {Request{GrantType: bearer}, "--assertion is required"},
		"no subject":        {Request{GrantType: exchange, ActorToken: s}, "--subject-token is required"},
		"no refresh token":  {Request{GrantType: oauth.GrantTypeRefreshToken}, "--refresh-token is required"},
		"stray subject":     {Request{GrantType: bearer, Assertion: s, SubjectToken: s}, "--subject-token has no meaning"},
		"stray actor":       {Request{GrantType: bearer, Assertion: s, ActorToken: s}, "--actor-token has no meaning"},
		"stray assertion":   {Request{GrantType: oauth.GrantTypeClientCredentials, Assertion: s}, "--assertion has no meaning"},
		"stray refresh":     {Request{GrantType: bearer, Assertion: s, RefreshToken: s}, "--refresh-token has no meaning"},
		"scopes in one":     {Request{GrantType: bearer, Assertion: s, Scopes: []string{"read write"}}, "--scope"},
		"scope of no words": {Request{GrantType: bearer, Assertion: s, Scopes: []string{""}}, "--scope"},
	} {
		if err := tc.q.Check(); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokensAreNotPrinted by whatever prints them.
func TestTokensAreNotPrinted(t *testing.T) {
	token := Token{AccessToken: presented, RefreshToken: presented}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(t.Context(), "x", "token", token, "alone", token.AccessToken)
	slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "x", "token", token, "alone", token.AccessToken)
	_, _ = fmt.Fprintf(&out, "%v %+v %#v %s", token, token, token, token.AccessToken)
	if err := json.NewEncoder(&out).Encode(token); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), presented) || !strings.Contains(out.String(), redacted) {
		t.Errorf("%s", &out)
	}
	if token.AccessToken.Reveal() != presented {
		t.Error("it cannot be had")
	}
}

func TestDecode(t *testing.T) {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	header, claims, err := Decode(part(`{"alg":"ES256"}`) + "." + part(`{"sub":"a"}`) + ".c2lnbmF0dXJl")
	if string(header) != `{"alg":"ES256"}` || string(claims) != `{"sub":"a"}` || err != nil {
		t.Errorf("%s %s %v", header, claims, err)
	}
	for _, text := range []string{"", "opaque", "a.b.c.d.e", "a.b.c", part("1") + "." + part("{}") + ".c", part("{}") + "." + part("{}") + "=.c"} {
		if header, claims, err := Decode(text); err == nil || header != nil && claims != nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %s %s %v", text, header, claims, err)
		}
	}
}
