package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// jsonRows: hostile JSON in an assertion that is signed as it should be.
func jsonRows() []row {
	return []row{
		{id: "I-02", name: "payload-not-object", want: invalidGrant, after: because("claims_malformed", "assertion_malformed"), send: payloads("[]", `"x"`, "1", "null", "", "true", " ", `[{"iss":"https://idp-a.test"}]`, "{", "}", "{}}", "\x00")},
		{id: "I-03", name: "payload-bom", want: invalidGrant, after: because("claims_malformed"), send: reworked(map[string]func(string) string{
			"UTF-8": func(s string) string { return "\ufeff" + s }, "UTF-16": func(s string) string { return "\xff\xfe" + utf16LE(s) }, "at the end": func(s string) string { return s + "\ufeff" },
		})},
		{id: "I-04", name: "jsontestsuite", run: jsonTestSuite},
		{id: "I-05", name: "deep-nesting", want: invalidGrant.or(invalidRequest), within: 50 * time.Millisecond, send: nested(33, 2_500, 5_000, 10_000)},
		{id: "I-05", name: "deeper-nesting", want: invalidRequest, within: 50 * time.Millisecond, send: nested(500_000)},
		{id: "I-05", name: "nesting-at-the-limit", want: granted, send: nested(31)},
		{id: "I-07", name: "many-claims", want: invalidGrant, within: 50 * time.Millisecond, send: moreClaims(251, 1_000, 3_000)},
		{id: "I-07", name: "too-many-claims", want: invalidRequest, within: 50 * time.Millisecond, send: moreClaims(20_000)},
		{id: "I-07", name: "claims-at-the-limit", want: granted, send: moreClaims(250)},
		{id: "I-08", name: "proto-pollution", want: granted, after: nothingCopied, send: presented(map[string]changes{
			"proto": {claim("__proto__", `{"sub":"admin","isAdmin":true}`)}, "constructor": {claim("constructor", `{"prototype":{"sub":"admin"}}`)}, "method": {claim("hasOwnProperty", "1"), claim("toString", "null")}, "Go": {claim("String", `"x"`), claim("Error", "null")},
		})},
		{id: "I-09", name: "claim-map-injection", run: literalSubjects},
	}
}

// jsonOwnRows are more cases of section I.
func jsonOwnRows() []row {
	return []row{
		{id: "I-x01", name: "text-after-the-object", want: invalidGrant, after: because("claims_malformed"), send: reworked(map[string]func(string) string{
			"object": func(s string) string { return s + "{}" }, "comma": func(s string) string { return s + "," }, "NUL": func(s string) string { return s + "\x00" }, "twice": func(s string) string { return s + s }, "comment": func(s string) string { return s + "//x" },
			"lines": func(s string) string { return s + "\n" + s }, "form feed": func(s string) string { return s + "\f" },
		})},
		{id: "I-x02", name: "white-space-around", want: granted, send: reworked(map[string]func(string) string{"": func(s string) string { return " \r\n\t" + strings.ReplaceAll(s, ",", " ,\n") + " \n" }})},
		{id: "I-x03", name: "no-json-of-rfc-8259", want: invalidGrant, after: because("claims_malformed"), send: reworked(map[string]func(string) string{
			"single quotes":   func(s string) string { return strings.ReplaceAll(s, `"`, "'") },
			"trailing comma":  func(s string) string { return s[:len(s)-1] + ",}" },
			"leading comma":   func(s string) string { return "{," + s[1:] },
			"bare names":      func(s string) string { return strings.Replace(s, `"sub"`, "sub", 1) },
			"comment":         func(s string) string { return "{/*x*/" + s[1:] },
			"NaN":             func(s string) string { return `{"x":NaN,` + s[1:] },
			"leading zero":    func(s string) string { return `{"x":01,` + s[1:] },
			"hex":             func(s string) string { return `{"x":0x1,` + s[1:] },
			"bad UTF-8":       func(s string) string { return "{\"x\":\"\xff\"," + s[1:] },
			"overlong UTF-8":  func(s string) string { return "{\"x\":\"\xc0\xaf\"," + s[1:] },
			"lone surrogate":  func(s string) string { return `{"x":"\ud800",` + s[1:] },
			"bad name":        func(s string) string { return "{\"\xff\":1," + s[1:] },
			"raw control":     func(s string) string { return "{\"x\":\"\x01\"," + s[1:] },
			"raw line":        func(s string) string { return "{\"x\":\"\n\"," + s[1:] },
			"bad escape":      func(s string) string { return `{"x":"\x41",` + s[1:] },
			"no colon":        func(s string) string { return `{"x" 1,` + s[1:] },
			"two colons":      func(s string) string { return `{"x"::1,` + s[1:] },
			"number as name":  func(s string) string { return `{1:1,` + s[1:] },
			"null as name":    func(s string) string { return `{null:1,` + s[1:] },
			"brackets differ": func(s string) string { return s[:len(s)-1] + "]" },
			"cut":             func(s string) string { return s[:len(s)-1] },
			"UTF-16":          utf16LE,
		})},
		{id: "I-x04", name: "duplicate-names", want: invalidGrant, after: because("claims_malformed"), send: presented(map[string]changes{
			"unknown": {claimToo("x", "1"), claimToo("x", "1")}, "escaped": {claimToo("x", "1"), rawClaim(`"\u0078"`, "2")}, "empty": {claimToo("", "1"), claimToo("", "2")}, "jti": {claimToo("jti", `"other"`)}, "surrogates": {rawClaim(`"😀"`, "1"), rawClaim(`"\ud83d\ude00"`, "2")},
		})},
		{id: "I-x05", name: "names-that-look-alike", want: granted, after: nothingCopied, send: presented(map[string]changes{
			"case": {claim("SUB", `"admin"`), claim("Sub", `"admin"`)}, "space": {claim("sub ", `"admin"`)}, "NUL": {rawClaim(`"sub\u0000"`, `"admin"`)}, "cyrillic": {rawClaim(`"ѕub"`, `"admin"`)}, "long s": {rawClaim(`"ſub"`, `"admin"`)}, "zero width": {rawClaim(`"sub\u200b"`, `"admin"`)}, "empty": {claim("", `"admin"`)},
		})},
		{id: "I-x06", name: "numbers-out-of-range", want: granted, send: presented(map[string]changes{
			"exponent": {claim("x", "1e999999")}, "digits": {claim("x", strings.Repeat("9", 5_000))}, "fraction": {claim("x", "0."+strings.Repeat("1", 5_000))}, "minus zero": {claim("x", "-0")},
		})},
	}
}

