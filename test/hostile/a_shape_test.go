package hostile

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// shapeRows: what a request of the token endpoint must look like (RFC 6749 §3.2).
func shapeRows() []row {
	inQuery := func(r *request) {
		r.target += "?" + encode(r.params)
		r.params = nil
	}
	repeated := func(name, value string) []variant { return request1(func(r *request) { r.add(name, value) }) }
	return []row{
		{id: "A-01", name: "get", want: notAllowed, send: request1(func(r *request) {
			r.method = http.MethodGet
			r.post("c1", secretOf("c1"))
			inQuery(r)
		})},
		{id: "A-02", name: "params-in-query", want: invalidRequest, send: request1(inQuery)},
		{id: "A-03", name: "no-content-type", want: invalidRequest, send: contentTypes(nil)},
		{id: "A-04", name: "json-body", want: invalidRequest, send: request1(func(r *request) {
			r.header.Set("Content-Type", "application/json")
			r.setBody(asJSON(r.params))
		})},
		{id: "A-05", name: "malformed-content-type", want: invalidRequest, after: func(t *testing.T, _ *world, got *response) {
			if bytes.Contains(got.body, []byte("<script")) {
				t.Errorf("the content type is echoed: %s", got.body)
			}
		}, send: contentTypes([]string{"invalid/@@##"}, []string{"</><script>alert(1)</script>"}, []string{"text"}, []string{"text/[html]"}, []string{""})},
		{id: "A-06", name: "multipart", want: invalidRequest, send: request1(func(r *request) {
			var body bytes.Buffer
			m := multipart.NewWriter(&body)
			for _, p := range r.params {
				_ = m.WriteField(p.name, p.value)
			}
			_ = m.Close()
			r.header.Set("Content-Type", m.FormDataContentType())
			r.setBody(body.String())
		})},
		{id: "A-07", name: "missing-grant-type", want: invalidRequest, send: requests(map[string]func(*request){
			"absent": func(r *request) { r.drop("grant_type") },
			"empty":  func(r *request) { r.set("grant_type", "") },
		})},
		{id: "A-08", name: "unknown-grant-type", want: unsupportedGrantType, send: values("grant_type", "urn:example:nope", "x", "authorization_code")},
		{id: "A-09", name: "grant-type-case", want: unsupportedGrantType, send: values(
			"grant_type", strings.ToUpper(jwtBearer), "urn:ietf:params:oauth:grant-type:JWT-bearer", jwtBearer+" ", " "+jwtBearer, jwtBearer+"\x00", jwtBearer+"/",
		)},
		{id: "A-10", name: "missing-assertion", want: invalidRequest, send: request1(func(r *request) { r.drop("assertion") })},
		{id: "A-11", name: "empty-assertion", want: invalidRequest.or(invalidGrant), send: values("assertion", "")},
		{id: "A-13", name: "dup-grant-type", want: invalidRequest, send: repeated("grant_type", "client_credentials")},
		{id: "A-14", name: "dup-scope", want: invalidRequest, send: repeated("scope", "admin")},
		{id: "A-15", name: "bad-percent", want: invalidRequest, send: bodies(map[string]func(string) string{
			"in the assertion":       func(body string) string { return strings.Replace(body, "assertion=", "assertion=%zz", 1) },
			"in a parameter of none": func(body string) string { return body + "&x=%" },
			"in a name":              func(body string) string { return body + "&%g0=x" },
			"cut off":                func(body string) string { return body + "&x=%4" },
		})},
		{id: "A-16", name: "semicolon-separator", want: invalidRequest, send: bodies(map[string]func(string) string{
			"everywhere": func(body string) string { return strings.ReplaceAll(body, "&", ";") },
			"once":       func(body string) string { return strings.Replace(body, "&scope", ";scope", 1) },
			"at the end": func(body string) string { return body + ";" },
		})},
		{id: "A-17", name: "unknown-param-ignored", want: granted, send: requests(map[string]func(*request){
			"one":  func(r *request) { r.add("foo", "bar") },
			"some": func(r *request) { r.add("access_token", "x"); r.add("redirect_uri", "javascript:alert(1)") },
		})},
		{id: "A-18", name: "nul-and-ctl", want: invalidRequest.or(invalidGrant).or(invalidScope), send: requests(map[string]func(*request){
			"NUL in assertion":   func(r *request) { r.set("assertion", r.assertion+"\x00") },
			"CRLF in scope":      func(r *request) { r.set("scope", "read\r\nSet-Cookie:x=1") },
			"NUL in scope":       func(r *request) { r.set("scope", "read\x00") },
			"escape in scope":    func(r *request) { r.set("scope", "\x1b[31mread") },
			"CRLF in assertion":  func(r *request) { r.set("assertion", "x\r\nX-Injected: 1") },
			"tab between scopes": func(r *request) { r.set("scope", "read\twrite") },
		})},
		{id: "A-19", name: "charset-param", want: granted, send: contentTypes(
			[]string{formType + "; charset=UTF-8"}, []string{formType + ";charset=utf-8"}, []string{strings.ToUpper(formType)}, []string{" " + formType + " "},
		)},
		{id: "A-20", name: "wrong-method-set", want: notAllowed, send: methods("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "POSTX", "post"), after: noEcho},
		{id: "A-20", name: "wrong-method-head", want: want{{405, noBody}}, send: methods("HEAD")},
		{id: "A-21", name: "path-variants", want: notFound.or(notHTTP), send: targets(
			"/./oauth2/token", "/%2e/oauth2/token", "/oauth2/token/", "/OAUTH2/TOKEN", "/oauth2/Token", "/oauth2/./token", "/oauth2/x/../token",
			"/oauth2%2ftoken", "/oauth2/tok%65n", "/oauth2/token%00", "/oauth2/token;x=1", "/oauth2/token%3fx", "/oauth2/token%20", "/oauth2/token.json",
			"/oauth2//token", "/oauth2/token/..;/", `/oauth2\token`, "/", "/oauth2", "/oauth2/tokens", "/token/x", "/..%2foauth2/token",
		)},
		{id: "A-21", name: "path-double-slash", want: notFound.or(notHTTP), send: rawLines("POST //oauth2/token HTTP/1.1", "POST /oauth2//token HTTP/1.1", "POST oauth2/token HTTP/1.1", "POST * HTTP/1.1")},
	}
}

// contentTypes are R0 with other Content-Type headers; nil is none at all.
func contentTypes(lists ...[]string) []variant {
	m := map[string]func(*request){}
	for _, list := range lists {
		m[strings.Join(append([]string{"type"}, list...), " ")] = func(r *request) {
			r.header.Del("Content-Type")
			for _, v := range list {
				r.header.Add("Content-Type", v)
			}
		}
	}
	return requests(m)
}

// bodies are R0 with the text of its body changed.
func bodies(m map[string]func(body string) string) []variant {
	return ordered(m, func(edit func(string) string) *request {
		r := r0()
		r.setBody(edit(r.text()))
		return r
	})
}

func methods(list ...string) []variant {
	m := map[string]func(*request){}
	for _, method := range list {
		m[method] = func(r *request) { r.method = method }
	}
	return requests(m)
}

func targets(list ...string) []variant {
	m := map[string]func(*request){}
	for _, target := range list {
		m[url.PathEscape(target)] = func(r *request) { r.target = target }
	}
	return requests(m)
}

// rawLines are R0 as raw text, each with another first line.
func rawLines(lines ...string) []variant {
	m := map[string]func(*request){}
	for _, line := range lines {
		m[line] = func(r *request) { r.raw = asRaw(r, line) }
	}
	return requests(m)
}

// asRaw writes a request as text with more header lines.
func asRaw(r *request, first string, lines ...string) string {
	all := append([]string{
		first, "Host: HOST", "Authorization: " + r.header.Get("Authorization"), "Content-Type: " + formType,
	}, lines...)
	return rawRequest(r.text(), append(all, contentLength(r.text()))...)
}

func asJSON(params []param) string {
	m := map[string]string{}
	for _, p := range params {
		m[p.name] = p.value
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// noEcho: nothing of the request comes back, as it would from TRACE.
func noEcho(t *testing.T, _ *world, got *response) {
	t.Helper()
	for _, text := range append(got.request.confidential(), "Authorization") {
		if text != "" && bytes.Contains(got.body, []byte(text)) {
			t.Errorf("the answer echoes the request: %s", got.body)
		}
	}
}
