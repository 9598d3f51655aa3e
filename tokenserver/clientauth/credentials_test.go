package clientauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

func TestFromRequest(t *testing.T) {
	const hard = "a:b%c+d e/ü\"\\&=\x01"
	basic := func(id, secret string) Credentials { return secretOf(id, secret, MethodSecretBasic) }
	long := "Basic " + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 1<<20)))
	for name, tc := range map[string]struct {
		header http.Header
		body   url.Values
		want   Credentials
		reason oauth.Reason
	}{
		"basic":                           {header(plain("c1", "s")), nil, basic("c1", "s"), ""},
		"post":                            {nil, body("c1", "s"), secretOf("c1", "s", MethodSecretPost), ""},
		"W-25 basic with its own id":      {header(plain("c1", "s")), url.Values{"client_id": {"c1"}}, basic("c1", "s"), ""},
		"basic with empty secret in body": {header(plain("c1", "s")), url.Values{"client_secret": {""}}, basic("c1", "s"), ""},
		"scheme in small letters":         {header(strings.Replace(plain("c1", "s"), "Basic", "basic", 1)), nil, basic("c1", "s"), ""},
		"more spaces":                     {header(strings.Replace(plain("c1", "s"), " ", "   ", 1)), nil, basic("c1", "s"), ""},
		"colon in the secret":             {header(plain("c1", "s:t")), nil, basic("c1", "s:t"), ""},
		"post is not decoded again":       {nil, body("c%31", "s+%41"), secretOf("c%31", "s+%41", MethodSecretPost), ""},
		"B-09 form-encoded":               {header(encoded(hard, hard)), nil, basic(hard, hard), ""},
		"B-09 plus is a space":            {header(plain("c+1", "s+t")), nil, basic("c 1", "s t"), ""},
		"B-09 bare percent in the id":     {header(plain("c%1", "s")), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-09 bare percent in the secret": {header(plain("c1", "100%")), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-01 nothing":                    {nil, nil, Credentials{}, oauth.ReasonNoCredentials},
		"B-01 id only":                    {nil, url.Values{"client_id": {"c1"}}, Credentials{untrustedID: "c1", method: MethodNone}, ""},
		"B-01 secret only":                {nil, url.Values{"client_secret": {"s"}}, Credentials{}, oauth.ReasonNoCredentials},
		"B-04 empty secret":               {header(plain("c1", "")), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-04 empty secret in body":       {nil, body("c1", ""), Credentials{untrustedID: "c1", method: MethodNone}, ""},
		"B-04 empty id":                   {header(plain("", "s")), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-04 colon only":                 {header(plain("", "")), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-07 both":                       {header(plain("c1", "s")), body("c1", "s"), Credentials{}, oauth.ReasonTwoMethods},
		"B-07 secret only in body":        {header(plain("c1", "s")), url.Values{"client_secret": {"s"}}, Credentials{}, oauth.ReasonTwoMethods},
		"B-07 other scheme and body":      {header("Bearer x"), body("c1", "s"), Credentials{}, oauth.ReasonTwoMethods},
		"B-07 empty header and body":      {header(""), body("c1", "s"), Credentials{}, oauth.ReasonTwoMethods},
		"S-01 client assertion":           {nil, asserting("a.b.c"), Credentials{assertion: "a.b.c", method: MethodPrivateKeyJWT}, ""},
		"S-01 client assertion and id":    {nil, asserting("a.b.c", "client_id", "c1"), Credentials{untrustedID: "c1", assertion: "a.b.c", method: MethodPrivateKeyJWT}, ""},
		"S-08 no type":                    {nil, url.Values{"client_assertion": {"a.b.c"}}, Credentials{}, oauth.ReasonMissingClientAssertionType},
		"S-08 empty type":                 {nil, asserting("a.b.c", "client_assertion_type", ""), Credentials{}, oauth.ReasonMissingClientAssertionType},
		"S-08 type and id":                {nil, url.Values{"client_assertion": {"a.b.c"}, "client_id": {"c1"}}, Credentials{untrustedID: "c1"}, oauth.ReasonMissingClientAssertionType},
		"S-08 type without assertion":     {nil, url.Values{"client_assertion_type": {oauth.ClientAssertionType}}, Credentials{}, oauth.ReasonMissingClientAssertion},
		"S-08 type and empty assertion":   {nil, asserting(""), Credentials{}, oauth.ReasonMissingClientAssertion},
		"S-08 SAML":                       {nil, asserting("a.b.c", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), Credentials{}, oauth.ReasonUnknownClientAssertionType},
		"S-08 type in capitals":           {nil, asserting("a.b.c", "client_assertion_type", strings.ToUpper(oauth.ClientAssertionType)), Credentials{}, oauth.ReasonUnknownClientAssertionType},
		"S-08 type of the grant":          {nil, asserting("a.b.c", "client_assertion_type", oauth.GrantTypeJWTBearer), Credentials{}, oauth.ReasonUnknownClientAssertionType},
		"S-08 unknown type, no assertion": {nil, asserting("", "client_assertion_type", "x"), Credentials{}, oauth.ReasonUnknownClientAssertionType},
		"B-07 assertion and secret":       {nil, asserting("a.b.c", "client_id", "c1", "client_secret", "s"), Credentials{}, oauth.ReasonTwoMethods},
		"B-07 assertion and basic":        {header(plain("c1", "s")), asserting("a.b.c"), Credentials{}, oauth.ReasonTwoMethods},
		"B-07 assertion without type":     {header(plain("c1", "s")), url.Values{"client_assertion": {"a.b.c"}}, Credentials{}, oauth.ReasonTwoMethods},
		"B-07 type and basic":             {header(plain("c1", "s")), url.Values{"client_assertion_type": {"x"}}, Credentials{}, oauth.ReasonTwoMethods},
		"B-07 type and secret":            {nil, url.Values{"client_id": {"c1"}, "client_secret": {"s"}, "client_assertion_type": {"x"}}, Credentials{}, oauth.ReasonTwoMethods},
		"B-07 assertion, bearer":          {header("Bearer x"), asserting("a.b.c"), Credentials{}, oauth.ReasonTwoMethods},
		"B-07 assertion, empty secret":    {nil, asserting("a.b.c", "client_secret", ""), Credentials{assertion: "a.b.c", method: MethodPrivateKeyJWT}, ""},
		"B-08 id of another":              {header(plain("c1", "s")), url.Values{"client_id": {"c2"}}, basic("c1", "s"), oauth.ReasonClientIDMismatch},
		"B-08 id in other case":           {header(plain("c1", "s")), url.Values{"client_id": {"C1"}}, basic("c1", "s"), oauth.ReasonClientIDMismatch},
		"B-10 garbage":                    {header("Basic !!!"), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 no value":                   {header("Basic"), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 empty value":                {header("Basic "), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 empty header":               {header(""), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 a megabyte":                 {header(long), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 other scheme":               {header("Bearer x"), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 scheme that begins alike":   {header(strings.Replace(plain("c1", "s"), "Basic", "Basics", 1)), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 no colon":                   {header("Basic " + base64.StdEncoding.EncodeToString([]byte("c1"))), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 base64url":                  {header("Basic " + base64.URLEncoding.EncodeToString([]byte("c1:~~~???"))), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 without padding":            {header("Basic " + base64.RawStdEncoding.EncodeToString([]byte("c1:s"))), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 text behind it":             {header(plain("c1", "s") + " x"), nil, Credentials{}, oauth.ReasonMalformedBasic},
		"B-10 two headers":                {header(plain("c1", "s"), plain("c1", "s")), nil, Credentials{}, oauth.ReasonTwoAuthorizations},
		"B-10 two headers, one empty":     {header("", plain("c1", "s")), nil, Credentials{}, oauth.ReasonTwoAuthorizations},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FromRequest(tc.header, form(t, tc.body))
			if reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.reason)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(Credentials{})); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if got.UntrustedClientID() != tc.want.untrustedID {
				t.Errorf("untrusted client id is %q, want %q", got.UntrustedClientID(), tc.want.untrustedID)
			}
		})
	}
}

// asserting is a body with a client assertion, and names and values in turn.
func asserting(assertion string, pairs ...string) url.Values {
	v := url.Values{"client_assertion": {assertion}, "client_assertion_type": {oauth.ClientAssertionType}}
	for p := range slices.Chunk(pairs, 2) {
		v.Set(p[0], p[1])
	}
	return v
}

// FuzzFromRequest: of everything that a request may hold, exactly one method remains or the request is refused.
func FuzzFromRequest(f *testing.F) {
	basics, kinds := []string{"", plain("c1", "s"), "Bearer x", "Basic !"}, []string{"", oauth.ClientAssertionType, "x"}
	for i := range len(basics) * len(kinds) * 8 { // every combination
		pick := func(bit int, s string) string { return strings.Repeat(s, i>>bit&1) }
		f.Add(basics[i/8%len(basics)], pick(0, "c1"), pick(1, "s"), pick(2, "a.b.c"), kinds[i/8/len(basics)])
	}
	f.Fuzz(func(t *testing.T, authorization, id, secret, assertion, kind string) {
		h := http.Header{}
		if authorization != "" {
			h.Set("Authorization", authorization)
		}
		c, err := FromRequest(h, form(t, url.Values{
			"client_id": {id}, "client_secret": {secret}, "client_assertion": {assertion}, "client_assertion_type": {kind},
		}))
		methods := 0
		for _, used := range []bool{authorization != "", secret != "", assertion != "" || kind != ""} {
			if used {
				methods++
			}
		}
		if (methods > 1) != (reasonOf(err) == oauth.ReasonTwoMethods) {
			t.Fatalf("%d methods are refused for %q", methods, reasonOf(err))
		}
		if err == nil && c != expected(authorization, id, secret, assertion, kind) {
			t.Fatalf("accepted %s", c)
		}
		if err != nil && (c.secret != "" && reasonOf(err) != oauth.ReasonClientIDMismatch || c.assertion != "") {
			t.Fatalf("refused for %q with %s", reasonOf(err), c)
		}
	})
}

// expected are the credentials of a request that has one method, or what no request has.
func expected(authorization, id, secret, assertion, kind string) Credentials {
	switch {
	case assertion != "" && kind == oauth.ClientAssertionType:
		return Credentials{untrustedID: id, assertion: assertion, method: MethodPrivateKeyJWT}
	case assertion != "" || kind != "":
		return Credentials{method: "never"}
	case authorization != "":
		c, ok := parseBasic(authorization)
		if !ok || id != "" && id != c.untrustedID {
			return Credentials{method: "never"}
		}
		return c
	case id == "":
		return Credentials{method: "never"}
	case secret == "":
		return Credentials{untrustedID: id, method: MethodNone}
	default:
		return secretOf(id, secret, MethodSecretPost)
	}
}

// FuzzParseBasic: whatever is accepted is base64 of two parts that decode to what was found, neither of them empty.
func FuzzParseBasic(f *testing.F) {
	for _, s := range []string{
		plain("c1", "s"), encoded("a:b", "c d"), plain("c1", ""), plain("%", "s"), "Basic", "Basic ", "basic  Yzpz", "Basic !!!", "Bearer x",
		"", "Basic Yzpz\n", "Basic =", "Basic Yzp=", "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseBasic(s)
		if !ok {
			if c != (Credentials{}) {
				t.Fatalf("refused with credentials of %q", c.untrustedID)
			}
			return
		}
		if c.untrustedID == "" || c.secret == "" || c.method != MethodSecretBasic || !strings.EqualFold(s[:5], "Basic") {
			t.Fatalf("accepted %q as %q by %s", s, c.untrustedID, c.method)
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s[5:]))
		if err != nil {
			t.Fatalf("accepted %q, which is not base64", s)
		}
		id, secret, _ := strings.Cut(string(text), ":")
		if gotID, _ := url.QueryUnescape(id); gotID != c.untrustedID {
			t.Fatalf("client id is %q, want %q", c.untrustedID, gotID)
		}
		if gotSecret, _ := url.QueryUnescape(secret); gotSecret != c.secret {
			t.Fatalf("secret is %q, want %q", c.secret, gotSecret)
		}
		again, ok := parseBasic(encoded(c.untrustedID, c.secret))
		if !ok || again != c {
			t.Fatalf("what was found does not survive being encoded again: %q", s)
		}
	})
}
