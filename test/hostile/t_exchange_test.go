package hostile

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// exchangeOf is a request of a client to exchange a token that is said to be of a type.
func exchangeOf(token, kind string) *request {
	r := inOwnName()
	r.assertion = token
	r.set("grant_type", tokenExchange)
	r.set("subject_token", token)
	r.set("subject_token_type", tokenType+kind)
	return r
}

// acting adds a token of somebody who acts.
func (r *request) acting(token, kind string) *request {
	r.set("actor_token", token)
	r.set("actor_token_type", tokenType+kind)
	return r
}

// robot is a token of who acts.
func robot(changes ...change) string {
	return assertion(append([]change{fromB(), claim("sub", `"robot"`)}, changes...)...)
}

// exchanges are requests to exchange a token, each with something that is different.
func exchanges(m map[string]func(r *request)) []variant {
	return ordered(m, func(edit func(*request)) *request {
		r := exchangeOf(assertion(), "jwt")
		edit(r)
		return r
	})
}

// subjects are requests to exchange tokens, each with changes; actors, to exchange a token for an actor with changes.
func subjects(kind string, m map[string]changes) []variant {
	return ordered(m, func(c changes) *request { return exchangeOf(assertion(c...), kind) })
}

func actors(kind string, m map[string]changes) []variant {
	return ordered(m, func(c changes) *request { return exchangeOf(assertion(), "jwt").acting(robot(c...), kind) })
}

// confused are changes of the type of a JWT, and what else makes it another thing than a token of that type.
func confused() map[string]changes {
	m := map[string]changes{"bound": {claim("cnf", `{"jkt":"x"}`)}, "client is the subject": {claim("sub", `"grants"`), claim("iss", `"grants"`)}}
	for _, typ := range []string{"oauth-id-jag+jwt", "client-authentication+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "at+JWT+", "JOSE", ""} {
		m["typ "+typ] = changes{header("typ", `"`+typ+`"`)}
	}
	delete(m, "typ ") // an empty one is malformed, and a row of C
	return m
}

