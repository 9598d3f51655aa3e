package hostile

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// raceCost is how many times longer things may take with the race detector.
func raceCost() int64 {
	if raceDetector {
		return 4
	}
	return 1
}

// slow stretches a budget of time when the race detector is on.
func slow(budget time.Duration) time.Duration { return budget * time.Duration(raceCost()) }

// usualBudget is how long an answer may take.
func usualBudget() time.Duration { return slow(time.Second) }

// errorCodes are all that may stand in an error body.
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_target", "slow_down", "temporarily_unavailable", "server_error",
}

// descriptionText is error_description of RFC 6749 §5.2.
var descriptionText = regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`)

// check holds the answer against the wanted outcomes and the invariants of answers.
func (r *response) check(t *testing.T, w *world, want want) {
	t.Helper()
	if r.took > usualBudget() {
		t.Errorf("the answer took %s", r.took)
	}
	if o := r.outcome(); !slices.Contains(want, o) {
		t.Errorf("the answer is %d %q, want one of %v\n%s", o.status, o.code, want, r.body)
		return
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if _, ok := r.members[name]; ok && (r.status != http.StatusOK || name == "id_token") {
			t.Errorf("the answer holds %s", name)
		}
	}
	switch {
	case r.status == 0 || r.outcome().code == noBody:
	case r.status == http.StatusOK && r.members["active"] != nil:
		r.checkIntrospected(t)
	case r.outcome() == done[0]:
		r.checkRevoked(t)
	case r.status == http.StatusOK:
		r.checkGranted(t, w)
	default:
		r.checkError(t)
	}
}

// outcome reads the answer without judging it.
func (r *response) outcome() outcome {
	code, _ := r.members["error"].(string)
	if r.status != http.StatusOK && r.members == nil && r.status != 0 {
		code = noBody
	}
	if r.status == http.StatusOK && r.request != nil && strings.HasPrefix(r.request.target, revocationPath) {
		code = "done"
	}
	if active, ok := r.members["active"].(bool); ok {
		code = map[bool]string{true: "active", false: "inactive"}[active]
	}
	return outcome{r.status, code}
}

func (r *response) checkNoStore(t *testing.T) {
	t.Helper()
	if cc := r.header.Values("Cache-Control"); len(cc) != 1 || cc[0] != "no-store" {
		t.Errorf("Cache-Control is %q, want no-store", cc)
	}
	if ct := r.header.Values("Content-Type"); len(ct) != 1 || mediaType(ct[0]) != "application/json" {
		t.Errorf("Content-Type is %q, want application/json", ct)
	}
	for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Location", "X-Injected"} {
		if r.header.Get(name) != "" {
			t.Errorf("the answer has %s: %s", name, r.header.Get(name))
		}
	}
}

func mediaType(s string) string {
	m, _, err := mime.ParseMediaType(s)
	if err != nil {
		return ""
	}
	return m
}

// checkError: RFC 6749 §5.2.
func (r *response) checkError(t *testing.T) {
	t.Helper()
	r.checkNoStore(t)
	for name := range r.members {
		if name != "error" && name != "error_description" && name != "error_uri" {
			t.Errorf("the error has a member %s", name)
		}
	}
	if code, _ := r.members["error"].(string); !slices.Contains(errorCodes, code) {
		t.Errorf("the error code is %q", code)
	}
	description, _ := r.members["error_description"].(string)
	if !descriptionText.MatchString(description) {
		t.Errorf("error_description is %q", description)
	}
	for _, leak := range []string{".go", "goroutine", "0x", "crypto", "jws", "alice", "idp-a", "b2"} {
		if strings.Contains(description, leak) {
			t.Errorf("error_description tells %q: %s", leak, description)
		}
	}
	challenge := r.header.Get("WWW-Authenticate")
	if unauthorized := r.status == http.StatusUnauthorized; unauthorized != strings.HasPrefix(challenge, "Basic ") {
		t.Errorf("status %d with WWW-Authenticate %q", r.status, challenge)
	}
	if r.status == http.StatusMethodNotAllowed && r.header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
}

// checkGranted: RFC 6749 §5.1, and RFC 9068 for the token in it.
func (r *response) checkGranted(t *testing.T, w *world) {
	t.Helper()
	r.checkNoStore(t)
	if r.header.Get("Pragma") != "no-cache" {
		t.Error("no Pragma: no-cache")
	}
	if r.members["token_type"] != "Bearer" {
		t.Errorf("token_type is %v", r.members["token_type"])
	}
	if in, _ := r.members["expires_in"].(float64); in <= 0 || in > 31_536_000 {
		t.Errorf("expires_in is %v", r.members["expires_in"])
	}
	claims := r.claims(t, w)
	subject, _ := claims["sub"].(string)
	r.checkMembers(t, subject)
	if claims["iss"] != w.issuer || claims["client_id"] != r.request.clientID {
		t.Errorf("the access token is of %v for %v, want %s for %s", claims["iss"], claims["client_id"], w.issuer, r.request.clientID)
	}
	if r.request.get("grant_type") == clientCredentials { // RFC 9068 §2.2
		if subject != r.request.clientID {
			t.Errorf("sub is %q, want the client %q", subject, r.request.clientID)
		}
	} else if provider, _, ok := strings.Cut(subject, ":"); !ok || strings.Count(provider, "/") != 1 {
		t.Errorf("sub %q does not name its provider", subject)
	}
	if in, _ := r.members["expires_in"].(float64); number(claims, "exp")-number(claims, "iat") != in {
		t.Errorf("expires_in is %v for a token from %v to %v", in, claims["iat"], claims["exp"])
	}
	if scope, _ := claims["scope"].(string); scope != r.scope() {
		t.Errorf("the token has scope %q, the answer says %q", scope, r.scope())
	}
}

// checkMembers: an answer has what its grant and its client call for, and nothing else.
func (r *response) checkMembers(t *testing.T, subject string) {
	t.Helper()
	expected := []string{"access_token", "token_type", "expires_in", "scope"}
	if r.request.get("grant_type") == tokenExchange {
		expected = append(expected, "issued_token_type")
		if r.members["issued_token_type"] != tokenType+"access_token" { // RFC 8693 §2.2.1
			t.Errorf("issued_token_type is %v", r.members["issued_token_type"])
		}
	}
	if slices.Contains(refreshing, r.request.clientID) {
		expected = append(expected, "refresh_token")
	}
	if strings.HasPrefix(subject, "ns-a/idp-jag:") {
		expected = append(expected, "resource") // draft-ietf-oauth-identity-assertion-authz-grant §4.4.1
	}
	for name := range r.members {
		if !slices.Contains(expected, name) {
			t.Errorf("the answer has a member %s", name)
		}
	}
}

func (r *response) scope() string {
	s, _ := r.members["scope"].(string)
	return s
}

func number(claims map[string]any, name string) float64 {
	f, _ := claims[name].(float64)
	return f
}

// claims verifies the access token of the answer and returns its claims.
func (r *response) claims(t *testing.T, w *world) map[string]any {
	t.Helper()
	token, _ := r.members["access_token"].(string)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no access token: %s", r.body)
	}
	var header struct{ Alg, Typ, Kid string }
	var claims map[string]any
	if err := json.Unmarshal(unbase64(t, parts[0]), &header); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(unbase64(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	if header.Alg != "ES256" || header.Typ != "at+jwt" {
		t.Errorf("the header of the access token is %+v", header)
	}
	key, signature := w.keys[header.Kid], unbase64(t, parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if key == nil || len(signature) != 64 ||
		!ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the access token does not verify with the published keys")
	}
	return claims
}

// checkAfter holds the server against the invariants, after a case and whatever it was.
func (w *world) checkAfter(t *testing.T) {
	t.Helper()
	if !w.alive() {
		t.Fatalf("the server has ended: %s", w.log.next(t))
	}
	w.send(t, r0()).check(t, w, granted)
	lines := w.log.next(t)
	records(t, lines)
	w.confidential.check(t, lines)
}

// checkWithin: a budget below a second is held against the best of a few tries, for others use this machine too.
func (w *world) checkWithin(t *testing.T, v variant, budget, took time.Duration) {
	t.Helper()
	budget = slow(budget)
	for try := 0; took > budget && try < 5; try++ {
		took = min(took, w.send(t, v.make()).took)
	}
	if took > budget {
		t.Errorf("the answer took %s at best, want at most %s", took, budget)
	}
}

// checkBounds holds what the server uses against what it used at first: no leak of goroutines or memory.
func (w *world) checkBounds(t *testing.T) {
	const goroutines, memory = 20, 20 << 20
	w.client.CloseIdleConnections()
	eventually(t, 10*time.Second, "the server has as many goroutines as at first", func() bool {
		return w.metrics(t)["go_goroutines"] <= w.goroutines+goroutines
	})
	eventually(t, 30*time.Second, "the server uses as much memory as at first", func() bool {
		return w.rss(t) <= w.memory+memory*raceCost()*raceCost()
	})
	if n := w.metrics(t)["grantor_panics_total"]; n != 0 {
		t.Errorf("the server has panicked %v times", n)
	}
}
