package hostile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

const clientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clientAssertionRows: a JWT in place of a secret (RFC 7523 §2.2), signed by the client k1 itself, or by idp-b for the
// workload that is the client w1.
func clientAssertionRows() []row {
	return []row{
		{id: "S-01", name: "ca-happy-issuer-aud", run: asserting("k1", granted, variantsOf{
			"plain": nil, "typ": {header("typ", `"client-authentication+jwt"`)}, "typ in full": {header("typ", `"application/Client-Authentication+JWT"`)}, "typ JWT": {header("typ", `"JWT"`)}, "no iat, but nbf": {without("iat"), at("nbf", 28*time.Second)},
		})},
		{id: "S-01", name: "ca-happy-federated", run: asserting("w1", granted, variantsOf{"plain": nil, "typ": {header("typ", `"client-authentication+jwt"`)}, "without jti": {without("jti")}})},
		{id: "S-02", name: "ca-aud-token-endpoint", run: audiences("k1")},
		{id: "S-02", name: "ca-aud-federated", run: audiences("w1")},
		{id: "S-02", name: "ca-aud-issuer-in-a-list", run: func(t *testing.T, w *world) {
			asserting("k1", granted, variantsOf{"": {claim("aud", `[`+jwttest.Quote(w.issuer)+`]`)}})(t, w)
		}},
		{id: "S-x02", name: "ca-key", run: asserting("k1", invalidClient, variantsOf{
			"another client's": {signed("ES256", ecKey("k2"))}, "a provider's": {signed("ES256", ecKey("b2"))}, "RSA": {by("RS256", jwttest.RSA("idp-a", 2048))}, "alg none": {header("alg", `"none"`)}, "embedded": {signed("ES256", ecKey("k2")), header("jwk", "{}")},
			"HS256 with the id": {by("HS256", []byte("k1"))}, "unknown kid": {header("kid", `"k2"`)}, "jku": {signed("ES256", ecKey("k2")), header("jku", `"http://127.0.0.1:1/jwks"`)},
		})},
		{id: "S-x02", name: "ca-key-federated", run: asserting("w1", invalidClient, variantsOf{
			"its own": {signed("ES256", ecKey("w1"))}, "another provider's": {signed("RS256", jwttest.RSA("idp-a", 2048)), header("alg", `"RS256"`)}, "alg none": {header("alg", `"none"`)}, "kid of another key": {header("kid", `"b1"`)},
		})},
		{id: "S-04", name: "ca-iss-sub", run: asserting("k1", invalidClient, variantsOf{
			"iss of another": {claim("iss", `"c1"`)}, "sub of another": {claim("sub", `"c1"`)}, "both of another": {claim("iss", `"c1"`), claim("sub", `"c1"`)}, "no sub": {without("sub")}, "no iss": {without("iss")}, "iss is the server": {claim("iss", `"SERVER"`)},
			"other case": {claim("iss", `"K1"`), claim("sub", `"K1"`)}, "sub is a list": {claim("sub", `["k1"]`)}, "sub twice": {claimToo("sub", `"c1"`)}, "iss of a provider": {claim("iss", jwttest.Quote(issuerB))}, "space": {claim("sub", `"k1 "`)},
		})},
		{id: "S-04", name: "ca-iss-sub-federated", run: asserting("w1", invalidClient, variantsOf{
			"another workload": {claim("sub", `"alice"`)}, "the client id": {claim("sub", `"w1"`)}, "another provider": {claim("iss", jwttest.Quote(issuerA))}, "no sub": {without("sub")}, "no iss": {without("iss")}, "other case": {claim("sub", `"Worker"`)}, "longer": {claim("sub", `"worker2"`)},
		})},
		{id: "S-05", name: "ca-exp", run: asserting("k1", invalidClient, variantsOf{
			"five minutes ago": {at("iat", -10*time.Minute), at("exp", -5*time.Minute)}, "missing": {without("exp")}, "in two days": {at("exp", 48*time.Hour)}, "text": {claim("exp", `"9999999999"`)}, "before iat": {at("exp", 10*time.Second)},
		})},
		{id: "S-05", name: "ca-exp-federated", run: asserting("w1", invalidClient, variantsOf{
			"five minutes ago": {at("iat", -10*time.Minute), at("exp", -5*time.Minute)}, "missing": {without("exp")}, "in two days": {at("exp", 48*time.Hour)},
		})},
		{id: "S-06", name: "ca-nbf", run: func(t *testing.T, w *world) {
			for _, id := range []string{"k1", "w1"} {
				asserting(id, granted, variantsOf{"8 s": {at("nbf", 8*time.Second)}})(t, w)
				asserting(id, invalidClient, variantsOf{"61 s": {at("nbf", 61*time.Second)}, "iat in 61 s": {at("iat", 61*time.Second)}})(t, w)
			}
		}},
		{id: "S-07", name: "ca-replay", run: clientAssertionTwice},
		{id: "S-07", name: "ca-jti-missing", run: asserting("k1", invalidClient, variantsOf{"missing": {without("jti")}, "empty": {claim("jti", `""`)}, "number": {claim("jti", "1")}})},
		{id: "S-08", name: "ca-type", run: clientAssertionTypes},
		{id: "S-x03", name: "ca-garbage", run: clientAssertionGarbage},
		{id: "S-10", name: "ca-as-grant", run: swappedAssertions},
		{id: "H-15", name: "jti-client-assertion-namespace", run: sameIDAsBoth},
		{id: "S-x01", name: "ca-of-clients-with-other-methods", run: otherMethods},
	}
}