// exchangeRows: token exchange (RFC 8693).
func exchangeRows() []row {
	param := func(pairs ...string) func(*request) {
		return func(r *request) {
			for i := 0; i < len(pairs); i += 2 {
				r.set(pairs[i], pairs[i+1])
			}
		}
	}
	asAccessToken, atJWT := param("subject_token_type", tokenType+"access_token"), header("typ", `"at+jwt"`)
	accessTokens := confused()
	accessTokens["JWT"], accessTokens["no typ"], accessTokens["grant"] = nil, changes{withoutType()}, changes{header("typ", `"authorization-grant+jwt"`)}
	jwts := confused()
	jwts["at+jwt"], jwts["at+jwt in full"] = changes{atJWT}, changes{header("typ", `"application/AT+JWT"`)}
	idTokens := confused()
	idTokens["at+jwt"], idTokens["grant"] = changes{atJWT}, changes{header("typ", `"authorization-grant+jwt"`)}
	rows := []row{
		{id: "T-x10", name: "exchange", want: granted, after: noRefreshToken, send: exchanges(map[string]func(*request){
			"plain": func(*request) {}, "requested": param("requested_token_type", tokenType+"access_token"),
			"ID token":     param("subject_token_type", tokenType+"id_token"),
			"access token": func(r *request) { asAccessToken(r); r.set("subject_token", assertion(atJWT)) },
			"resource":     param("resource", "urn:example:second"), "audience": param("audience", "urn:example:second"),
			"both, repeated": func(r *request) {
				for range 3 {
					r.add("audience", "urn:example:second")
					r.add("resource", "https://api.example.com")
				}
			},
			"empty actor": param("actor_token", "", "actor_token_type", ""),
		})},
		{id: "T-x11", name: "exchange-for-an-actor", want: granted, after: actsForAlice, send: ordered(map[string]func() *request{
			"plain":    func() *request { return exchangeOf(assertion(), "jwt").acting(robot(), "jwt") },
			"ID token": func() *request { return exchangeOf(assertion(), "id_token").acting(robot(), "id_token") },
			"access token": func() *request {
				return exchangeOf(assertion(atJWT), "access_token").acting(robot(atJWT), "access_token")
			},
			"named": func() *request {
				return exchangeOf(mayAct(`{"sub":"robot","iss":"`+issuerB+`"}`), "jwt").acting(robot(), "jwt")
			},
			"act that it brings": func() *request {
				return exchangeOf(assertion(claim("act", `{"sub":"evil"}`)), "jwt").acting(robot(), "jwt")
			},
			"act of the actor": func() *request {
				return exchangeOf(assertion(), "jwt").acting(robot(claim("act", `{"sub":"evil"}`)), "jwt")
			},
			"may_act of an actor": func() *request {
				return exchangeOf(assertion(), "jwt").acting(robot(claim("may_act", `{"sub":"evil"}`)), "jwt")
			},
		}, func(f func() *request) *request { return f() })},
		{id: "T-x12", name: "exchange-parameters", want: invalidRequest, send: exchanges(map[string]func(*request){
			"no token": func(r *request) { r.drop("subject_token") }, "empty token": param("subject_token", ""),
			"no type": func(r *request) { r.drop("subject_token_type") }, "empty type": param("subject_token_type", ""),
			"assertion":          func(r *request) { r.set("assertion", r.get("subject_token")); r.drop("subject_token") },
			"actor without type": func(r *request) { r.set("actor_token", robot()) }, "type without actor": param("actor_token_type", tokenType+"jwt"),
			"empty actor": param("actor_token_type", tokenType+"jwt", "actor_token", ""), "actor with an empty type": func(r *request) { r.acting(robot(), "jwt"); r.set("actor_token_type", "") },
			"two tokens": func(r *request) { r.add("subject_token", assertion()) }, "two types": func(r *request) { r.add("subject_token_type", tokenType+"jwt") },
			"two actors": func(r *request) { r.acting(robot(), "jwt"); r.add("actor_token", robot()) }, "two requested types": func(r *request) {
				r.add("requested_token_type", tokenType+"access_token")
				r.add("requested_token_type", tokenType+"access_token")
			},
			"token in the query": func(r *request) { r.target += "?subject_token=" + r.get("subject_token") }, "actor in the query": func(r *request) { r.target += "?actor_token=x" },
			"audience in the query": func(r *request) { r.target += "?audience=x" }, "type in the query": func(r *request) { r.target += "?subject_token_type=x" },
		})},
		{id: "T-x13", name: "exchange-token-types", want: invalidRequest, send: exchanges(tokenTypes())},
		{id: "T-x14", name: "exchange-huge", want: invalidRequest, within: 500 * time.Millisecond, send: exchanges(map[string]func(*request){
			"subject": param("subject_token", strings.Repeat("A", 40<<10)), "dots": param("subject_token", strings.Repeat(".", 40<<10)),
			"actor": param("actor_token", strings.Repeat("A", 40<<10), "actor_token_type", tokenType+"jwt"), "type": param("subject_token_type", strings.Repeat("A", 40<<10)),
			"may_act": func(r *request) {
				r.set("subject_token", mayAct(strings.Repeat(`{"sub":`, 20)+`"x"`+strings.Repeat("}", 20)))
			},
		})},
		{id: "T-x15", name: "exchange-target", want: invalidTarget, send: exchanges(map[string]func(*request){
			"resource": param("resource", "https://evil.example.com"), "audience": param("audience", "evil"), "one of them": func(r *request) {
				r.add("audience", "urn:example:second")
				r.add("audience", "evil")
			},
			"client": param("audience", "grants"), "server": func(r *request) { r.set("audience", alias) },
		})},
		{id: "T-x16", name: "exchange-without-the-grant", want: unauthorizedClient, send: exchanges(map[string]func(*request){
			"c1": func(r *request) { r.as("c1") }, "c3": func(r *request) { r.as("c3") },
		})},
		{id: "T-x17", name: "exchange-jwt-confusion", want: invalidRequest, send: subjects("jwt", jwts)},
		{id: "T-x18", name: "exchange-access-token-confusion", want: invalidRequest, send: subjects("access_token", accessTokens)},
		{id: "T-x19", name: "exchange-id-token-confusion", want: invalidRequest, send: subjects("id_token", idTokens)},
		{id: "T-x20", name: "exchange-actor-confusion", want: invalidRequest, send: append(append(actors("jwt", jwts), actors("access_token", accessTokens)...), actors("id_token", idTokens)...)},
		{id: "T-x21", name: "exchange-may-act", want: invalidRequest, after: because("actor_not_allowed"), send: mayActVariants()},
		{id: "T-x22", name: "exchange-own-tokens", run: ownTokensAreNotExchanged},
		{id: "T-x23", name: "exchange-replay", run: exchangedTokensAreUsedUp},
	}
	return append(rows, badTokenRows()...)
}

