package hostile

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// audienceRows: the aud claim (RFC 7523 §3(3)).
func audienceRows() []row {
	quoted := func(suffixes ...string) (list []string) {
		for _, s := range suffixes {
			list = append(list, jwttest.Quote(s))
		}
		return list
	}
	sole := fromNamed("idp-sole")
	return []row{
		{id: "F-01", name: "aud-missing", want: invalidGrant, send: one(without("aud"))},
		{id: "F-02", name: "aud-wrong", want: invalidGrant, send: claims("aud", `"https://other"`, `["https://other","https://another"]`)},
		{id: "F-03", name: "aud-empty", want: invalidGrant, send: claims("aud", `""`, "[]", `[""]`, "null", `[null]`, `" "`, `["",""]`)},
		{id: "F-04", name: "aud-types", want: invalidGrant, send: claims("aud", "1", "{}", "[1]", `[["legacy-alias"]]`, `["legacy-alias",1]`, "true", `{"legacy-alias":true}`, `["legacy-alias",null]`, `["legacy-alias",["x"]]`, `["legacy-alias",{}]`, `"[\"legacy-alias\"]"`)},
		{id: "F-05", name: "aud-alias-ok", want: granted, send: claims("aud", quoted(alias, legacyAlias)[0], quoted(legacyAlias)[0], `["legacy-alias"]`, `["legacy-alias","legacy-alias"]`, text([]string{alias, legacyAlias}))},
		{id: "F-05", name: "aud-token-endpoint-ok", run: func(t *testing.T, w *world) {
			w.send(t, exchange(assertion(claim("aud", jwttest.Quote(w.issuer+"/oauth2/token"))))).check(t, w, granted)
		}},
		{id: "F-06", name: "aud-array-mixed", want: granted, send: claims("aud", `["legacy-alias","https://elsewhere"]`, `["https://elsewhere","legacy-alias"]`, `["","legacy-alias"]`)},
		{id: "F-06", name: "aud-array-mixed-strict", want: invalidGrant, send: presented(map[string]changes{
			"second": {sole, claim("aud", `["legacy-alias","https://elsewhere"]`)}, "first": {sole, claim("aud", `["https://elsewhere","legacy-alias"]`)}, "empty": {sole, claim("aud", `["legacy-alias",""]`)},
		})},
		{id: "F-07", name: "aud-normalization", want: invalidGrant, send: claims("aud", quoted(
			alias+"/", strings.ToUpper(alias), "https://as.test:443/oauth2/token", alias+" ", " "+alias, "https://as.test/oauth2%2ftoken", "https://as.test/oauth2/tok%65n", alias+" "+legacyAlias, alias+","+legacyAlias, "Legacy-alias",
			alias+"?", alias+"#", alias+"?tenantDomain=x", alias+"\x00", alias+"\n", "https://AS.test/oauth2/token", "http://as.test/oauth2/token", "https://as.test/./oauth2/token", "https://as.test//oauth2/token", "https://as.test/oauth2/token\u200b", "legacy‐alias",
		)...)},
		{id: "F-08", name: "aud-prefix-substring", want: invalidGrant, send: presented(map[string]changes{
			"longer": {fromNamed("idp-aliases"), claim("aud", `"https://as.test.evil"`)}, "shorter": {fromNamed("idp-aliases"), claim("aud", `"https://as"`)}, "path": {fromNamed("idp-aliases"), claim("aud", `"https://as.test/oauth2/token"`)},
			"part of a list": {claim("aud", `["legacy","alias"]`)}, "character": {claim("aud", `"l"`)}, "wildcard": {claim("aud", `"*"`)}, "pattern": {claim("aud", `"legacy.alias"`)}, "around": {claim("aud", `"x-legacy-alias-x"`)},
		})},
		{id: "F-09", name: "aud-other-endpoint", run: otherEndpoints},
		{id: "F-10", name: "aud-client-id", want: invalidGrant, send: claims("aud", `"c1"`, `["c1"]`, `"ns-a.c1"`, `"ns-a"`, `"idp-a"`)},
		{id: "F-12", name: "aud-alias-other-namespace", want: invalidGrant, send: presented(map[string]changes{"": {fromNamed("tenant-b"), claim("aud", jwttest.Quote(alias))}})},
		{id: "F-13", name: "aud-unset-config", run: aliasesMustBeSet},
		{id: "F-14", name: "aud-cross-deployment", want: invalidGrant, send: claims("aud", `"https://staging.as.test/oauth2/token"`, `"https://as.test:9443/oauth2/token"`, `"https://as.prod.test/oauth2/token"`, `"https://kubernetes.default.svc"`)},
		{id: "F-15", name: "aud-unicode-escape", want: granted, send: claims("aud", `"leg\u0061cy-alias"`, `["\u006c\u0065gacy-\u0061lias"]`, `"https:\/\/as.test\/oauth2\/token"`)},
		{id: "F-x01", name: "aud-many", want: invalidGrant, send: claims("aud", "["+strings.Repeat(`"x",`, 64)+`"legacy-alias"]`, "["+strings.Repeat(`"x",`, 2000)+`"legacy-alias"]`, "["+strings.Repeat(`"legacy-alias",`, 64)+`"legacy-alias"]`)},
		{id: "F-x02", name: "aud-sole-ok", want: granted, send: presented(map[string]changes{
			"one": {sole}, "list": {sole, claim("aud", `["legacy-alias"]`)}, "all aliases": {sole, claim("aud", `["legacy-alias","sole-alias"]`)}, "twice": {sole, claim("aud", `["sole-alias","sole-alias"]`)},
		})},
		{id: "F-x03", name: "aud-alias-of-another-provider", want: invalidGrant, send: presented(map[string]changes{
			"of sole": {claim("aud", `"sole-alias"`)}, "of aliases": {claim("aud", `"https://as.test"`)}, "of all": {fromNamed("idp-aliases")},
		})},
		{id: "F-x04", name: "aud-alias-with-all-parts", want: granted, send: presented(map[string]changes{
			"": {fromNamed("idp-aliases"), claim("aud", `"https://as.test:8443/x?y=z#f"`)},
		})},
		{id: "F-x05", name: "aud-twice", want: invalidGrant, send: presented(map[string]changes{
			"wrong first": {without("aud"), claimToo("aud", `"https://other"`), claimToo("aud", jwttest.Quote(alias))}, "wrong last": {claimToo("aud", `"https://other"`)}, "escaped": {rawClaim(`"\u0061ud"`, `"https://other"`)},
		})},
		{id: "F-x06", name: "aud-as-someone-elses", want: invalidGrant, send: presented(map[string]changes{
			"azp": {without("aud"), claimToo("azp", jwttest.Quote(alias))}, "audience": {without("aud"), claimToo("audience", jwttest.Quote(alias))}, "AUD": {without("aud"), claimToo("AUD", jwttest.Quote(alias))}, "header": {without("aud"), header("aud", jwttest.Quote(alias))},
			"resource": {without("aud"), claimToo("resource", jwttest.Quote(alias))},
		})},
		{id: "W-03", name: "alias-is-the-audience", want: granted, send: claims("aud", `"legacy-alias"`)},
		{id: "W-52", name: "any-element", want: granted, send: claims("aud", `["https://elsewhere","legacy-alias"]`)},
		{id: "W-35", name: "missing-aud", want: invalidGrant, send: one(without("aud"))},
	}
}

