package hostile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// issuerRows: the iss claim (RFC 7523 §3(1)) and the border between namespaces.
func issuerRows() []row {
	return []row{
		{id: "E-01", name: "iss-missing", want: invalidGrant, send: one(without("iss"))},
		{id: "E-02", name: "iss-unknown", want: invalidGrant, send: claims("iss", `"https://fake"`), after: func(t *testing.T, _ *world, got *response) {
			for _, known := range []string{"idp", "https", "fake"} {
				if bytes.Contains(got.body, []byte(known)) {
					t.Errorf("the answer tells an issuer: %s", got.body)
				}
			}
		}},
		{id: "E-03", name: "iss-types", want: invalidGrant, send: claims("iss", `""`, "null", "1", `["https://idp-a.test"]`, "{}", "true", `{"https://idp-a.test":1}`, `[["https://idp-a.test"]]`)},
		{id: "E-04", name: "iss-normalization", want: invalidGrant, send: claims("iss",
			`"https://idp-a.test/"`, `"HTTPS://idp-a.test"`, `"https://IDP-A.test"`, `"https://idp-a.test:443"`, `"https://idp-a.test%2f"`, `"https://idp-a.test "`, `"https://idp-a.test\u0000"`, `"https://idp-a.test\t"`,
			`" https://idp-a.test"`, `"https://idp-a.test?"`, `"https://idp-a.test#"`, `"https://idp-a.test."`, `"https://x@idp-a.test"`, `"https://idp%2da.test"`, `"http://idp-a.test"`, `"//idp-a.test"`, `"idp-a.test"`, `"https://idp-a.test/."`,
			`"https://idp-a.test\u200b"`, `"\ufeffhttps://idp-a.test"`, `"https://іdp-a.test"`, `"https://idp－a.test"`, `"https:\\\\idp-a.test"`, `"https://idp-a.test\r\n"`,
		)},
		{id: "E-06", name: "iss-regex", want: invalidGrant, send: claims("iss", `"https://idp-aXtest"`, `"https://idp-a.tes"`, `"https://idp-a.testX"`, `"https://idp-.*"`, `"https://idp-a%"`, `"https://idp-_.test"`, `".*"`, `"*"`)},
		{id: "E-07", name: "iss-is-idp-name", want: invalidGrant, send: claims("iss", `"idp-a"`, `"ns-a/idp-a"`, `"ns-a.idp-a"`)},
		{id: "E-10", name: "dup-issuer-two-crs", want: invalidGrant, send: presented(map[string]changes{
			"key of the other namespace": {signed("ES256", ecKey("evil")), header("alg", `"ES256"`)},
			"key of the later one":       {by("ES256", ecKey("rival"))},
			"with its kid":               {by("ES256", ecKey("rival")), header("kid", `"rival"`)},
		})},
		{id: "E-10", name: "dup-issuer-is-visible", run: conflictIsVisible},
		{id: "E-11", name: "self-issued", run: selfIssued},
		{id: "E-11", name: "self-issued-by-tenant", run: selfIssuedByTenant},
		{id: "E-x01", name: "other-namespace-unknown", want: invalidGrant, send: presented(map[string]changes{"tenant-b": {fromNamed("tenant-b")}})},
		{id: "E-x02", name: "genuine-key-not-for-other-namespace", want: invalidGrant, send: ordered(map[string]changes{"": nil}, asClient("b1"))},
		{id: "E-x03", name: "subjects-of-namespaces-differ", want: granted, send: ordered(map[string]changes{"": {by("ES256", ecKey("evil"))}}, asClient("b1")), after: subjectIs("ns-b/evil:alice")},
		{id: "E-x04", name: "iss-escaped", want: granted, send: claims("iss", `"https:\/\/idp-a.test"`, `"\u0068ttps://idp-a.test"`)},
		{id: "E-x05", name: "iss-length", want: invalidGrant, send: claims("iss", jwttest.Quote(issuerA+strings.Repeat("/", 500)), jwttest.Quote(strings.Repeat("i", 10_000)))},
		{id: "E-x06", name: "iss-twice", want: invalidGrant, send: presented(map[string]changes{
			"same": {claimToo("iss", jwttest.Quote(issuerA))}, "other last": {claimToo("iss", jwttest.Quote(issuerB))}, "escaped": {rawClaim(`"i\u0073s"`, jwttest.Quote(issuerB))},
			"other first": {func(j *jws) {
				j.claims = append(jwttest.Object{{Name: `"iss"`, Value: jwttest.Quote(issuerB)}}, j.claims...)
			}},
		})},
		{id: "E-x07", name: "iss-by-another-name", want: invalidGrant, send: presented(map[string]changes{
			"case": {without("iss"), claimToo("ISS", jwttest.Quote(issuerA))}, "space": {without("iss"), claimToo("iss ", jwttest.Quote(issuerA))}, "in the header": {without("iss"), header("iss", jwttest.Quote(issuerA))},
			"nested": {without("iss"), claimToo("claims", `{"iss":"https://idp-a.test"}`)},
		})},
		{id: "E-x08", name: "unknown-and-disabled-look-the-same", run: sameIssuerRefusal},
		{id: "W-01", name: "name-is-free", want: granted, send: one()},
		{id: "W-40", name: "unknown-issuer", want: invalidGrant, send: claims("iss", `"https://unknown.test"`)},
		{id: "W-41", name: "disabled-provider", want: invalidGrant, send: one(fromNamed("idp-c"))},
		{id: "W-42", name: "own-token", run: selfIssued},
		{id: "W-43", name: "client-and-provider-shake-hands", want: invalidGrant, send: ordered(map[string]changes{"": nil}, asClient("c2"))},
	}
}

