package hostile

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const introspectionPath = "/oauth2/introspect"

// introspectionRows: who may ask about which access token, and what is none (RFC 7662). The client resources gets tokens
// for https://api.example.com, which the client api serves.
func introspectionRows() []row {
	asks := func(m map[string]func(*request)) []variant {
		return ordered(m, func(edit func(*request)) *request {
			r := introspection("api", "x")
			edit(r)
			return r
		})
	}
	of := func(token string) func(*request) { return func(r *request) { r.set("token", token) } }
	return []row{
		{id: "N-01", name: "int-noauth", want: invalidClient, send: asks(map[string]func(*request){
			"nothing":       func(r *request) { r.header.Del("Authorization") },
			"wrong secret":  func(r *request) { r.basic("api", "wrong") },
			"unknown":       func(r *request) { r.basic("nobody", "x") },
			"disabled":      func(r *request) { r.as("c4") },
			"id only":       func(r *request) { r.header.Del("Authorization"); r.add("client_id", "api") },
			"public client": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "p1") },
			"Bearer":        func(r *request) { r.header.Set("Authorization", "Bearer x.y.z") },
			"in the query": func(r *request) {
				r.header.Del("Authorization")
				r.target += "?x=api:" + url.QueryEscape(secretOf("api"))
			},
			"other tenant": func(r *request) { r.target += "?tenantDomain=ns-b" },
		})},
		{id: "N-01", name: "int-methods", run: introspectionMethods},
		{id: "N-02", name: "int-active", run: activeTokens},
		{id: "W-62", name: "claims-come-back", run: mappedClaimsComeBack},
		{id: "N-03", name: "int-tampered", run: tamperedTokens},
		{id: "N-04", name: "int-unknown-token", want: notActive, send: asks(map[string]func(*request){
			"garbage": of("fake-jwt"), "dots": of(strings.Repeat("a.", 20_000)), "NUL": of("\x00"), "spaces": of("   "),
			"JSON": of(`{"active":true}`), "long": of(strings.Repeat("A", 60_000)), "two": of("a.b.c d.e.f"),
		})},
		{id: "N-04", name: "int-no-token", want: invalidRequest, send: asks(map[string]func(*request){
			"missing": func(r *request) { r.drop("token") }, "empty": of(""), "only a hint": func(r *request) { r.drop("token"); r.add("token_type_hint", "access_token") },
		})},
		{id: "N-04", name: "int-naughty-token", run: naughtyTokens},
		{id: "N-06", name: "int-assertion-as-token", run: otherJWTsAsTokens},
		{id: "N-09", name: "int-get", want: notAllowed, send: asks(map[string]func(*request){
			"GET": func(r *request) { r.method, r.target = http.MethodGet, introspectionPath+"?token=x.y.z" }, "PUT": func(r *request) { r.method = http.MethodPut },
			"DELETE": func(r *request) { r.method = http.MethodDelete }, "OPTIONS": func(r *request) { r.method = http.MethodOptions },
		})},
		{id: "N-11", name: "int-cache-scope", run: answersAreNotKept},
		{id: "N-x01", name: "int-shape", want: invalidRequest, send: asks(map[string]func(*request){
			"token in the query": func(r *request) { r.target += "?token=x.y.z" }, "token twice": func(r *request) { r.add("token", "y") }, "two methods": func(r *request) { r.add("client_secret", secretOf("api")) },
			"JSON": func(r *request) { r.header.Set("Content-Type", "application/json"); r.setBody(`{"token":"x"}`) }, "no type": func(r *request) { r.header.Del("Content-Type") },
			"bad percent": func(r *request) { r.setBody("token=%zz") }, "semicolon": func(r *request) { r.setBody("token=x;y=z") }, "hint twice": func(r *request) { r.add("token_type_hint", "a"); r.add("token_type_hint", "b") },
		})},
		{id: "N-x02", name: "int-token-of-others", run: tokensOfOthers},
		{id: "N-x03", name: "int-token-is-no-credential", run: tokenIsNoCredential},
	}
}

// introspection is a request of a client about a token.
func introspection(id, token string) *request {
	r := &request{
		method: http.MethodPost, target: introspectionPath, header: http.Header{"Content-Type": {formType}},
		params: []param{{"token", token}},
	}
	r.basic(id, secretOf(id))
	return r
}

