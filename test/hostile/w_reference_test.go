package hostile

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// referenceRows: behaviour that callers of the reference server rely on, where no other section shows it. The ids are
// those of the comparison in the documentation.
func referenceRows() []row {
	return []row{
		{id: "W-02", name: "forms-of-keys", want: granted, send: presented(map[string]changes{
			"PEM bundle": {fromNamed("idp-overlap")}, "DER": {fromNamed("idp-der")}, "public key": {fromNamed("idp-bare")}, "public key in DER": {fromNamed("idp-bare-der")},
		})},
		{id: "W-05", name: "grant-switched-off-for-one", want: unauthorizedClient.or(invalidGrant).or(invalidClient), send: requests(map[string]func(*request){
			"provider": func(r *request) { r.set("assertion", assertion(fromNamed("idp-c"))) }, "client": func(r *request) { r.as("c4") }, "grant types": func(r *request) { r.as("c3") },
		})},
		{id: "W-06", name: "age-and-replay-by-provider", want: invalidGrant, after: because("too_old", "jti_missing"), send: presented(map[string]changes{
			"age": {fromNamed("idp-age"), at("iat", -time.Minute)}, "replay": {fromNamed("idp-once"), without("jti")},
		})},
		{id: "W-06", name: "bad-numbers-are-refused", run: badNumbersAreRefused},
		{id: "W-07", name: "skew-by-provider", want: granted, send: presented(map[string]changes{
			"30 s": {without("iat"), at("exp", -20*time.Second)}, "3 s": {fromNamed("idp-skew"), without("iat"), at("exp", -time.Second)},
		})},
		{id: "W-07", name: "skew-of-other-providers", want: invalidGrant, after: because("expired"), send: presented(map[string]changes{
			"3 s": {fromNamed("idp-skew"), without("iat"), at("exp", -20*time.Second)}, "none": {fromNamed("idp-zero"), without("iat"), at("exp", -time.Second)},
		})},
		{id: "W-08", name: "client-with-key-secret-and-grants", want: granted, send: one()},
		{id: "W-09", name: "two-secrets", want: granted, send: requests(map[string]func(*request){"current": func(*request) {}, "previous": func(r *request) { r.basic("c1", secretOf("c1 previous")) }})},
		{id: "W-10", name: "public-by-choice-alone", want: invalidClient, send: requests(map[string]func(*request){"": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "c1") }})},
		{id: "W-11", name: "tenant-in-the-URL", want: granted, send: queries("tenantDomain=ns-a")},
		{id: "W-11", name: "another-tenant-in-the-URL", want: invalidClient, send: queries("tenantDomain=ns-b", "tenantDomain=NS-A", "tenantDomain=nowhere")},
		{id: "W-25", name: "two-methods", want: invalidRequest, send: requests(map[string]func(*request){"": func(r *request) { r.add("client_id", "c1"); r.add("client_secret", secretOf("c1")) }})},
		{id: "W-30", name: "missing-assertion", want: invalidRequest, send: requests(map[string]func(*request){"missing": func(r *request) { r.drop("assertion") }, "empty": func(r *request) { r.set("assertion", "") }})},
		{id: "W-34", name: "missing-sub", want: invalidGrant, send: one(without("sub"))},
		{id: "W-35", name: "missing-exp", want: invalidGrant, send: one(without("exp"))},
		{id: "W-57", name: "jti-of-two-issuers", run: separateIDs},
		{id: "W-57", name: "jti-in-one-step", run: parallelReplay},
		{id: "W-60", name: "custom-claims-stay-out", want: granted, after: nothingCopied, send: one(claim("email", `"alice@example.com"`), claim("groups", `["a","b"]`), claim("age", "42"))},
		{id: "W-61", name: "no-mapping-copies-nothing", want: granted, after: nothingCopied, send: one(claim("http://wso2.org/claims/role", `"admin"`), claim("nested", `{"a":{"b":1}}`))},
		{id: "W-70", name: "subject-names-its-provider", want: granted, send: one(), after: subjectIs("ns-a/idp-a:alice")},
		{id: "W-71", name: "answer", want: granted, send: one(), after: func(t *testing.T, _ *world, got *response) {
			expiresIn(3600, 3600)(t, nil, got)
			if got.members["token_type"] != "Bearer" || got.members["scope"] != "read" || got.members["refresh_token"] != nil || len(got.members) != 4 {
				t.Errorf("the answer has members of other kinds than access_token, Bearer, expires_in and scope: %d", len(got.members))
			}
		}},
		{id: "W-73", name: "token-ends-with-assertion", want: granted, send: ordered(map[string]changes{"": {at("exp", time.Minute)}}, asClient("cap")), after: expiresIn(50, 60)},
		{id: "W-74", name: "scopes-intersect", want: granted, send: values("scope", "read nope"), after: scopeIs("read")},
		{id: "W-75", name: "jwt-of-rfc-9068", want: granted, send: one(), after: nothingCopied},
		{id: "W-76", name: "no-store", want: granted.or(invalidGrant).or(invalidClient), after: func(t *testing.T, _ *world, got *response) { got.checkNoStore(t) }, send: requests(map[string]func(*request){
			"token": func(*request) {}, "refused": func(r *request) { r.set("assertion", "x") }, "client": func(r *request) { r.basic("c1", "wrong") },
		})},
		{id: "W-80", name: "constant-text", run: constantText},
		{id: "W-81", name: "unknown-grant", want: unsupportedGrantType, send: values("grant_type", "password", "authorization_code", "urn:ietf:params:oauth:grant-type:saml2-bearer")},
		{id: "W-82", name: "bad-client", want: invalidClient, send: requests(map[string]func(*request){"secret": func(r *request) { r.basic("c1", "wrong") }, "id": func(r *request) { r.basic("nobody", "wrong") }})},
		{id: "W-83", name: "client-without-grant", want: unauthorizedClient, send: requests(map[string]func(*request){"": func(r *request) { r.as("c3") }})},
		{id: "W-84", name: "bad-scope", want: invalidScope, send: values("scope", "nope", `a"b`)},
	}
}

