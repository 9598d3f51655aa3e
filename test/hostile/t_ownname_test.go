package hostile

import (
	"strings"
	"testing"
)

// inOwnName is a correct request of a client for a token in its own name.
func inOwnName() *request {
	r := r0()
	r.as("grants")
	r.assertion = ""
	r.drop("assertion")
	r.set("grant_type", clientCredentials)
	return r
}

// ownNameRows: the client credentials grant (RFC 6749 §4.4).
func ownNameRows() []row {
	ask := func(m map[string]func(r *request)) []variant {
		return ordered(m, func(edit func(*request)) *request {
			r := inOwnName()
			edit(r)
			return r
		})
	}
	param := func(name, value string) func(*request) { return func(r *request) { r.set(name, value) } }
	as := func(id string) func(*request) { return func(r *request) { r.as(id) } }
	return []row{
		{id: "T-x01", name: "own-name", want: granted, after: noRefreshToken, send: ask(map[string]func(*request){
			"plain":            func(*request) {},
			"without scope":    func(r *request) { r.drop("scope") },
			"part of scopes":   param("scope", "write read"),
			"resource":         param("resource", "urn:example:second"),
			"assertion beside": param("assertion", "x.y.z"),
			"in the body":      func(r *request) { r.post("grants", secretOf("grants")) },
		})},
		{id: "T-x02", name: "own-name-of-clients-without-the-grant", want: unauthorizedClient, send: ask(map[string]func(*request){
			"c1": as("c1"), "c3": as("c3"), "special": as(special), "c1 with assertion": func(r *request) { r.as("c1"); r.set("assertion", assertion()) },
		})},
		{id: "T-x03", name: "own-name-of-somebody-else", want: invalidClient, send: ask(map[string]func(*request){
			"nobody":             func(r *request) { r.basic("nobody", "x") },
			"wrong secret":       func(r *request) { r.basic("grants", secretOf("c1")) },
			"no secret":          func(r *request) { r.header.Del("Authorization"); r.add("client_id", "grants") },
			"disabled":           as("c4"),
			"another's id":       func(r *request) { r.basic("c5", secretOf("grants")) },
			"id with its object": func(r *request) { r.basic("ns-a/client-6772616e7473", secretOf("grants")) },
		})},
		{id: "T-x04", name: "own-name-grant-type-spelt-otherwise", want: unsupportedGrantType, send: ask(map[string]func(*request){
			"capitals": param("grant_type", strings.ToUpper(clientCredentials)), "space": param("grant_type", clientCredentials+" "),
			"NUL": param("grant_type", clientCredentials+"\x00"), "urn": param("grant_type", "urn:ietf:params:oauth:grant-type:client_credentials"),
			"API": param("grant_type", "ClientCredentials"), "flag": param("grant_type", "client-credentials"),
		})},
		{id: "T-x05", name: "own-name-repeated", want: invalidRequest, send: ask(map[string]func(*request){
			"grant_type": func(r *request) { r.add("grant_type", clientCredentials) }, "scope": func(r *request) { r.add("scope", "read") },
			"in the query": func(r *request) { r.target += "?grant_type=client_credentials" },
		})},
		{id: "T-x06", name: "own-name-scope", want: invalidScope, send: ask(map[string]func(*request){
			"not allowed": param("scope", "admin"), "malformed": param("scope", "read  write"),
		})},
		{id: "T-x07", name: "own-name-resource", want: invalidTarget, send: ask(map[string]func(*request){
			"not allowed": param("resource", "https://evil.example.com"), "this server": func(r *request) { r.set("resource", "http://localhost") },
		})},
		{id: "T-x08", name: "own-name-as-assertion", run: ownNameIsNoAssertion},
	}
}

func noRefreshToken(t *testing.T, _ *world, got *response) {
	t.Helper()
	if _, ok := got.members["refresh_token"]; ok {
		t.Error("a client that asks in its own name gets a refresh token")
	}
}

// ownNameIsNoAssertion: a token that this server gave a client is no assertion about it.
func ownNameIsNoAssertion(t *testing.T, w *world) {
	got := w.send(t, inOwnName())
	got.check(t, w, granted)
	token, _ := got.members["access_token"].(string)
	again := w.send(t, exchange(token))
	again.check(t, w, invalidGrant)
	because("self_issued")(t, w, again)
}