// accessToken is a token that the client resources gets for https://api.example.com.
func (w *world) accessToken(t *testing.T, changes ...change) string {
	t.Helper()
	got := w.send(t, asClient("resources")(append(changes, fromBUnless(changes))))
	got.check(t, w, granted)
	token, _ := got.members["access_token"].(string)
	return token
}

// fromBUnless makes it an assertion of B, which signs fast, where nothing else is said.
func fromBUnless(changes []change) change {
	if len(changes) > 0 {
		return all()
	}
	return fromB()
}

// ask asks about a token and expects the answer that is wanted.
func (w *world) ask(t *testing.T, id, token string, want want) *response {
	t.Helper()
	got := w.send(t, introspection(id, token))
	got.check(t, w, want)
	return got
}

// checkIntrospected: RFC 7662 §2.2: what is not active says nothing else.
func (r *response) checkIntrospected(t *testing.T) {
	t.Helper()
	r.checkNoStore(t)
	if r.header.Get("Pragma") != "no-cache" {
		t.Error("no Pragma: no-cache")
	}
	if r.members["active"] != true && string(r.body) != `{"active":false}` {
		t.Errorf("what is not active says %s", r.body)
	}
}

// introspectionMethods: a client asks by whatever method it authenticates with.
func introspectionMethods(t *testing.T, w *world) {
	own := func(method string) *request {
		r := introspection("resources", w.accessToken(t))
		switch method {
		case "body":
			r.post("resources", secretOf("resources"))
		case "tenant":
			r.target += "?tenantDomain=ns-a"
		}
		return r
	}
	for _, method := range []string{"basic", "body", "tenant"} {
		w.send(t, own(method)).check(t, w, isActive)
	}
	for id, client := range map[string]func(*request){"k1": w.asserted(t, "k1"), "w1": w.asserted(t, "w1")} {
		r := exchange(assertion(fromB()))
		r.set("resource", "https://api.example.com")
		client(r)
		got := w.send(t, r)
		got.check(t, w, granted)
		token, _ := got.members["access_token"].(string)
		q := introspection("api", token)
		w.asserted(t, id)(q)
		w.send(t, q).check(t, w, isActive)
		w.ask(t, "c1", token, notActive)
	}
}

func activeTokens(t *testing.T, w *world) {
	got := w.send(t, asClient("resources")(changes{fromB()}))
	got.check(t, w, granted)
	token, _ := got.members["access_token"].(string)
	claims := got.claims(t, w)
	for _, name := range []string{"iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti"} {
		if claims[name] == nil {
			t.Errorf("the token has no %s", name)
		}
	}
	claims["active"], claims["token_type"] = true, "Bearer"
	for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
		for _, id := range []string{"api", "resources"} {
			r := introspection(id, token)
			r.add("token_type_hint", hint)
			got := w.send(t, r)
			got.check(t, w, isActive)
			if diff := cmp.Diff(claims, got.members); diff != "" {
				t.Errorf("%s with hint %q (-token +answer):\n%s", id, hint, diff)
			}
		}
	}
}

