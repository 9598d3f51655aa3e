package hostile

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// formRows: serialization and header of the assertion (RFC 7515, RFC 8725).
func formRows() []row {
	partsOf := func(va string) []string { return strings.Split(va, ".") }
	return []row{
		{id: "C-01", name: "garbage", want: invalidGrant, send: texts("fake-jwt", "null", "{}", "\x00", "eyJ", "🦊", strings.Repeat("A", 1000))},
		{id: "C-02", name: "wrong-part-count", want: invalidGrant, send: append(texts(".", "..", "....", "...", "....."), edited(map[string]func(string) string{
			"1":              func(va string) string { return partsOf(va)[0] },
			"2":              func(va string) string { return strings.Join(partsOf(va)[:2], ".") },
			"4":              func(va string) string { return va + ".x" },
			"4, empty last":  func(va string) string { return va + "." },
			"4, empty first": func(va string) string { return "." + va },
			"5":              func(va string) string { return va + ".x.x" },
			"5, empty":       func(va string) string { return va + ".." },
			"6":              func(va string) string { return va + "." + va },
			"no header":      func(va string) string { return va[strings.IndexByte(va, '.'):] },
			"no payload":     func(va string) string { return partsOf(va)[0] + ".." + partsOf(va)[2] },
		})...)},
		{id: "C-05", name: "json-flattened", want: invalidGrant, send: edited(map[string]func(string) string{
			"flattened": func(va string) string {
				p := partsOf(va)
				return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])
			},
			"general": func(va string) string {
				p := partsOf(va)
				return fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, p[1], p[0], p[2])
			},
			"quoted": func(va string) string { return `"` + va + `"` },
		})},
		{id: "C-06", name: "detached", want: invalidGrant, send: edited(map[string]func(string) string{
			"no payload": func(va string) string { return partsOf(va)[0] + ".." + partsOf(va)[2] },
			"resigned": func(va string) string {
				return jwttest.Resign("RS256", jwttest.RSA("idp-a", 2048), partsOf(va)[0]+"..x")
			},
		})},
		{id: "C-07", name: "b64-false", want: invalidGrant, send: append(edited(map[string]func(string) string{
			"unencoded payload": func(string) string {
				head := jwttest.Part(`{"alg":"RS256","b64":false,"crit":["b64"]}`)
				input := head + "." + `{"iss":"https://idp-a·test"}`
				return input + "." + jwttest.Part(string(jwttest.Sign("RS256", jwttest.RSA("idp-a", 2048), []byte(input))))
			},
		}), presented(map[string]changes{
			"encoded payload": {header("b64", "false"), header("crit", `["b64"]`)},
			"without crit":    {header("b64", "false")},
			"true":            {header("b64", "true")},
			"null":            {header("b64", "null")},
		})...)},
		{id: "C-09", name: "crit-empty", want: invalidGrant, send: one(header("crit", "[]"))},
		{id: "C-10", name: "crit-absent-name", want: invalidGrant, send: presented(map[string]changes{
			"exp": {header("crit", `["exp"]`)}, "alg": {header("crit", `["alg"]`)}, "there": {header("crit", `["exp"]`), header("exp", "1")},
			"no list": {header("crit", `"exp"`)}, "null": {header("crit", "null")}, "twice": {header("crit", `["x","x"]`), header("x", "1")},
		})},
		{id: "C-12", name: "b64-std-alphabet", want: invalidGrant, send: append(edited(map[string]func(string) string{
			"signature": standardAlphabet, "padded": func(va string) string { return va + "==" }, "padded once": func(va string) string { return va + "=" },
		}), resigned(map[string]func(head, payload string) string{
			"padded payload": func(head, payload string) string { return head + "." + payload + "=" },
			"padded header":  func(head, payload string) string { return head + "==." + payload },
		})...)},
		{id: "C-13", name: "b64-unused-bits", want: invalidGrant, send: append(edited(map[string]func(string) string{
			"signature": unusedBits,
		}), resigned(map[string]func(head, payload string) string{
			"payload": func(head, payload string) string { return head + "." + unusedBits(payload) },
			"header":  func(head, payload string) string { return unusedBits(head) + "." + payload },
		})...)},
		{id: "C-14", name: "whitespace", want: invalidGrant, send: append(edited(map[string]func(string) string{
			"leading space": func(va string) string { return " " + va }, "trailing line": func(va string) string { return va + "\n" },
			"trailing CRLF": func(va string) string { return va + "\r\n" }, "CRLF inside": func(va string) string { return va[:50] + "\r\n" + va[50:] },
			"tab": func(va string) string { return "\t" + va }, "line in signature": func(va string) string { return va[:len(va)-20] + "\n" + va[len(va)-20:] },
			"space at a dot": func(va string) string { return strings.Replace(va, ".", " .", 1) }, "no-break space": func(va string) string { return "\u00a0" + va },
			"BOM": func(va string) string { return "\ufeff" + va }, "vertical tab": func(va string) string { return va + "\v" },
		}), resigned(map[string]func(head, payload string) string{
			"line in payload": func(head, payload string) string { return head + "." + payload[:8] + "\n" + payload[8:] },
		})...)},
		{id: "C-15", name: "header-not-object", want: invalidGrant, send: heads("[]", `"x"`, "null", "1", "true", "", " ", `[{"alg":"RS256"}]`)},
		{id: "C-16", name: "header-empty", want: invalidGrant, send: heads("{}", `{"typ":"JWT"}`, `{"alg":null}`, `{"alg":""}`, `{"ALG":"RS256"}`, `{"alg ":"RS256"}`)},
		{id: "C-18", name: "kid-types", want: invalidGrant.or(invalidRequest), send: kids(
			"1", "true", "null", "[]", "{}", `""`, jwttest.Quote(strings.Repeat("k", 100_000)), jwttest.Quote(strings.Repeat("k", 257)), `"a\u0000b"`, `"a\nb"`, `["b2"]`,
		)},
		{id: "C-18", name: "kid-injection", want: invalidGrant, send: kids(
			`"../../dev/null"`, `"|sleep 10"`, `"x' UNION SELECT '1';--"`, `"/etc/passwd"`, `"; sleep 5 &"`, `"${jndi:ldap://127.0.0.1/x}"`, `"{{7*7}}"`, `"http://127.0.0.1:1/"`, `"*"`, `"b2 "`, `"B2"`, `"b2/../b2"`,
		)},
		{id: "C-18", name: "kid-naughty-strings", run: naughtyKeyIDs},
		{id: "C-19", name: "typ-at+jwt", want: invalidGrant, send: types("at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt")},
		{id: "C-20", name: "typ-unknown", want: invalidGrant, send: types("logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "JOSE", "JWS", "jwt2", "JWT ", "id+jwt", "client-authentication+jwt", "text/jwt")},
		{id: "C-20", name: "typ-known", want: granted, send: append(types("JWT", "jwt", "application/jwt", "APPLICATION/JWT"), one(withoutType())...)},
		{id: "C-21", name: "cty-nested", want: invalidGrant, send: presented(map[string]changes{
			"nested":         {header("cty", `"JWT"`), payload(assertion())},
			"only said":      {header("cty", `"JWT"`)},
			"lower case":     {header("cty", `"jwt"`), payload(assertion())},
			"not even said":  {payload(assertion())},
			"as JSON string": {payload(jwttest.Quote(assertion()))},
		})},
		{id: "C-23", name: "jwe-nested-signed", want: invalidGrant, send: texts(
			encrypted(`{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}`, assertion()), encrypted(`{"alg":"dir","enc":"A128GCM"}`, assertion()),
			encrypted(`{"alg":"RS256"}`, assertion()), encrypted(`{"alg":"none"}`, `{"iss":"https://idp-a.test"}`),
		)},
		{id: "C-24", name: "jwe-zip-bomb", want: invalidGrant.or(invalidRequest), within: 100 * time.Millisecond, send: bombs()},
		{id: "C-25", name: "jwe-pbes2", want: invalidGrant, within: 100 * time.Millisecond, send: texts(
			encrypted(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256","p2c":2147483647,"p2s":"2WCTcJZ1Rvd_CJuJripQ1w"}`, "x"),
			encrypted(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":9e99,"p2s":"x"}`, "x"),
		)},
		{id: "C-26", name: "header-forced-types", run: forcedTypes},
	}
}

// resigned are R0 with the encoded header and payload changed and signed as they are then. The last character of both has
// unused bits before.
func resigned(m map[string]func(head, payload string) string) []variant {
	return ordered(m, func(edit func(head, payload string) string) *request {
		for pad := ""; ; pad += "x" {
			parts := strings.Split(assertion(header("kid", `"x"`), withoutType(), claimToo("x", jwttest.Quote(pad))), ".")
			if len(parts[0])%4 == 2 && len(parts[1])%4 == 2 {
				return exchange(jwttest.Resign("RS256", jwttest.RSA("idp-a", 2048), edit(parts[0], parts[1])+"."))
			}
			if len(pad) > 4 {
				panic("the header has no unused bits")
			}
		}
	})
}

// heads are R0 with the text of the header replaced.
func heads(list ...string) []variant {
	m := map[string]changes{}
	for i, text := range list {
		m[fmt.Sprint(i)] = changes{head(text)}
	}
	return presented(m)
}

// kids are assertions of B with kid as JSON text.
func kids(list ...string) []variant {
	m := map[string]changes{}
	for i, kid := range list {
		m[fmt.Sprint(i)] = changes{fromB(), header("kid", kid)}
	}
	return presented(m)
}

func types(list ...string) []variant {
	m := map[string]changes{}
	for _, typ := range list {
		m[strings.ReplaceAll(typ, "/", "-")] = changes{header("typ", jwttest.Quote(typ))}
	}
	return presented(m)
}

// standardAlphabet writes the signature in the other alphabet of base64, in an assertion whose signature shows it.
func standardAlphabet(va string) string {
	for {
		i := strings.LastIndexByte(va, '.')
		if s := strings.NewReplacer("-", "+", "_", "/").Replace(va[i:]); s != va[i:] {
			return va[:i] + s
		}
		va = assertion()
	}
}

// unusedBits changes the last character of a base64url text of a length that leaves bits unused.
func unusedBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, s[len(s)-1])|1])
}