// claims are R0 with one claim of A as each of the JSON texts.
func claims(name string, list ...string) []variant {
	m := map[string]changes{}
	for i, value := range list {
		m[fmt.Sprint(i)] = changes{claim(name, value)}
	}
	return presented(m)
}

// asClient makes requests of another client.
func asClient(id string) func(changes) *request {
	return func(c changes) *request {
		r := exchange(assertion(c...))
		r.as(id)
		return r
	}
}

func subjectIs(want string) func(*testing.T, *world, *response) {
	return func(t *testing.T, w *world, got *response) {
		t.Helper()
		if sub := got.claims(t, w)["sub"]; sub != want {
			t.Errorf("sub is %v, want %s", sub, want)
		}
	}
}

// selfIssued: what this server signs, or claims to be signed by it, is no assertion.
func selfIssued(t *testing.T, w *world) {
	token, _ := w.send(t, r0()).members["access_token"].(string)
	for _, presented := range []string{
		token, assertion(claim("iss", jwttest.Quote(w.issuer))), assertion(claim("iss", jwttest.Quote(w.issuer)), by("ES256", ecKey("attacker"))),
		assertion(claim("iss", jwttest.Quote(w.issuer)), header("alg", `"none"`)), assertion(claim("iss", jwttest.Quote(w.issuer+"/"))), assertion(claim("iss", jwttest.Quote(w.issuer+"/oauth2/token"))),
	} {
		w.send(t, exchange(presented)).check(t, w, invalidGrant)
	}
}

// conflictIsVisible: whoever declared the issuer twice is told.
func conflictIsVisible(t *testing.T, w *world) {
	for _, r := range records(t, w.log.all(t)) {
		if strings.Contains(r.text("at"), "ns-a/z-rival") && strings.Contains(r.text("at"), "DuplicateIssuer") {
			return
		}
	}
	t.Error("the log does not tell that two providers of a namespace have one issuer")
}

func sameIssuerRefusal(t *testing.T, w *world) {
	unknown := w.send(t, exchange(assertion(claim("iss", `"https://unknown.test"`))))
	for name, va := range map[string]string{
		"disabled": assertion(fromNamed("idp-c")), "of another namespace": assertion(fromNamed("tenant-b")), "not ready": assertion(fromNamed("idp-weak")), "own": assertion(claim("iss", jwttest.Quote(w.issuer))),
	} {
		got := w.send(t, exchange(va))
		got.check(t, w, invalidGrant)
		if !bytes.Equal(got.body, unknown.body) {
			t.Errorf("the answer for a provider that is %s is %s, for an unknown one %s", name, got.body, unknown.body)
		}
	}
}
