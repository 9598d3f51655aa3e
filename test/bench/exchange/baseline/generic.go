package baseline

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

const (
	lifetime = 10 * time.Minute
	skew     = 30 * time.Second
)

// Trust is whom the generic server trusts: one identity provider and one client.
type Trust struct {
	// Issuer is its own, and AssertionIssuer that of the identity provider, whose key has the id KeyID.
	Issuer, AssertionIssuer, KeyID string
	ClientID, Secret, Scope        string
}

// generic is the exchange as one writes it in an afternoon.
type generic struct {
	Trust

	assertionKeys jwk.Set
	signingKey    jwk.Key
	alg           jwa.SignatureAlgorithm

	mu   sync.Mutex
	seen map[string]struct{}
}

// NewGeneric returns a handler that exchanges assertions by a general JOSE library: it parses the form, compares the client's
// secret, verifies the assertion with a key set, looks at iss, aud, exp and jti, and signs an access token.
func NewGeneric(trust Trust, assertionAlg, tokenAlg string) (http.Handler, error) {
	g := &generic{Trust: trust, seen: map[string]struct{}{}, assertionKeys: jwk.NewSet(), alg: jwa.SignatureAlgorithm(tokenAlg)}
	public, err := newKey(IdentityProviderKey(assertionAlg, 0).Public(), assertionAlg, trust.KeyID)
	if err != nil {
		return nil, err
	}
	if err := g.assertionKeys.AddKey(public); err != nil {
		return nil, fmt.Errorf("make key set: %w", err)
	}
	g.signingKey, err = newKey(ServerKey(tokenAlg), tokenAlg, "server")
	return g, err
}

func newKey(raw any, alg, id string) (jwk.Key, error) {
	k, err := jwk.FromRaw(raw)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: id, jwk.AlgorithmKey: jwa.SignatureAlgorithm(alg)} {
		if err := k.Set(name, value); err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
	}
	return k, nil
}

func (g *generic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		refuse(w, "unsupported_grant_type", http.StatusBadRequest)
		return
	}
	if !g.authenticated(r) {
		refuse(w, "invalid_client", http.StatusUnauthorized)
		return
	}
	assertion, err := jwt.ParseString(r.PostFormValue("assertion"), jwt.WithKeySet(g.assertionKeys),
		jwt.WithIssuer(g.AssertionIssuer), jwt.WithAudience(g.Issuer+"/oauth2/token"), jwt.WithAcceptableSkew(skew),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.SubjectKey), jwt.WithRequiredClaim(jwt.JwtIDKey))
	if err != nil || !g.first(assertion.JwtID()) {
		refuse(w, "invalid_grant", http.StatusBadRequest)
		return
	}
	token, err := g.mint(assertion.Subject(), time.Now())
	if err != nil {
		refuse(w, "server_error", http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime.Seconds()), "scope": g.Scope,
	})
}

func (g *generic) authenticated(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	id, err := url.QueryUnescape(user)
	if !ok || err != nil || id != g.ClientID {
		return false
	}
	secret, err := url.QueryUnescape(password)
	return err == nil && subtle.ConstantTimeCompare([]byte(secret), []byte(g.Secret)) == 1
}

// first reports whether an id is used for the first time.
func (g *generic) first(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, used := g.seen[id]; used {
		return false
	}
	g.seen[id] = struct{}{}
	return true
}

func (g *generic) mint(subject string, now time.Time) (string, error) {
	token, err := jwt.NewBuilder().Issuer(g.Issuer).Subject(subject).Audience([]string{g.Issuer}).IssuedAt(now).Expiration(now.Add(lifetime)).
		JwtID(rand.Text()).Claim("client_id", g.ClientID).Claim("scope", g.Scope).Build()
	if err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "at+jwt"); err != nil {
		return "", fmt.Errorf("make header: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(g.alg, g.signingKey, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(signed), nil
}

func refuse(w http.ResponseWriter, code string, status int) {
	answer(w, status, map[string]any{"error": code})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler) // The caller has gone.
	}
}
