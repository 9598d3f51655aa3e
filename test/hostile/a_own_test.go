package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// shapeOwnRows are more cases of section A.
func shapeOwnRows() []row {
	return []row{
		{id: "A-x01", name: "dup-every-parameter", want: invalidRequest, send: requests(map[string]func(*request){
			"assertion":       func(r *request) { r.add("assertion", r.assertion) },
			"scope, empty":    func(r *request) { r.add("scope", "") },
			"unknown":         func(r *request) { r.add("x", "1"); r.add("x", "2") },
			"escaped name":    func(r *request) { r.setBody(r.text() + "&gr%61nt_type=" + jwtBearer) },
			"client_id":       func(r *request) { r.add("client_id", "c1"); r.add("client_id", "c1") },
			"without a value": func(r *request) { r.setBody(r.text() + "&scope") },
		})},
		{id: "A-x02", name: "two-content-types", want: invalidRequest, send: contentTypes(
			[]string{formType, formType}, []string{formType, "application/json"}, []string{formType + ", application/json"}, []string{formType + "; charset=utf-8; charset=x"},
			[]string{formType + "x"}, []string{"x-" + formType}, []string{"text/plain"}, []string{"*/*"}, []string{formType + "; charset"},
		)},
		{id: "A-x03", name: "parameters-in-query-too", want: invalidRequest, send: queries(
			"client_secret=x", "CLIENT_SECRET=x", "assertion=x", "grant_type=x", "scope=read", "scope", "resource=x", "client%5fid=c1", "refresh_token=x",
			"x=%zz", "a=1;assertion=x", "client_assertion=x", "subject_token=x",
		)},
		{id: "A-x04", name: "unknown-query-ignored", want: granted, send: queries("", "x=1", "x=1&x=2", "utm_source=a%20b", "%61=%62")},
		{id: "A-x05", name: "names-of-other-languages", want: invalidRequest, send: bodies(map[string]func(string) string{
			"brackets":   func(b string) string { return strings.Replace(b, "assertion=", "assertion%5B%5D=", 1) },
			"index":      func(b string) string { return strings.Replace(b, "assertion=", "assertion[0]=", 1) },
			"case":       func(b string) string { return strings.Replace(b, "assertion=", "Assertion=", 1) },
			"space":      func(b string) string { return strings.Replace(b, "assertion=", "assertion+=", 1) },
			"NUL":        func(b string) string { return strings.Replace(b, "assertion=", "assertion%00=", 1) },
			"full width": func(b string) string { return strings.Replace(b, "grant_type=", "grant%EF%BC%BFtype=", 1) },
			"UTF-16":     utf16LE,
			"BOM":        func(b string) string { return "\ufeff" + b },
			"quoted":     func(b string) string { return `"` + b + `"` },
			"empty":      func(string) string { return "" },
			"ampersands": func(string) string { return "&&&&" },
		})},
		{id: "A-x06", name: "compressed-body", want: invalidRequest, send: request1(func(r *request) {
			var body bytes.Buffer
			z := gzip.NewWriter(&body)
			_, _ = z.Write([]byte(r.text()))
			_ = z.Close()
			r.header.Set("Content-Encoding", "gzip")
			r.setBody(body.String())
		})},
		{id: "A-x07", name: "method-override", want: notAllowed, send: requests(map[string]func(*request){
			"header": func(r *request) { r.method = "GET"; r.header.Set("X-HTTP-Method-Override", "POST") },
			"query":  func(r *request) { r.method = "PUT"; r.target += "?_method=POST" },
		})},
		{id: "A-x08", name: "headers-of-proxies-are-nothing", want: granted, send: requests(map[string]func(*request){
			"forwarded": func(r *request) { r.header.Set("Forwarded", `for="[::1]";host=evil.test;proto=https`) },
			"host":      func(r *request) { r.header.Set("X-Forwarded-Host", "evil.test"); r.header.Set("Host", "evil.test") },
			"prefix":    func(r *request) { r.header.Set("X-Forwarded-Prefix", "/evil") },
			"url": func(r *request) {
				r.header.Set("X-Original-URL", "/metrics")
				r.header.Set("X-Rewrite-URL", "/metrics")
			},
			"origin": func(r *request) { r.header.Set("Origin", "https://evil.test") },
			"cookie": func(r *request) { r.header.Set("Cookie", "session=x") },
		})},
		{id: "A-x09", name: "length-and-chunks", want: invalidRequest.or(notHTTP).or(want{{501, noBody}}), send: rawHeaders(
			[]string{"Content-Length: 5"}, []string{"Content-Length: -1"}, []string{"Content-Length: +5"},
			[]string{"Content-Length: 5, 5"}, []string{"Transfer-Encoding: identity"}, []string{"Transfer-Encoding: chunked, identity"},
		)},
		{id: "A-x09", name: "length-with-chunks", want: invalidRequest.or(notHTTP), send: rawTexts(
			"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: "+formType+"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
			"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: "+formType+"\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
			"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: "+formType+"\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n0\r\n\r\n",
		)},
		{id: "A-x10", name: "malformed-http", want: notHTTP.or(want{{505, noBody}, {501, noBody}}).or(notFound).or(closed), send: rawTexts(
			"POST /oauth2/token\r\n\r\n", "POST /oauth2/token HTTP/9.9\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "POST /oauth2/token HTTP/1.1\r\n\r\n",
			"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nA\x00: b\r\n\r\n",
			"POST /oauth2/token HTTP/1.1\r\nHost: x\r\n : b\r\n\r\n", "POST /oauth2/token HTTP/1.1\r\nHost: x y\r\n\r\n", "\r\n\r\n\r\n\r\n",
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST /oauth2/\x7ftoken HTTP/1.1\r\nHost: x\r\n\r\n", "P\x00ST /oauth2/token HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		)},
		{id: "A-x11", name: "absolute-target", want: granted.or(notFound), send: rawLines("POST http://HOST/oauth2/token HTTP/1.1", "POST http://evil.test/oauth2/token HTTP/1.1", "POST https://evil.test/oauth2/token HTTP/1.1")},
		{id: "A-x12", name: "not-found-echoes-nothing", want: notFound, send: targets("/<script>alert(1)</script>", "/%3Cscript%3E", "/.env", "/.git/config", "/oauth2/token%0d%0aX-Injected:1", "/admin", "/actuator/env", "/v1/../../etc/passwd"), after: func(t *testing.T, _ *world, got *response) {
			if bytes.Contains(got.body, []byte("alert")) || bytes.Contains(got.body, []byte("passwd")) || bytes.Contains(got.body, []byte("cript>")) {
				t.Errorf("the path is echoed: %s", got.body)
			}
		}},
		{id: "A-x13", name: "parameters-at-the-limit", want: granted, send: request1(func(r *request) {
			for i := range 64 - len(r.params) {
				r.add(fmt.Sprint("p", i), "x")
			}
		})},
		{id: "A-x14", name: "bad-utf8", want: invalidRequest.or(invalidGrant).or(invalidScope).or(unsupportedGrantType), send: bodies(map[string]func(string) string{
			"assertion": func(b string) string { return strings.Replace(b, "assertion=", "assertion=%ff%fe", 1) },
			"scope":     func(b string) string { return b + "%c3%28" },
			"grant":     func(b string) string { return strings.Replace(b, "grant_type=", "grant_type=%ed%a0%80", 1) },
		})},
	}
}