func tokenTypes() map[string]func(*request) {
	m := map[string]func(*request){}
	for _, kind := range []string{"saml1", "saml2", "refresh_token", "id-jag", "JWT", "jwt ", " jwt", "jwt\x00", "", "nope"} {
		m["subject "+kind] = func(r *request) { r.set("subject_token_type", tokenType+kind) }
		m["actor "+kind] = func(r *request) { r.acting(robot(), kind) }
		m["requested "+kind] = func(r *request) { r.set("requested_token_type", tokenType+kind) }
	}
	for _, whole := range []string{"jwt", "access_token", "Bearer", strings.ToUpper(tokenType) + "jwt", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"} {
		m["subject whole "+whole] = func(r *request) { r.set("subject_token_type", whole) }
		m["requested whole "+whole] = func(r *request) { r.set("requested_token_type", whole) }
	}
	m["requested jwt"] = func(r *request) { r.set("requested_token_type", tokenType+"jwt") }
	return m
}

// badTokenRows: what makes an assertion bad makes a token bad, that of the subject and that of the actor.
func badTokenRows() []row {
	bad := map[string]changes{
		"D-01 attacker's key": {signed("RS256", jwttest.RSA("attacker", 2048))}, "D-04 none": {header("alg", `"none"`)}, "E-01 no issuer": {without("iss")},
		"E-02 unknown issuer": {claim("iss", `"https://fake.test"`)}, "F-01 no audience": {without("aud")}, "F-02 audience of others": {claim("aud", `"https://api.example.com"`)},
		"F-10 audience is the client": {claim("aud", `"grants"`)}, "G-01 no expiry": {without("exp")}, "G-03 expired": {claim("exp", "1"), claim("iat", "0")},
		"H-01 no subject": {without("sub")}, "H-02 subject a list": {claim("sub", `["alice"]`)}, "H-05 two subjects": {claimToo("sub", `"admin"`)},
	}
	asActor := map[string]changes{}
	for name, c := range bad {
		if name == "D-01 attacker's key" {
			c = changes{signed("ES256", ecKey("attacker"))}
		}
		asActor[name] = c
	}
	return []row{
		{id: "T-x24", name: "exchange-bad-subject-token", want: invalidRequest, send: subjects("jwt", bad)},
		{id: "T-x25", name: "exchange-bad-actor-token", want: invalidRequest, send: actors("jwt", asActor)},
	}
}

func mayAct(value string) string { return assertion(claim("may_act", value)) }

