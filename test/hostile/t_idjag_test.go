package hostile

import (
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// issuerOfServer is an aud of an ID-JAG that stands for the issuer of the server, which a case knows when it runs.
const issuerOfServer = "the issuer of the server"

// idJAG is a grant of the identity provider of such grants for client grants, with changes.
func idJAG(w *world, changes ...change) string {
	base := []change{
		fromNamed("idp-jag"), header("typ", `"oauth-id-jag+jwt"`), claim("client_id", `"grants"`), claim("aud", jwttest.Quote(w.issuer)),
	}
	return assertion(append(base, changes...)...)
}

// ofGrants is a request of client grants to exchange an assertion.
func ofGrants(text string) *request {
	r := exchange(text)
	r.as("grants")
	return r
}

// idJAGRows: identity assertion authorization grants, and what they are confused with.
func idJAGRows() []row {
	return []row{
		{id: "T-x30", name: "id-jag", run: idJAGs(granted, map[string]changes{
			"plain": nil, "aud in a list": {claim("aud", `["`+issuerOfServer+`"]`)}, "scope": {claim("scope", `"read write"`)}, "act": {claim("act", `{"sub":"x"}`)},
			"resource": {claim("resource", `"urn:example:second"`)}, "resources": {claim("resource", `["urn:example:second","https://api.example.com"]`)},
		})},
		{id: "T-x31", name: "id-jag-wrong", run: idJAGs(invalidGrant, map[string]changes{
			"typ JWT": {header("typ", `"JWT"`)}, "no typ": {withoutType()}, "typ at+jwt": {header("typ", `"at+jwt"`)}, "typ of a client assertion": {header("typ", `"client-authentication+jwt"`)},
			"typ of a grant": {header("typ", `"authorization-grant+jwt"`)}, "typ of the token type": {header("typ", `"id-jag"`)},
			"another client": {claim("client_id", `"c1"`)}, "no client": {without("client_id")}, "client a list": {claim("client_id", `["grants"]`)},
			"aud an alias": {claim("aud", jwttest.Quote(alias))}, "aud the endpoint": {claim("aud", `"`+issuerOfServer+`/oauth2/token"`)}, "two audiences": {claim("aud", `["`+issuerOfServer+`","`+alias+`"]`)},
			"aud twice": {claim("aud", `["`+issuerOfServer+`","`+issuerOfServer+`"]`)}, "aud with a slash": {claim("aud", `"`+issuerOfServer+`/"`)}, "no aud": {without("aud")},
			"no jti": {without("jti")}, "no iat": {without("iat")}, "no exp": {without("exp")}, "no sub": {without("sub")}, "lives for an hour": {at("exp", time.Hour)},
			"cnf": {claim("cnf", `{"jkt":"x"}`)}, "cnf null": {claim("cnf", "null")}, "authorization_details": {claim("authorization_details", `[{"type":"x"}]`)},
			"scope a list": {claim("scope", `["read"]`)}, "scope empty": {claim("scope", `""`)}, "scope malformed": {claim("scope", `"read  write"`)}, "two scopes": {claim("scope", `"read"`), claimToo("scope", `"write"`)},
			"resource a number": {claim("resource", "1")}, "resource null": {claim("resource", "null")}, "no resources": {claim("resource", "[]")}, "attacker's key": {signed("ES256", ecKey("attacker"))},
		})},
		{id: "T-x32", name: "id-jag-resource", run: idJAGs(invalidTarget, map[string]changes{
			"another": {claim("resource", `"https://evil.example.com"`)}, "one of two": {claim("resource", `["urn:example:second","https://evil.example.com"]`)},
			"empty": {claim("resource", `""`)}, "in capitals": {claim("resource", `"URN:EXAMPLE:SECOND"`)}, "with a slash": {claim("resource", `"https://api.example.com/"`)},
		})},
		{id: "T-x33", name: "id-jag-scope", run: idJAGs(invalidScope, map[string]changes{
			"of nobody": {claim("scope", `"root"`)}, "not the one that is asked for": {claim("scope", `"write"`)},
		})},
		{id: "T-x34", name: "id-jag-bounds-the-token", run: idJAGBoundsTheToken},
		{id: "T-x35", name: "id-jag-elsewhere", run: idJAGElsewhere},
	}
}

// idJAGs presents ID-JAGs, each with changes.
func idJAGs(want want, m map[string]changes) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for name, c := range m {
			t.Run(name, func(t *testing.T) {
				w.send(t, ofGrants(idJAG(w, append(c, ofServer(w))...))).check(t, w, want)
				w.checkAfter(t)
			})
		}
	}
}

