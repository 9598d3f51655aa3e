package main

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/bench/exchange/baseline"
	"github.com/grantor-dev/grantor/test/bench/exchange/load"
)

const (
	// clientStride spreads the clients that ask over all of them; it divides no size.
	clientStride = 7919
	// assertionLifetime is longer than everything takes.
	assertionLifetime = 2 * time.Hour
	// progressInterval is how often it is said how many are signed.
	progressInterval = 5 * time.Second
)

// pair is the algorithm of assertions and that of access tokens.
type pair struct{ assertion, token string }

func (p pair) String() string { return p.assertion + "→" + p.token }

// requests are token requests with an assertion each, no two the same. They are signed ahead of what needs them.
type requests struct {
	world

	name string
	alg  string
	out  io.Writer
	keys []crypto.Signer
	made []load.Request
}

func newRequests(w world, name, alg string, out io.Writer) *requests {
	r := &requests{world: w, name: name, alg: alg, out: out, keys: make([]crypto.Signer, w.providers)}
	for i := range r.keys {
		r.keys[i] = baseline.IdentityProviderKey(alg, i)
	}
	return r
}

// client and provider are who asks with a request, and who vouches.
func (r *requests) client(n int) int   { return n * clientStride % r.clients }
func (r *requests) provider(n int) int { return r.providerOf(r.client(n), n) }

// ensure signs until there are so many, on all cores.
func (r *requests) ensure(ctx context.Context, count int) error {
	from := len(r.made)
	if count <= from {
		return nil
	}
	r.made = append(r.made, make([]load.Request, count-from)...)
	begin, reported := time.Now(), time.Now()
	var next atomic.Int64
	next.Store(int64(from))
	var signing sync.WaitGroup
	for range runtime.NumCPU() {
		signing.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= count {
					return
				}
				r.made[n] = r.sign(n, begin)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		signing.Wait()
		close(done)
	}()
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			if time.Since(reported) >= progressInterval || time.Since(begin) >= progressInterval {
				_, _ = fmt.Fprintf(r.out, "    signed %d assertions (%s, %s) in %s\n", count-from, r.alg, r.name, time.Since(begin).Round(time.Second/10))
			}
			return context.Cause(ctx)
		case <-tick.C:
			reported = time.Now()
			_, _ = fmt.Fprintf(r.out, "    signing (%s, %s): %d of %d\n", r.alg, r.name, min(int(next.Load()), count)-from, count-from)
		}
	}
}

func (r *requests) sign(n int, now time.Time) load.Request {
	client, provider := r.client(n), r.provider(n)
	header := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, r.alg, keyID(r.alg, provider))
	claims := fmt.Sprintf(`{"iss":%q,"sub":"user-%d","aud":%q,"exp":%d,"iat":%d,"jti":"%s-%d"}`,
		assertionIssuer(provider), n, issuer+tokenPath, now.Add(assertionLifetime).Unix(), now.Unix(), r.name, n)
	assertion := jwttest.Compact(r.alg, r.keys[provider], header, claims)
	body := "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + assertion
	return load.NewRequest(tokenPath, "auth.example.com", basic(r.clientID(client), secret(client)), []byte(body))
}

// basic is the Authorization header of a client (RFC 6749 §2.3.1).
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// granted is an answer with an access token.
type granted struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
}

// accessToken is what an access token must say.
type accessToken struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	ClientID string `json:"client_id"`
	Expiry   int64  `json:"exp"`
	ID       string `json:"jti"`
}

// verifyToken verifies the access token of the answer to a request with nothing but the standard library, and returns its id.
func (r *requests) verifyToken(n int, body []byte, alg string, public crypto.PublicKey, now time.Time) (id string, err error) {
	var answer granted
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	input, encoded, found := cutLast(answer.AccessToken, ".")
	signature, err := base64.RawURLEncoding.DecodeString(encoded)
	if !found || err != nil || !strings.EqualFold(answer.TokenType, "Bearer") {
		return "", fmt.Errorf("the answer holds no access token: %s", body)
	}
	if !baseline.Verify(alg, public, []byte(input), signature) {
		return "", fmt.Errorf("the signature of the access token is wrong: %s", body)
	}
	_, payload, _ := strings.Cut(input, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", fmt.Errorf("read access token: %w", err)
	}
	var token accessToken
	if err := json.Unmarshal(text, &token); err != nil {
		return "", fmt.Errorf("read access token: %w", err)
	}
	user := fmt.Sprintf("user-%d", n)
	if token.Issuer != issuer || token.ClientID != r.clientID(r.client(n)) || token.ID == "" || token.Expiry <= now.Unix() ||
		token.Subject != user && !strings.HasSuffix(token.Subject, ":"+user) {
		return "", fmt.Errorf("the access token is not for request %d: %s", n, text)
	}
	return token.ID, nil
}

func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}