// clientAssertion is a client assertion of k1, which it signs itself, or of w1, which idp-b signs for its workload. That of
// k1 must be newer than the server's memory by the skew, so it is dated ahead.
func (w *world) clientAssertion(t *testing.T, id string, more ...change) string {
	t.Helper()
	await(t, w.readySince.Add(3*time.Second))
	who := all(at("iat", 28*time.Second), claim("iss", jwttest.Quote(id)), claim("sub", jwttest.Quote(id)), by("ES256", ecKey(id)), withoutType())
	if id == "w1" {
		who = all(fromB(), claim("sub", `"worker"`))
	}
	return assertion(append(changes{who, claim("aud", jwttest.Quote(w.issuer))}, more...)...)
}

// asserted makes a request one of k1 or w1, by a client assertion.
func (w *world) asserted(t *testing.T, id string) func(*request) {
	t.Helper()
	return func(r *request) { r.assert(id, w.clientAssertion(t, id)) }
}

// assert authenticates by a client assertion.
func (r *request) assert(id, clientAssertion string) {
	r.header.Del("Authorization")
	r.clientID = id
	r.set("client_id", id)
	r.set("client_assertion_type", clientAssertionType)
	r.set("client_assertion", clientAssertion)
}

// variantsOf are changes of a client assertion, by what they are.
type variantsOf = map[string]changes

// asserting sends a correct request by each client assertion.
func asserting(id string, want want, all variantsOf) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for name, c := range all {
			r := exchange(assertion(fromB()))
			r.assert(id, strings.ReplaceAll(w.clientAssertion(t, id, c...), "SERVER", w.issuer))
			got := w.send(t, r)
			if got.check(t, w, want); t.Failed() {
				t.Fatalf("%s, %s", id, name)
			}
			w.checkAfter(t)
		}
	}
}

// audiences: the issuer alone. Whoever is sent another one could pass it on (CVE-2025-27370).
func audiences(id string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		q := jwttest.Quote
		for name, aud := range map[string]string{
			"token endpoint": q(w.issuer + "/oauth2/token"), "both": `[` + q(w.issuer) + `,` + q(w.issuer+"/oauth2/token") + `]`, "twice": `[` + q(w.issuer) + `,` + q(w.issuer) + `]`, "slash": q(w.issuer + "/"), "alias": q(alias), "empty": `""`, "no element": "[]",
			"introspection": q(w.issuer + introspectionPath), "revocation": q(w.issuer + revocationPath), "client": q(id), "null": "null", "capitals": q(strings.ToUpper(w.issuer)), "elsewhere": `"https://elsewhere.test"`,
		} {
			asserting(id, invalidClient, variantsOf{name: {claim("aud", aud)}})(t, w)
		}
		asserting(id, invalidClient, variantsOf{"missing": {without("aud")}})(t, w)
	}
}

// clientAssertionTwice: it works once, at whatever endpoint, and is not used up by who is not the client.
func clientAssertionTwice(t *testing.T, w *world) {
	for _, id := range []string{"k1", "w1"} {
		ca := w.clientAssertion(t, id)
		send := func(target string, want want) {
			r := exchange(assertion(fromB()))
			if target != "/oauth2/token" {
				r = introspection("c1", "x")
				r.target = target
			}
			r.assert(id, ca)
			w.send(t, r).check(t, w, want)
		}
		broken := exchange(assertion(fromB()))
		broken.assert(id, withSignature(ca, func(_ string, s []byte) []byte { s[9] ^= 1; return s }))
		w.send(t, broken).check(t, w, invalidClient)
		send("/oauth2/token", granted)
		for _, target := range []string{"/oauth2/token", "/token", introspectionPath, revocationPath} {
			send(target, invalidClient)
		}
		ca = w.clientAssertion(t, id)
		send(introspectionPath, notActive)
		send("/oauth2/token", invalidClient)
		ca = w.clientAssertion(t, id)
		send(revocationPath, done)
		send("/oauth2/token", invalidClient)
	}
}