// grantSwitchedOff: a grant that the whole server refuses is one that it does not know, and not in its metadata.
func grantSwitchedOff(t *testing.T, _ *world) {
	s := startServer(t, serverOptions{flags: []string{"--disable-grant", "jwt-bearer"}})
	w := &world{server: s, client: newClient(t, s.roots), confidential: &confidential{fixed: fixedSecrets(), seen: map[string]bool{}}}
	w.keys = w.publishedKeys(t)
	for range 3 {
		w.send(t, r0()).check(t, w, unsupportedGrantType)
	}
	wrong := r0()
	wrong.basic("c1", "wrong")
	w.send(t, wrong).check(t, w, invalidClient)
	var m struct {
		Grants []string `json:"grant_types_supported"`
	}
	w.document(t, "/.well-known/oauth-authorization-server", &m)
	if slices.Contains(m.Grants, jwtBearer) {
		t.Errorf("the metadata tells of %v", m.Grants)
	}
	lines := w.log.next(t)
	records(t, lines)
	w.confidential.check(t, lines)
}

// badNumbersAreRefused at the start, where the reference falls back to a default and says nothing.
func badNumbersAreRefused(t *testing.T, _ *world) {
	for field, values := range map[string][]string{
		"maxAge": {"0s", "-1s", "x", "10", "1 h", "9000h"}, "clockSkew": {"-1s", "6m", "30", "x"}, "maxLifetime": {"0s", "9000h", "1d"}, "replay": {"Never", "onetime", "true"},
	} {
		for _, value := range values {
			spec := object{"issuer": issuerA, "audienceAliases": []string{alias}, "jwks": object{"keys": []object{jwk("", publicOf(ecKey("x")), nil)}}, field: value}
			said := refusal(t, []object{{"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider", "metadata": object{"name": "x"}, "spec": spec}})
			if !strings.Contains(said, "spec."+field) || !strings.Contains(said, "all.yaml:2") {
				t.Errorf("the refusal of %s %q does not name the field and its place: %s", field, value, said)
			}
		}
	}
}

// constantText: the description is one of a few fixed texts, whatever an assertion holds.
func constantText(t *testing.T, w *world) {
	seen := map[string]bool{}
	for i, changes := range []changes{
		{payload("{")}, {payload("[]")}, {payload(`{"x":1,"x":2}`)}, {claim("exp", `"x"`)}, {claim("sub", "1")}, {claim("aud", "{}")}, {claim("jti", "null")}, {claim("x", "NaN")},
	} {
		got := w.send(t, exchange(assertion(changes...)))
		got.check(t, w, invalidGrant)
		seen[fmt.Sprint(got.members["error_description"])] = true
		if len(seen) != 1 {
			t.Fatalf("claims that cannot be read have several texts, the last at %d: %v", i, seen)
		}
	}
}

// otherFormsOfKeys are providers whose Secrets hold a certificate or a public key in one of the less usual forms.
func otherFormsOfKeys() []object {
	certificateDER := derBytes(certificate(ecKey("idp-der"), []time.Time{time.Now().Add(-time.Hour), time.Now().Add(day)}))
	form := func(name string, value []byte) []object {
		return []object{
			{"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider", "metadata": object{"namespace": "ns-a", "name": name}, "spec": object{
				"issuer": "https://" + name + ".test", "audienceAliases": []string{alias}, "certificateSecretRef": object{"name": name + "-cert"},
			}},
			{"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "ns-a", "name": name + "-cert"}, "data": object{"tls.crt": base64.StdEncoding.EncodeToString(value)}},
		}
	}
	bare := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicKeyDER("idp-bare")})
	return append(append(form("idp-der", certificateDER), form("idp-bare", bare)...), form("idp-bare-der", publicKeyDER("idp-bare-der"))...)
}

func publicKeyDER(name string) []byte {
	der, err := x509.MarshalPKIXPublicKey(publicOf(ecKey(name)))
	if err != nil {
		panic(err)
	}
	return der
}