// queries are R0 with a query.
func queries(list ...string) []variant {
	m := map[string]func(*request){}
	for _, q := range list {
		m["query "+url.PathEscape(q)] = func(r *request) { r.target += "?" + q }
	}
	return requests(m)
}

// rawHeaders are R0 as raw text with more header lines before its Content-Length.
func rawHeaders(lists ...[]string) []variant {
	m := map[string]func(*request){}
	for _, lines := range lists {
		m[strings.Join(lines, " ")] = func(r *request) { r.raw = asRaw(r, "POST /oauth2/token HTTP/1.1", lines...) }
	}
	return requests(m)
}

// rawTexts are requests that are not even HTTP.
func rawTexts(list ...string) []variant {
	var all []variant
	for i, text := range list {
		all = append(all, variant{fmt.Sprint(i), func() *request { return &request{raw: text} }})
	}
	return all
}

func contentLength(body string) string { return fmt.Sprint("Content-Length: ", len(body)) }

func utf16LE(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		out.Write([]byte{c, 0})
	}
	return out.String()
}

// wireRows: behaviour of the token endpoint that callers of other servers rely on.
func wireRows() []row {
	return []row{
		{id: "W-20", name: "both-paths-form-only", want: granted, send: targets("/oauth2/token", "/token")},
		{id: "W-21", name: "parameters-required", want: invalidRequest, send: requests(map[string]func(*request){
			"grant_type": func(r *request) { r.drop("grant_type") },
			"assertion":  func(r *request) { r.drop("assertion") },
			"both":       func(r *request) { r.params = nil },
		})},
		{id: "W-22", name: "single-assertion", want: invalidGrant, send: edited(map[string]func(string) string{
			"two with a space": func(va string) string { return va + " " + assertion() },
			"two with a comma": func(va string) string { return va + "," + assertion() },
			"JSON list":        func(va string) string { return `["` + va + `"]` },
		})},
		{id: "W-23", name: "repeated-parameters", want: invalidRequest, send: request1(func(r *request) { r.add("assertion", assertion()) })},
		{id: "W-24", name: "credentials-in-query", want: invalidRequest, send: requests(map[string]func(*request){
			"credentials": func(r *request) {
				r.header.Del("Authorization")
				r.target += "?" + encode([]param{{"client_id", "c1"}, {"client_secret", secretOf("c1")}})
			},
			"assertion": func(r *request) {
				r.target += "?" + encode([]param{{"assertion", r.assertion}})
				r.drop("assertion")
			},
		})},
		{id: "W-26", name: "scope-optional", want: granted, send: requests(map[string]func(*request){
			"absent": func(r *request) { r.drop("scope") },
			"asked":  func(r *request) { r.set("scope", "write") },
		})},
	}
}