// mayActVariants are tokens that let somebody else act, or nobody who can be understood.
func mayActVariants() []variant {
	m := map[string]func() *request{
		"nobody acts":         func() *request { return exchangeOf(mayAct(`{"sub":"robot"}`), "jwt") },
		"the subject is who":  func() *request { return exchangeOf(mayAct(`{"sub":"alice"}`), "jwt") },
		"the client is who":   func() *request { return exchangeOf(mayAct(`{"sub":"grants","client_id":"grants"}`), "jwt") },
		"of the other issuer": func() *request { return exchangeOf(mayAct(`{"sub":"robot"}`), "jwt").acting(robot(), "jwt") },
	}
	for _, value := range []string{
		`{"sub":"evil"}`, `{"sub":"robot","iss":"` + issuerA + `"}`, `{"sub":"ns-a/idp-b:robot"}`, `{"iss":"` + issuerB + `"}`, `{}`, `null`, `[]`, `"robot"`, `true`,
		`{"sub":["robot"],"iss":"` + issuerB + `"}`, `{"sub":"robot","iss":["` + issuerB + `"]}`, `{"sub":"evil","sub":"robot","iss":"` + issuerB + `"}`,
		`{"Sub":"robot","iss":"` + issuerB + `"}`, `[{"sub":"robot","iss":"` + issuerB + `"}]`, `{"sub":"ROBOT","iss":"` + issuerB + `"}`,
	} {
		m[value] = func() *request { return exchangeOf(mayAct(value), "jwt").acting(robot(), "jwt") }
	}
	return ordered(m, func(f func() *request) *request { return f() })
}

// actsForAlice: the token is about the subject, and says who acts.
func actsForAlice(t *testing.T, w *world, got *response) {
	t.Helper()
	claims := got.claims(t, w)
	act, _ := claims["act"].(map[string]any)
	if claims["sub"] != "ns-a/idp-a:alice" || len(act) != 1 || act["sub"] != "ns-a/idp-b:robot" || claims["may_act"] != nil {
		t.Errorf("the token is about %v, acting is %v", claims["sub"], claims["act"])
	}
}

// ownTokensAreNotExchanged: what this server has given says what a client may do, and is no proof of who somebody is.
func ownTokensAreNotExchanged(t *testing.T, w *world) {
	for _, first := range []*request{exchangeOf(assertion(), "jwt").acting(robot(), "jwt"), inOwnName(), r0()} {
		got := w.send(t, first)
		got.check(t, w, granted)
		own, _ := got.members["access_token"].(string)
		for _, kind := range []string{"jwt", "access_token", "id_token"} {
			for _, again := range []*request{exchangeOf(own, kind), exchangeOf(assertion(), "jwt").acting(own, kind)} {
				refused := w.send(t, again)
				refused.check(t, w, invalidRequest)
				because("self_issued")(t, w, refused)
			}
		}
	}
}

// exchangedTokensAreUsedUp, both of them, and as whatever they are presented next.
func exchangedTokensAreUsedUp(t *testing.T, w *world) {
	alice, bot := assertion(), robot()
	w.send(t, exchangeOf(alice, "jwt").acting(bot, "jwt")).check(t, w, granted)
	asAssertion := func(text string) *request {
		r := exchange(text)
		r.as("c5")
		return r
	}
	for name, again := range map[string]*request{
		"subject":             exchangeOf(alice, "jwt"),
		"subject as ID token": exchangeOf(alice, "id_token"),
		"actor":               exchangeOf(assertion(), "jwt").acting(bot, "jwt"),
		"actor as subject":    exchangeOf(bot, "jwt"),
		"subject as actor":    exchangeOf(assertion(), "jwt").acting(alice, "jwt"),
	} {
		t.Run(name, func(t *testing.T) {
			got := w.send(t, again)
			got.check(t, w, invalidRequest)
			because("replayed")(t, w, got)
		})
	}
	for name, text := range map[string]string{"subject as assertion": alice, "actor as assertion": bot} {
		t.Run(name, func(t *testing.T) {
			got := w.send(t, asAssertion(text))
			got.check(t, w, invalidGrant)
			because("replayed")(t, w, got)
		})
	}
	used := assertion()
	w.send(t, asAssertion(used)).check(t, w, granted)
	w.send(t, exchangeOf(used, "jwt")).check(t, w, invalidRequest)
}
