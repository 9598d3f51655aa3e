package hostile

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const revocationPath = "/oauth2/revoke"

// revocationRows: who may end which token (RFC 7009). Success has no body, whatever it was that was to be ended.
func revocationRows() []row {
	tells := func(m map[string]func(*request)) []variant {
		return ordered(m, func(edit func(*request)) *request {
			r := revocation("resources", "x.y.z")
			edit(r)
			return r
		})
	}
	of := func(token string) func(*request) { return func(r *request) { r.set("token", token) } }
	return []row{
		{id: "O-01", name: "rev-noauth", want: invalidClient, send: tells(map[string]func(*request){
			"nothing": func(r *request) { r.header.Del("Authorization") }, "wrong secret": func(r *request) { r.basic("resources", "wrong") }, "unknown": func(r *request) { r.basic("nobody", "x") },
			"disabled": func(r *request) { r.as("c4") }, "id only": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "resources") },
			"unknown public": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "nobody") }, "other tenant": func(r *request) { r.target += "?tenantDomain=ns-b" },
		})},
		{id: "O-01", name: "rev-methods", run: revocationMethods},
		{id: "O-03", name: "rev-at", run: revokedToken},
		{id: "O-04", name: "rev-unknown", want: done, send: tells(map[string]func(*request){
			"garbage": of("fake-jwt"), "dots": of(strings.Repeat("a.", 20_000)), "NUL": of("\x00"), "long": of(strings.Repeat("A", 60_000)), "JSON": of(`{}`),
			"assertion": of(assertion()), "at+jwt of a provider": of(assertion(fromB(), header("typ", `"at+jwt"`))), "by a public client": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "p1") },
		})},
		{id: "O-04", name: "rev-naughty", run: naughtyRevocations},
		{id: "O-05", name: "rev-other-client", run: tokenOfAnother},
		{id: "O-08", name: "rev-hint-wrong", run: wrongHints},
		{id: "O-x01", name: "rev-shape", want: invalidRequest, send: tells(map[string]func(*request){
			"missing": func(r *request) { r.drop("token") }, "empty": of(""), "in the query": func(r *request) { r.target += "?token=x" }, "twice": func(r *request) { r.add("token", "y") },
			"two methods": func(r *request) { r.add("client_secret", secretOf("resources")) }, "JSON": func(r *request) { r.header.Set("Content-Type", "application/json"); r.setBody(`{"token":"x"}`) },
		})},
		{id: "O-x02", name: "rev-method", want: notAllowed, send: tells(map[string]func(*request){
			"GET": func(r *request) { r.method = http.MethodGet }, "DELETE": func(r *request) { r.method = http.MethodDelete }, "callback": func(r *request) { r.method, r.target = http.MethodGet, revocationPath+"?callback=x&token=y" },
		})},
		{id: "O-x03", name: "rev-tampered", run: tamperedRevocations},
	}
}

// revocation is a request of a client to end a token.
func revocation(id, token string) *request {
	r := introspection(id, token)
	r.target = revocationPath
	return r
}

// checkRevoked: RFC 7009 §2.2: 200, and nothing to read.
func (r *response) checkRevoked(t *testing.T) {
	t.Helper()
	if len(r.body) != 0 || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "" {
		t.Errorf("the answer has %q and %v", r.body, r.header)
	}
}

func (w *world) revoke(t *testing.T, id, token string, want want) {
	t.Helper()
	w.send(t, revocation(id, token)).check(t, w, want)
}

// revokedToken: it counts for nobody any more; every other token does.
func revokedToken(t *testing.T, w *world) {
	token, other := w.accessToken(t), w.accessToken(t)
	for range 3 {
		w.revoke(t, "resources", token, done)
		because("token_revoked")(t, w, w.ask(t, "api", token, notActive))
		w.ask(t, "resources", token, notActive)
		w.ask(t, "api", other, isActive)
	}
	w.ask(t, "api", w.accessToken(t), isActive)
}

// revocationMethods: each client ends its own tokens by its own method, a public one by its id.
func revocationMethods(t *testing.T, w *world) {
	for _, client := range []func(*request){
		func(r *request) { r.post("resources", secretOf("resources")) },
		func(r *request) { r.header.Del("Authorization"); r.clientID = "p1"; r.set("client_id", "p1") },
		w.asserted(t, "k1"), w.asserted(t, "w1"),
	} {
		r := exchange(assertion(fromB()))
		r.set("resource", "https://api.example.com")
		client(r)
		got := w.send(t, r)
		got.check(t, w, granted)
		token, _ := got.members["access_token"].(string)
		w.ask(t, "api", token, isActive)
		q := revocation("api", token)
		client(q)
		w.send(t, q).check(t, w, done)
		w.ask(t, "api", token, notActive)
	}
}

func naughtyRevocations(t *testing.T, w *world) {
	for i, s := range naughtyStrings(t) {
		w.revoke(t, "resources", s, done.or(invalidRequest))
		if i%100 == 0 {
			w.checkAfter(t)
		}
	}
}

// tokenOfAnother: nobody ends the token of another client, an API that may ask about it included.
func tokenOfAnother(t *testing.T, w *world) {
	token := w.accessToken(t)
	for _, id := range []string{"c1", "api", "b1"} {
		w.revoke(t, id, token, unauthorizedClient)
	}
	r := revocation("c1", token)
	r.header.Del("Authorization")
	r.add("client_id", "p1")
	w.send(t, r).check(t, w, unauthorizedClient)
	w.ask(t, "api", token, isActive)
	w.revoke(t, "resources", token, done)
	w.ask(t, "api", token, notActive)
}

func wrongHints(t *testing.T, w *world) {
	for _, hint := range []string{"refresh_token", "access_token", "urn:example:unknown", "", "\x00", strings.Repeat("h", 10_000)} {
		token := w.accessToken(t)
		r := revocation("resources", token)
		r.add("token_type_hint", hint)
		w.send(t, r).check(t, w, done)
		w.ask(t, "api", token, notActive)
	}
}

// tamperedRevocations: what only looks like a token ends none, though it holds the jti of one.
func tamperedRevocations(t *testing.T, w *world) {
	token := w.accessToken(t)
	parts := strings.Split(token, ".")
	for _, text := range []string{
		jwttest.Compact("ES256", ecKey("evil"), unpart(parts[0]), unpart(parts[1])), parts[0] + "." + parts[1] + ".", token + ".", " " + token,
		base64url([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".AA", parts[1], unpart(parts[1]),
	} {
		w.revoke(t, "resources", text, done)
	}
	w.ask(t, "api", token, isActive)
}
