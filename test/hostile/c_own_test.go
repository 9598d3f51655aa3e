package hostile

import (
	"fmt"
	"strings"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// formOwnRows are more cases of section C.
func formOwnRows() []row {
	const rs256 = `{"alg":"RS256","typ":"JWT"`
	return []row{
		{id: "C-x01", name: "header-duplicates", want: invalidGrant, send: heads(
			`{"alg":"none","alg":"RS256"}`, `{"alg":"RS256","alg":"RS256"}`, `{"alg":"RS256","al\u0067":"none"}`, rs256+`,"kid":"a","kid":"b"}`, rs256+`,"x":1,"x":1}`, `{"typ":"at+jwt",`+rs256[1:]+`}`,
		)},
		{id: "C-x02", name: "header-syntax", want: invalidGrant, send: heads(
			"\ufeff"+rs256+"}", rs256+"} ,", rs256+"}{}", rs256+"}\x00", rs256+",}", "{'alg':'RS256'}", rs256+"/*x*/}", `{"alg":"RS256`+"\x00"+`"}`, `{"alg":"RS256`+"\xff"+`"}`,
			`{"alg":"RS256","x":NaN}`, `{"alg":"RS256","x":01}`, `{"alg":"RS256","x":"\ud800"}`, `{"alg":"RS256","x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+"}", rs256,
		)},
		{id: "C-x03", name: "alg-spelled-otherwise", want: invalidGrant, send: heads(
			`{"alg":"rs256"}`, `{"alg":"RS256 "}`, `{"alg":" RS256"}`, `{"alg":["RS256"]}`, `{"alg":{"RS256":1}}`, `{"alg":"RS256\u0000"}`, `{"alg":"RSA256"}`, `{"alg":"SHA256withRSA"}`, `{"alg":256}`,
			`{"alg":"1.2.840.113549.1.1.11"}`, `{"alg":"`+strings.Repeat("R", 4000)+`"}`, `{"alg":"ＲＳ256"}`, `{"alg":"RSA1_5"}`, `{"alg":"RSA-OAEP"}`,
		)},
		{id: "C-x04", name: "alg-escaped", want: granted, send: heads(`{"alg":"R\u0053256"}`, `{"al\u0067":"RS256"}`, ` { "alg" : "RS256" } `, "\n{\"typ\":\"JWT\",\t\"alg\":\"RS256\"}\r\n")},
		{id: "C-x05", name: "header-too-large", want: invalidGrant, send: presented(map[string]changes{
			"9 kB":          {header("x", jwttest.Quote(strings.Repeat("x", 9<<10)))},
			"300 members":   {head(rs256 + manyMembers(300) + "}")},
			"257 members":   {head(rs256 + manyMembers(255) + "}")},
			"deep":          {head(rs256 + `,"x":` + strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500) + "}")},
			"alg of 9 kB":   {header("alg", jwttest.Quote(strings.Repeat("x", 5<<10)))},
			"typ of 200":    {header("typ", jwttest.Quote(strings.Repeat("x", 200)))},
			"x5t of 10 000": {header("x5t", jwttest.Quote(strings.Repeat("x", 5_000)))},
		})},
		{id: "C-x06", name: "assertion-at-the-limit", want: invalidGrant, send: presented(map[string]changes{
			"over 16 KiB": {claim("x", jwttest.Quote(strings.Repeat("x", 12<<10)))},
			"60 kB":       {claim("x", jwttest.Quote(strings.Repeat("x", 40<<10)))},
		})},
		{id: "C-x07", name: "assertion-below-the-limit", want: granted, send: one(claim("x", jwttest.Quote(strings.Repeat("x", 11<<10))))},
		{id: "C-x08", name: "typ-of-other-types", want: invalidGrant, send: heads(
			`{"alg":"RS256","typ":null}`, `{"alg":"RS256","typ":1}`, `{"alg":"RS256","typ":["JWT"]}`, `{"alg":"RS256","typ":{}}`, `{"alg":"RS256","typ":"JWT\u0000"}`, `{"alg":"RS256","typ":"application/application/jwt"}`,
		)},
		{id: "C-x09", name: "cty-of-any-kind", want: invalidGrant, send: presented(map[string]changes{
			"json": {header("cty", `"json"`)}, "number": {header("cty", "1")}, "null": {header("cty", "null")}, "list": {header("cty", `["JWT"]`)}, "JOSE": {header("cty", `"application/jose+json"`)},
		})},
		{id: "C-x10", name: "parameters-that-mean-nothing", want: granted, send: presented(map[string]changes{
			"zip": {header("zip", `"DEF"`)}, "epk": {header("epk", `{"kty":"EC"}`)}, "p2c": {header("p2c", "2147483647")}, "enc": {header("enc", `"A256GCM"`)}, "unknown": {header("x", `{"a":[1,2,{"b":null}]}`)},
			"iss in header": {header("iss", `"https://evil.test"`), header("sub", `"admin"`)}, "url": {header("url", `"http://127.0.0.1:1/"`)}, "kid that no key has": {header("kid", `"anything"`)},
		})},
		{id: "C-x11", name: "other-alphabets", want: invalidGrant, send: edited(map[string]func(string) string{
			"dots of another script": func(va string) string { return strings.ReplaceAll(va, ".", "․") },
			"escaped dots":           func(va string) string { return strings.ReplaceAll(va, ".", "%2e") },
			"full width":             func(va string) string { return "ｅ" + va[1:] },
			"hex":                    func(va string) string { return strings.Replace(va, "e", "0x65", 1) },
			"bearer in front":        func(va string) string { return "Bearer " + va },
			"URL around":             func(va string) string { return "https://x.test/?assertion=" + va },
			"two, one after another": func(va string) string { return va + va },
			"SAML":                   func(string) string { return "PHNhbWxwOlJlc3BvbnNlLz4" },
			"PASETO":                 func(string) string { return "v2.local.AAAA" },
			"XML": func(string) string {
				return `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`
			},
		})},
		{id: "C-x12", name: "resigned-unchanged", want: granted, send: resigned(map[string]func(head, payload string) string{
			"": func(head, payload string) string { return head + "." + payload },
		})},
		{id: "W-30", name: "empty-or-malformed", want: invalidGrant, send: texts("x", "a.b.c", ".", "..")},
		{id: "W-31", name: "missing-iss", want: invalidGrant, send: one(without("iss"))},
		{id: "W-33", name: "depth-limit", want: invalidGrant, send: presented(map[string]changes{"claims": {claim("x", strings.Repeat("[", 33)+strings.Repeat("]", 33))}})},
		{id: "W-32", name: "encrypted", want: invalidGrant, send: texts(encrypted(`{"alg":"RSA-OAEP","enc":"A128GCM"}`, `{"alg":"none"}`))},
	}
}

// manyMembers is text of n more members of a JSON object.
func manyMembers(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, `,"m%d":1`, i)
	}
	return out.String()
}