// ofServer puts the issuer of the server where it is meant.
func ofServer(w *world) change {
	return func(j *jws) {
		for i, m := range j.claims {
			if m.Name == `"aud"` {
				j.claims[i].Value = strings.ReplaceAll(m.Value, issuerOfServer, w.issuer)
			}
		}
	}
}

// idJAGBoundsTheToken: the token and the answer say no more than the grant does, whatever is asked for.
func idJAGBoundsTheToken(t *testing.T, w *world) {
	bound := []change{claim("scope", `"write"`), claim("resource", `["urn:example:second"]`)}
	r := ofGrants(idJAG(w, bound...))
	r.drop("scope")
	got := w.send(t, r)
	got.check(t, w, granted)
	claims := got.claims(t, w)
	if claims["scope"] != "write" || claims["aud"] != "urn:example:second" || got.members["resource"] != "urn:example:second" || got.members["refresh_token"] != nil {
		t.Errorf("claims %v, answer %s", claims, got.body)
	}
	more := ofGrants(idJAG(w, bound...))
	more.set("scope", "write read")
	more.set("resource", "https://api.example.com")
	w.send(t, more).check(t, w, invalidTarget)
	more.set("assertion", idJAG(w, bound...))
	more.drop("resource")
	got = w.send(t, more)
	got.check(t, w, granted)
	if got.scope() != "write" {
		t.Errorf("granted %q", got.scope())
	}
}

// idJAGElsewhere: it is an assertion of its provider and its client, and nothing else.
func idJAGElsewhere(t *testing.T, w *world) {
	used := idJAG(w)
	w.send(t, ofGrants(used)).check(t, w, granted)
	for name, tc := range map[string]struct {
		request *request
		want    want
	}{
		"used":                    {ofGrants(used), invalidGrant},
		"subject token":           {exchangeOf(idJAG(w), "jwt"), invalidRequest},
		"ID token":                {exchangeOf(idJAG(w), "id_token"), invalidRequest},
		"access token":            {exchangeOf(idJAG(w), "access_token"), invalidRequest},
		"of its own type":         {exchangeOf(idJAG(w), "id-jag"), invalidRequest},
		"actor token":             {exchangeOf(assertion(), "jwt").acting(idJAG(w), "jwt"), invalidRequest},
		"JWT of its provider":     {exchangeOf(idJAG(w, header("typ", `"JWT"`)), "jwt"), invalidRequest},
		"at+jwt of its provider":  {exchangeOf(idJAG(w, header("typ", `"at+jwt"`)), "access_token"), invalidRequest},
		"of another provider":     {ofGrants(assertion(header("typ", `"oauth-id-jag+jwt"`), claim("client_id", `"grants"`))), invalidGrant},
		"of another client":       {exchange(idJAG(w)), invalidGrant},
		"our own access token":    {ofGrants(idJAG(w, claim("iss", jwttest.Quote(w.issuer)))), invalidGrant},
		"of a public client":      {ofPublic(idJAG(w, claim("client_id", `"p1"`))), unauthorizedClient},
		"another JWT of a public": {ofPublic(assertion()), granted},
	} {
		t.Run(name, func(t *testing.T) {
			w.send(t, tc.request).check(t, w, tc.want)
			w.checkAfter(t)
		})
	}
}

// ofPublic is a request of the public client.
func ofPublic(text string) *request {
	r := exchange(text)
	r.header.Del("Authorization")
	r.clientID = "p1"
	r.add("client_id", "p1")
	return r
}