// otherEndpoints: only what is configured is an audience, not every URL of this server.
func otherEndpoints(t *testing.T, w *world) {
	for _, audience := range []string{
		w.issuer, w.issuer + "/", w.issuer + "/oauth2/introspect", w.issuer + "/oauth2/revoke", w.issuer + "/oauth2/jwks", w.issuer + "/token", w.issuer + "/.well-known/oauth-authorization-server", "http://" + w.ops,
	} {
		w.send(t, exchange(assertion(claim("aud", jwttest.Quote(audience))))).check(t, w, invalidGrant)
	}
}

// aliasesMustBeSet: manifests without an alias, or with an empty one, are refused with place and reason.
func aliasesMustBeSet(t *testing.T, _ *world) {
	for name, aliases := range map[string]any{"absent": nil, "empty list": []string{}, "empty string": []string{""}, "null in a list": []any{nil}, "blank": []string{" "}} {
		t.Run(name, func(t *testing.T) {
			spec := object{"issuer": issuerA, "jwks": object{"keys": []object{jwk("", publicOf(ecKey("x")), nil)}}, "audienceAliases": aliases}
			if aliases == nil {
				delete(spec, "audienceAliases")
			}
			said := refusal(t, []object{{"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider", "metadata": object{"name": "x"}, "spec": spec}})
			if !strings.Contains(said, "spec.audienceAliases") || !strings.Contains(said, "all.yaml:2") {
				t.Errorf("the refusal does not name the field and its place: %s", said)
			}
		})
	}
}