// encrypted is a JWE in form, with rubbish for the parts that no key is there for.
func encrypted(header, content string) string {
	return strings.Join([]string{jwttest.Part(header), jwttest.Part("key"), jwttest.Part("iv"), jwttest.Part(content), jwttest.Part("tag")}, ".")
}

// bombs are JWEs whose content expands to 250 MB, and to what just fits the limits.
func bombs() []variant {
	var all []variant
	for _, size := range []int{250 << 20, 8 << 20} {
		all = append(all, variant{fmt.Sprint(size>>20, " MB"), func() *request {
			return exchange(encrypted(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`, deflated(size)))
		}})
	}
	return all
}

func deflated(size int) string {
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	return out.String()
}

// naughtyKeyIDs: every naughty string as kid, which names no key.
func naughtyKeyIDs(t *testing.T, w *world) {
	for _, s := range naughtyStrings(t) {
		w.send(t, exchange(assertion(fromB(), header("kid", jwttest.Quote(s))))).check(t, w, invalidGrant)
	}
}

// forcedTypes: every header parameter and claim with a value of every other type.
func forcedTypes(t *testing.T, w *world) {
	set := map[string]func(name, value string) change{"header": header, "claim": claim}
	for part, names := range map[string][]string{"header": {"alg", "typ", "kid"}, "claim": {"iss", "sub", "aud", "iat", "exp", "nbf", "jti"}} {
		for _, name := range names {
			for _, value := range []string{"null", "true", "false", `"jwt_tool"`, "0", "-1", "[]", "{}", "[null]"} {
				got := w.send(t, exchange(assertion(fromB(), set[part](name, value))))
				expected := invalidGrant
				if allowed := value == `"jwt_tool"` && (name == "sub" || name == "jti") || value == "0" && (name == "nbf"); allowed {
					expected = expected.or(granted)
				}
				got.check(t, w, expected)
				if t.Failed() {
					t.Fatalf("with %s %s: %s", part, name, value)
				}
			}
		}
	}
}