// mappedClaimsComeBack with the JSON types that they have in the assertion.
func mappedClaimsComeBack(t *testing.T, w *world) {
	token := w.accessToken(t, fromNamed("idp-mapped"), claim("groups", `["a","<b>"]`), claim("level", "3"), claim("ok", "false"), claim("who", `{"n":null,"x":1.5}`))
	got := w.ask(t, "api", token, isActive)
	want := map[string]any{"groups": []any{"a", "<b>"}, "level": 3.0, "ok": false, "who": map[string]any{"n": nil, "x": 1.5}}
	for name, value := range want {
		if diff := cmp.Diff(value, got.members[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func tamperedTokens(t *testing.T, w *world) {
	token := w.accessToken(t)
	parts := strings.Split(token, ".")
	var public []byte
	for _, k := range w.keys {
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		public = point
	}
	head := func(text string) string { return base64url([]byte(text)) }
	plain := unpart(parts[1])
	other := head(strings.Replace(plain, `"scope":"read"`, `"scope":"read write"`, 1))
	hs256 := func(header string, key []byte) string { return jwttest.Compact("HS256", key, header, plain) }
	forged := map[string]string{
		"payload": parts[0] + "." + other + "." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1],
		"empty payload": parts[0] + ".." + parts[2], "signature of zeros": parts[0] + "." + parts[1] + "." + base64url(make([]byte, 64)), "another's key": jwttest.Compact("ES256", ecKey("evil"), unpart(parts[0]), plain),
		"padding": token + "==", "space": token + " ", "line end": token + "\n", "header twice": parts[0] + "." + token, "one bit": withSignature(token, func(_ string, s []byte) []byte { s[20] ^= 4; return s }),
		"DER": withSignature(token, func(string, []byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }), "kid unknown": jwttest.Compact("ES256", ecKey("evil"), `{"alg":"ES256","typ":"at+jwt","kid":"x"}`, plain),
		"key in header": jwttest.Compact("ES256", ecKey("evil"), `{"alg":"ES256","typ":"at+jwt","kid":"x","jwk":{}}`, plain),
		"HS256 public":  hs256(strings.Replace(unpart(parts[0]), "ES256", "HS256", 1), public), "HS256 empty": hs256(strings.Replace(unpart(parts[0]), "ES256", "HS256", 1), nil),
		"HS256 secret": hs256(strings.Replace(unpart(parts[0]), "ES256", "HS256", 1), []byte(secretOf("api"))),
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := head(strings.Replace(unpart(parts[0]), "ES256", alg, 1))
		forged["alg "+alg] = header + "." + parts[1] + "."
		forged["alg with signature "+alg] = header + "." + other + "." + parts[2]
	}
	for name, text := range forged {
		for _, id := range []string{"api", "resources"} {
			if got := w.send(t, introspection(id, text)); got.outcome() != notActive[0] {
				t.Errorf("%s: %s gets %d %s", name, id, got.status, got.body)
			} else {
				got.check(t, w, notActive)
			}
		}
	}
	w.ask(t, "api", token, isActive)
}

func naughtyTokens(t *testing.T, w *world) {
	for i, s := range naughtyStrings(t) {
		w.ask(t, "api", s, notActive.or(invalidRequest))
		if i%100 == 0 {
			w.checkAfter(t)
		}
	}
}

// otherJWTsAsTokens: what others have signed is no access token of this server, whatever it says that it is.
func otherJWTsAsTokens(t *testing.T, w *world) {
	ours := all(claim("iss", jwttest.Quote(w.issuer)), claim("aud", `"https://api.example.com"`), claim("client_id", `"resources"`), claim("scope", `"read"`))
	typ := header("typ", `"at+jwt"`)
	var kid change
	for k := range w.keys {
		kid = header("kid", jwttest.Quote(k))
	}
	for name, text := range map[string]string{
		"assertion": assertion(), "assertion of B": assertion(fromB()), "at+jwt of a provider": assertion(fromB(), typ, ours), "at+jwt with our kid": assertion(fromB(), typ, ours, kid),
		"at+jwt of another issuer": assertion(fromB(), typ), "client assertion": w.clientAssertion(t, "k1"), "workload's": w.clientAssertion(t, "w1"), "typ in full": assertion(fromB(), header("typ", `"application/at+jwt"`), ours, kid),
	} {
		for _, id := range []string{"api", "resources", "c1"} {
			if got := w.send(t, introspection(id, text)); got.outcome() != notActive[0] {
				t.Errorf("%s: %s gets %d %s", name, id, got.status, got.body)
			}
		}
	}
}

// answersAreNotKept: each caller gets his own answer, in whatever order they ask.
func answersAreNotKept(t *testing.T, w *world) {
	token := w.accessToken(t)
	for _, id := range []string{"api", "other-api", "api", "c1", "resources", "c1", "b1"} {
		w.ask(t, id, token, map[bool]want{true: isActive, false: notActive}[id == "api" || id == "resources"])
	}
}

// tokensOfOthers: who neither got the token nor serves what it is for learns nothing, not even how long that takes.
func tokensOfOthers(t *testing.T, w *world) {
	token := w.accessToken(t)
	for _, id := range []string{"c1", "c5", "b1", "other-api"} {
		w.ask(t, id, token, notActive)
	}
	got := w.send(t, exchange(assertion(fromB())))
	own, _ := got.members["access_token"].(string)
	w.ask(t, "api", own, notActive)
	w.ask(t, "c1", own, isActive)
}

// tokenIsNoCredential: RFC 7662 §2.1 lets a server take a Bearer token from who asks; this one does not.
func tokenIsNoCredential(t *testing.T, w *world) {
	token := w.accessToken(t)
	for _, target := range []string{introspectionPath, "/oauth2/token"} {
		r := introspection("api", token)
		r.target = target
		r.header.Set("Authorization", "Bearer "+token)
		w.send(t, r).check(t, w, invalidClient)
		r.plainBasic("resources", token, "resources")
		w.send(t, r).check(t, w, invalidClient)
	}
}