func clientAssertionTypes(t *testing.T, w *world) {
	for name, edit := range map[string]func(*request){
		"missing": func(r *request) { r.drop("client_assertion_type") },
		"unknown": func(r *request) { r.set("client_assertion_type", "urn:example:x") },
		"SAML": func(r *request) {
			r.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
		},
		"that of the grant":     func(r *request) { r.set("client_assertion_type", jwtBearer) },
		"in capitals":           func(r *request) { r.set("client_assertion_type", strings.ToUpper(clientAssertionType)) },
		"without assertion":     func(r *request) { r.drop("client_assertion") },
		"with empty one":        func(r *request) { r.set("client_assertion", "") },
		"twice":                 func(r *request) { r.add("client_assertion_type", clientAssertionType) },
		"two assertions":        func(r *request) { r.add("client_assertion", r.get("client_assertion")) },
		"with a secret":         func(r *request) { r.add("client_secret", "x") },
		"with Basic":            func(r *request) { r.basic("k1", "x") },
		"with Basic of another": func(r *request) { r.as("c1") },
		"id of another":         func(r *request) { r.set("client_id", "c1") },
	} {
		r := exchange(assertion(fromB()))
		w.asserted(t, "k1")(r)
		edit(r)
		if got := w.send(t, r); got.outcome() != invalidClient[0] && got.outcome() != invalidRequest[0] {
			t.Errorf("%s: the answer is %d %s", name, got.status, got.body)
		}
	}
	w.checkAfter(t)
}

func clientAssertionGarbage(t *testing.T, w *world) {
	for _, text := range []string{
		"fake-jwt", ".", "..", "a.b.c", "a.b.c.d.e", strings.Repeat("a.", 20_000), "\x00", "null", "{}", strings.Repeat("A", 30_000), "e30.e30.e30",
		assertion(payload("[]")), assertion(payload("")), assertion(head("{}")),
	} {
		for _, id := range []string{"k1", "w1", "", "nobody"} {
			r := exchange(assertion(fromB()))
			r.assert(id, text)
			w.send(t, r).check(t, w, invalidClient)
		}
	}
	w.checkAfter(t)
}

// swappedAssertions: what authenticates a client grants nothing, and the reverse.
func swappedAssertions(t *testing.T, w *world) {
	for _, id := range []string{"k1", "w1"} {
		w.send(t, exchange(w.clientAssertion(t, id))).check(t, w, invalidGrant)
		r := exchange(w.clientAssertion(t, id))
		w.asserted(t, id)(r)
		w.send(t, r).check(t, w, invalidGrant)
		ca := w.clientAssertion(t, id)
		r = exchange(ca)
		r.assert(id, ca)
		w.send(t, r).check(t, w, invalidGrant)
		for _, va := range []string{assertion(), assertion(fromB()), assertion(fromB(), claim("sub", `"worker"`)), assertion(fromB(), header("typ", `"authorization-grant+jwt"`), claim("sub", `"worker"`), claim("aud", jwttest.Quote(w.issuer)))} {
			r := exchange(assertion(fromB()))
			r.assert(id, va)
			w.send(t, r).check(t, w, invalidClient)
		}
	}
	token := w.accessToken(t)
	r := exchange(assertion(fromB()))
	r.assert("k1", token)
	w.send(t, r).check(t, w, invalidClient)
	w.checkAfter(t)
}

// sameIDAsBoth: the jti of a client assertion and that of a grant do not meet, though one issuer signs both.
func sameIDAsBoth(t *testing.T, w *world) {
	for _, id := range []string{"k1", "w1"} {
		jti := claim("jti", jwttest.Quote(unique()))
		ca := w.clientAssertion(t, id, jti)
		r := exchange(assertion(fromB(), jti))
		r.assert(id, ca)
		w.send(t, r).check(t, w, granted)
		again := exchange(assertion(fromB()))
		again.assert(id, ca)
		w.send(t, again).check(t, w, invalidClient)
		w.send(t, exchange(assertion(fromB(), jti))).check(t, w, invalidGrant)
	}
}

// otherMethods: a client has one method (RFC 7591 §2); a JWT does not make it another one's.
func otherMethods(t *testing.T, w *world) {
	for i, id := range []string{"c1", "p1", "c4", "nobody"} {
		r := exchange(assertion(fromB()))
		r.assert(id, assertion(claim("iss", jwttest.Quote(id)), claim("sub", jwttest.Quote(id)), claim("aud", jwttest.Quote(w.issuer)), by("ES256", ecKey("k1")), claim("jti", fmt.Sprint(`"`, i, unique(), `"`))))
		w.send(t, r).check(t, w, invalidClient)
	}
	for _, id := range []string{"k1", "w1"} {
		r := exchange(assertion(fromB()))
		r.header.Del("Authorization")
		r.add("client_id", id)
		w.send(t, r).check(t, w, invalidClient)
		r.add("client_secret", "S1-correct-horse-battery-staple")
		w.send(t, r).check(t, w, invalidClient)
	}
	w.checkAfter(t)
}
