package baseline

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

func algorithms() [][2]string {
	return [][2]string{{"RS256", "ES256"}, {"ES256", "ES256"}, {"EdDSA", "EdDSA"}, {"RS256", "RS256"}}
}

// TestFloor: the primitives are those of the algorithms, and the answer is as long as it says.
func TestFloor(t *testing.T) {
	for _, algs := range algorithms() {
		h, err := NewFloor(algs[0], algs[1])
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("a=b"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.String() != string(FloorAnswer()) || !json.Valid(w.Body.Bytes()) || w.Body.Len() != answerBytes {
			t.Errorf("%v: %d %s", algs, w.Code, w.Body)
		}
		if rest, err := io.ReadAll(r.Body); err != nil || len(rest) > 0 {
			t.Errorf("the body was not read: %q, %v", rest, err)
		}
	}
}

// TestFloorFails: what does not verify is no floor.
func TestFloorFails(t *testing.T) {
	w := httptest.NewRecorder()
	f := &floor{verify: func() bool { return false }, sign: func() error { return nil }}
	f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
	if w.Code != http.StatusInternalServerError {
		t.Error(w.Code)
	}
}

func trust() Trust {
	return Trust{Issuer: "https://as.example", AssertionIssuer: "https://idp.example", KeyID: "k", ClientID: "c 1", Secret: "s%", Scope: "read"}
}

// call is a request to the generic server that one thing may be wrong with.
type call struct {
	grant, id, secret, alg, kid, iss, aud, jti string
	exp                                        time.Time
	key                                        any
}

func valid(alg string) call {
	return call{
		grant: jwtBearer, id: "c 1", secret: "s%", alg: alg, kid: "k", iss: "https://idp.example", aud: "https://as.example/oauth2/token", jti: "j",
		exp: time.Now().Add(time.Minute), key: IdentityProviderKey(alg, 0),
	}
}

func (c call) send(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	claimed := map[string]any{"iss": c.iss, "sub": "alice", "aud": c.aud, "exp": c.exp.Unix(), "jti": c.jti}
	if c.jti == "" {
		delete(claimed, "jti")
	}
	claims, err := json.Marshal(claimed)
	if err != nil {
		t.Fatal(err)
	}
	assertion := jwttest.Compact(c.alg, c.key, `{"alg":"`+c.alg+`","kid":"`+c.kid+`"}`, string(claims))
	form := url.Values{"grant_type": {c.grant}, "assertion": {assertion}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestGenericGrants: the token that it mints verifies, and the assertion works once.
func TestGenericGrants(t *testing.T) {
	for _, algs := range algorithms() {
		h, err := NewGeneric(trust(), algs[0], algs[1])
		if err != nil {
			t.Fatal(err)
		}
		c := valid(algs[0])
		w := c.send(t, h)
		var answer struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%v: %d %s", algs, w.Code, w.Body)
		}
		i := strings.LastIndexByte(answer.AccessToken, '.')
		input := []byte(answer.AccessToken[:i])
		signature, err := base64.RawURLEncoding.DecodeString(answer.AccessToken[i+1:])
		public := ServerKey(algs[1]).Public()
		if err != nil || !Verify(algs[1], public, input, signature) {
			t.Errorf("%v: the signature is wrong", algs)
		}
		signature[0] ^= 1
		if Verify(algs[1], public, input, signature) || Verify(algs[1], public, append(input, 'x'), signature[1:]) ||
			Verify(algs[1], IdentityProviderKey(algs[1], 0).Public(), input, signature) {
			t.Errorf("%v: a wrong signature is right", algs)
		}
		if again := c.send(t, h); again.Code != http.StatusBadRequest {
			t.Errorf("%v: the assertion works twice", algs)
		}
	}
}

// TestGenericRefuses: it does what the exchange asks for, or it would be no comparison.
func TestGenericRefuses(t *testing.T) {
	for name, change := range map[string]func(c *call){
		"grant":    func(c *call) { c.grant = "password" },
		"client":   func(c *call) { c.id = "c2" },
		"secret":   func(c *call) { c.secret = "other" },
		"issuer":   func(c *call) { c.iss = "https://other.example" },
		"audience": func(c *call) { c.aud = "https://other.example" },
		"expired":  func(c *call) { c.exp = time.Now().Add(-time.Hour) },
		"no jti":   func(c *call) { c.jti = "" },
		"key id":   func(c *call) { c.kid = "other" },
		"key":      func(c *call) { c.key = IdentityProviderKey(c.alg, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			h, err := NewGeneric(trust(), "ES256", "ES256")
			if err != nil {
				t.Fatal(err)
			}
			c := valid("ES256")
			change(&c)
			if w := c.send(t, h); w.Code == http.StatusOK {
				t.Error("it grants a token")
			}
		})
	}
}
