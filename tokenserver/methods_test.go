package tokenserver

import (
	"crypto/elliptic"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/jose"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// addClients adds a client for every other method: key1 signs with a key, work1 is the workload alice of provider A, p1 is
// public.
func (f *fixture) addClients() {
	f.store.Update(func(tx *trust.Tx) {
		for id, method := range map[string]trust.Authentication{
			"key1": trust.AuthenticationPrivateKey, "work1": trust.AuthenticationFederated, "p1": trust.AuthenticationNone,
		} {
			c := f.client(id)
			c.Authentication, c.Credentials = method, nil
			c.Keys = []*jose.PublicKey{must(jose.NewPublicKey(jwttest.EC(id, elliptic.P256()).Public()))}
			c.Workload = trust.Workload{Provider: provider("a", idpA).Key, Subject: "alice"}
			tx.PutClient(c)
		}
	})
}

// without is a request of nobody.
func (f *fixture) without(assertion string) call {
	c := f.call("c1", assertion)
	c.header.Del("Authorization")
	return c
}

// clientAssertion is one of key1, or of the workload that provider A vouches for.
func (f *fixture) clientAssertion(id, jti string) string {
	claims := f.claims(idpA, jti).Set("aud", jwttest.Quote(server))
	if id == "work1" {
		return sign(idpA, claims)
	}
	return sign(id, claims.Set("iss", jwttest.Quote(id)).Set("sub", jwttest.Quote(id)))
}

func (c call) asserting(clientAssertion string) call {
	c.form.Set("client_assertion", clientAssertion)
	c.form.Set("client_assertion_type", oauth.ClientAssertionType)
	return c
}

// as makes the request one of a client, by its own method.
func (f *fixture) as(id, assertion, jti string) call {
	switch c := f.without(assertion); id {
	case "key1":
		return c.asserting(f.clientAssertion(id, jti))
	case "work1":
		c.form.Set("client_id", id)
		return c.asserting(f.clientAssertion(id, jti))
	case "p1":
		c.form.Set("client_id", id)
		return c
	default:
		return f.call(id, assertion)
	}
}

// Every method gets a token, for its own client and under its own name in the log.
func TestAuthenticationMethods(t *testing.T) {
	for id, method := range map[string]string{
		"c1": "client_secret_basic", "key1": "private_key_jwt", "work1": "federated_client_assertion", "p1": "none",
	} {
		t.Run(method, func(t *testing.T) {
			f := newFixture(t)
			f.addClients()
			a := f.send(t, f.as(id, f.assertion(idpB, "1"), "c-1").request())
			if a.status != http.StatusOK || claimsOf(t, a.token())["client_id"] != id {
				t.Fatalf("got %d for %q: %s", a.status, a.reason, a.text)
			}
			r := f.records(t)[0]
			got := []any{r["client"], r["client_id"], r["client_authentication"], r["issuer"], r["untrusted_client_id"], r["untrusted_client_issuer"]}
			if diff := cmp.Diff([]any{"team-a/" + id, id, method, idpB, nil, nil}, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// B-01, B-07, B-08, S-01 … S-10: a client gets in by its own method, used as it should be, and in no other way.
func TestAuthenticationMethodsRefused(t *testing.T) {
	set := func(name, value string) func(*fixture, *call) {
		return func(_ *fixture, c *call) { c.form.Set(name, value) }
	}
	asserting := func(text func(*fixture) string) func(*fixture, *call) {
		return func(f *fixture, c *call) { c.form.Set("client_assertion", text(f)) }
	}
	ofKey := func(name, value string) func(*fixture, *call) {
		return asserting(func(f *fixture) string {
			return sign("key1", f.claims("key1", "c-1").Set("sub", `"key1"`).Set("aud", jwttest.Quote(server)).Set(name, value))
		})
	}
	const request, client = oauth.InvalidRequest, oauth.InvalidClient
	for name, tc := range map[string]struct {
		as     string
		change func(*fixture, *call)
		code   oauth.Code
		reason oauth.Reason
	}{
		"B-01 secret client, id only":       {"p1", set("client_id", "c1"), client, oauth.ReasonNoCredentials},
		"B-01 key client, id only":          {"p1", set("client_id", "key1"), client, oauth.ReasonNoCredentials},
		"B-01 workload, id only":            {"p1", set("client_id", "work1"), client, oauth.ReasonNoCredentials},
		"B-03 nobody, id only":              {"p1", set("client_id", "nobody"), client, oauth.ReasonUnknownClient},
		"B-07 public client with a secret":  {"p1", set("client_secret", "x"), client, oauth.ReasonOtherMethod},
		"B-07 key client with a secret":     {"p1", func(_ *fixture, c *call) { c.form.Set("client_id", "key1"); c.form.Set("client_secret", "x") }, client, oauth.ReasonOtherMethod},
		"B-07 assertion and Basic":          {"key1", func(_ *fixture, c *call) { c.basic("c1", secretOf("c1")) }, request, oauth.ReasonTwoMethods},
		"B-07 assertion and secret":         {"key1", set("client_secret", secretOf("c1")), request, oauth.ReasonTwoMethods},
		"S-10 secret client, assertion":     {"key1", func(f *fixture, c *call) { c.form.Set("client_assertion", f.clientAssertion("c1", "c-1")) }, client, oauth.ReasonOtherMethod},
		"S-10 public client, assertion":     {"key1", func(f *fixture, c *call) { c.form.Set("client_assertion", f.clientAssertion("p1", "c-1")) }, client, oauth.ReasonOtherMethod},
		"S-08 type missing":                 {"key1", func(_ *fixture, c *call) { c.form.Del("client_assertion_type") }, request, oauth.ReasonMissingClientAssertionType},
		"S-08 unknown type":                 {"key1", set("client_assertion_type", "urn:x"), client, oauth.ReasonUnknownClientAssertionType},
		"S-08 type without assertion":       {"key1", set("client_assertion", ""), request, oauth.ReasonMissingClientAssertion},
		"S-08 two assertions":               {"key1", func(f *fixture, c *call) { c.form.Add("client_assertion", f.clientAssertion("key1", "2")) }, request, oauth.ReasonRepeatedParameter},
		"S-02 audience the endpoint":        {"key1", ofKey("aud", jwttest.Quote(server+PathToken)), client, oauth.ReasonAudienceMismatch},
		"S-02 audience issuer and endpoint": {"key1", ofKey("aud", `["`+server+`","`+server+PathToken+`"]`), client, oauth.ReasonAudienceMismatch},
		"S-04 iss of another":               {"key1", ofKey("iss", `"c1"`), client, oauth.ReasonIssuerMismatch},
		"S-04 sub of another":               {"key1", ofKey("sub", `"c1"`), client, oauth.ReasonOtherMethod},
		"S-05 two days":                     {"key1", ofKey("exp", strconv.FormatInt(noon.Unix()+2*86400, 10)), client, oauth.ReasonLifetimeTooLong},
		"S-06 nbf in 61 s":                  {"key1", ofKey("nbf", strconv.FormatInt(noon.Unix()+61, 10)), client, oauth.ReasonNotYetValid},
		"S-07 no jti": {"key1", asserting(func(f *fixture) string {
			return sign("key1", f.claims("key1", "").Delete("jti").Set("sub", `"key1"`).Set("aud", jwttest.Quote(server)))
		}), client, oauth.ReasonJWTIDMissing},
		"S-04 another's signature": {"key1", asserting(func(f *fixture) string {
			return sign("evil", f.claims("key1", "c-1").Set("sub", `"key1"`).Set("aud", jwttest.Quote(server)))
		}), client, oauth.ReasonSignatureInvalid},
		"S-09 garbage":                     {"key1", set("client_assertion", "fake-jwt"), client, oauth.ReasonAssertionMalformed},
		"S-10 assertion of a provider":     {"key1", asserting(func(f *fixture) string { return f.assertion(idpA, "1") }), client, oauth.ReasonUnknownClient},
		"S-10 client assertion as a grant": {"key1", func(f *fixture, c *call) { c.form.Set("assertion", f.clientAssertion("key1", "c-2")) }, oauth.InvalidGrant, oauth.ReasonProviderUnknown},
		"S-04 workload without client_id":  {"work1", func(_ *fixture, c *call) { c.form.Del("client_id") }, client, oauth.ReasonUnknownClient},
		"S-04 another workload": {"work1", asserting(func(f *fixture) string {
			return sign(idpA, f.claims(idpA, "c-1").Set("sub", `"bob"`).Set("aud", jwttest.Quote(server)))
		}), client, oauth.ReasonSubjectMismatch},
		"S-04 workload, other provider": {"work1", asserting(func(f *fixture) string { return sign(idpB, f.claims(idpB, "c-1").Set("aud", jwttest.Quote(server))) }), client, oauth.ReasonIssuerMismatch},
		"S-02 workload, alias":          {"work1", asserting(func(f *fixture) string { return f.assertion(idpA, "c-1") }), client, oauth.ReasonAudienceMismatch},
		"W-11 other tenant":             {"key1", func(_ *fixture, c *call) { c.target += "?tenantDomain=team-b" }, client, oauth.ReasonOtherTenant},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.addClients()
			c := f.as(tc.as, f.assertion(idpB, "1"), "c-1")
			tc.change(f, &c)
			a := f.send(t, c.request())
			if a.status != statusOf(tc.code) || a.code() != string(tc.code) || a.reason != string(tc.reason) {
				t.Errorf("got %d %s for %q, want %s for %q", a.status, a.code(), a.reason, tc.code, tc.reason)
			}
			// B-08, H-13: nobody's assertion has been used by that.
			if a := f.send(t, f.call("c1", f.assertion(idpB, "1")).request()); a.status != http.StatusOK {
				t.Errorf("the right request afterwards gets %d for %s", a.status, a.reason)
			}
		})
	}
}

// W-82: whatever is wrong with a client, the answer is one.
func TestClientRefusalsLookAlike(t *testing.T) {
	f := newFixture(t)
	f.addClients()
	first := f.send(t, f.call("nobody", "x").request())
	for name, c := range map[string]call{
		"unknown key":     f.without("x").asserting(f.clientAssertion("nobody", "1")),
		"wrong method":    f.without("x").asserting(f.clientAssertion("c1", "1")),
		"disabled":        f.without("x").asserting(f.clientAssertion("c4", "1")),
		"wrong signature": f.without("x").asserting(sign("evil", f.claims("key1", "1").Set("sub", `"key1"`).Set("aud", jwttest.Quote(server)))),
		"wrong audience":  f.without("x").asserting(sign("key1", f.claims("key1", "1").Set("sub", `"key1"`))),
		"garbage":         f.without("x").asserting("x"),
	} {
		a := f.send(t, c.request())
		if diff := cmp.Diff(first.text, a.text) + cmp.Diff(first.header, a.header); diff != "" || a.status != first.status {
			t.Errorf("%s differs from an unknown client with a secret (-that +it):\n%s", name, diff)
		}
	}
}

// the log says what a refused client assertion claims, and nothing of it that lets somebody in.
func TestAuditOfClientAssertion(t *testing.T) {
	f := newFixture(t)
	f.addClients()
	c := f.as("work1", "x", "1")
	c.form.Set("client_assertion", sign("evil", f.claims(idpA, "1").Set("aud", jwttest.Quote(server))))
	f.send(t, c.request())
	got := f.records(t)[0]
	takeRequest(t, got)
	if diff := cmp.Diff(map[string]any{
		"level": "WARN", "msg": "access token refused", "error": "invalid_client", "reason": "signature_invalid",
		"untrusted_client_id": "work1", "untrusted_client_issuer": idpA,
	}, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}