// payloads are R0 with the text of the payload replaced; reworked with one made of the right one.
func payloads(list ...string) []variant {
	m := map[string]changes{}
	for i, text := range list {
		m[fmt.Sprint(i)] = changes{payload(text)}
	}
	return presented(m)
}

func reworked(m map[string]func(claims string) string) []variant {
	return ordered(m, func(edit func(string) string) *request {
		return exchange(assertion(func(j *jws) {
			text := edit(j.claims.String())
			j.payload = &text
		}))
	})
}

// nested are R0 with a claim of so many levels, which are in the claims set, the first.
func nested(levels ...int) []variant {
	m := map[string]changes{}
	for _, n := range levels {
		m[fmt.Sprint(n, " lists")] = changes{claim("x", strings.Repeat("[", n)+strings.Repeat("]", n))}
		m[fmt.Sprint(n, " objects")] = changes{claim("x", strings.Repeat(`{"":`, n)+"1"+strings.Repeat("}", n))}
	}
	return presented(m)
}

// moreClaims are R0 with so many more claims than the six.
func moreClaims(counts ...int) []variant {
	m := map[string]func(string) string{}
	for _, n := range counts {
		m[fmt.Sprint(n)] = func(s string) string { return s[:len(s)-1] + manyMembers(n) + "}" }
	}
	return reworked(m)
}

// jsonTestSuite: each file as the whole payload, and as the value of a claim.
func jsonTestSuite(t *testing.T, w *world) {
	folder := jwttest.Data(t, "JSONTestSuite", "test_parsing")
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("the suite has only %d files: %v", len(files), err)
	}
	var took []time.Duration
	try := func(name string, r *request, expected want) {
		t.Helper()
		if len(r.text()) > 64<<10 { // the body is refused before anybody looks at what it holds
			expected = invalidRequest
		}
		got := w.send(t, r)
		got.check(t, w, expected)
		if took = append(took, got.took); t.Failed() {
			t.Fatal(name)
		}
	}
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		try(name+" as payload", exchange(assertion(fromB(), payload(string(content)))), invalidGrant)
		expected := map[byte]want{'y': granted, 'n': invalidGrant, 'i': granted.or(invalidGrant)}[name[0]]
		try(name+" in a claim", exchange(assertion(fromB(), claim("x", string(content)))), expected)
		if i%50 == 0 {
			w.checkAfter(t)
		}
	}
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > slow(100*time.Millisecond) {
		t.Errorf("of the answers one in a hundred took %s", p99)
	}
}

// literalSubjects: no text of a token is ever evaluated.
func literalSubjects(t *testing.T, w *world) {
	for _, s := range []string{
		"{{.Secret}}", "{{ 7*7 }}", "${7*7}", "${jndi:ldap://127.0.0.1:1/x}", "#{7*7}", "<%= 7*7 %>", "$(id)", "`id`", "{.items[*].metadata.name}", "claims.sub + 'x'", "%s%n%x", "%(name)s", "' OR 1=1 --", "*)(uid=*", "../../etc/passwd",
		"system:serviceaccount:kube-system:default", "system:masters", "alice:admin", `"quoted"`, `back\slash`, "a/b:c", "<script>alert(1)</script>",
	} {
		got := w.send(t, exchange(assertion(fromB(), claim("sub", jwttest.Quote(s)))))
		got.check(t, w, granted)
		subjectIs("ns-a/idp-b:"+s)(t, w, got)
	}
}
