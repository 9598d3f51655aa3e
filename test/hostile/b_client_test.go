package hostile

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// clientRows: client authentication (RFC 6749 §2.3) and what a client may do.
func clientRows() []row {
	wrongBasic := func(id, secret string) []variant { return request1(func(r *request) { r.basic(id, secret) }) }
	return []row{
		{id: "B-01", name: "no-client-auth", want: invalidClient, send: requests(map[string]func(*request){
			"nothing":        func(r *request) { r.header.Del("Authorization") },
			"client_id only": func(r *request) { r.header.Del("Authorization"); r.add("client_id", "c1") },
			"secret only":    func(r *request) { r.header.Del("Authorization"); r.add("client_secret", secretOf("c1")) },
		})},
		{id: "B-02", name: "wrong-secret", want: invalidClient, send: append(wrongBasic("c1", "wrong"), requests(map[string]func(*request){
			"in the body":  func(r *request) { r.post("c1", "wrong") },
			"prefix":       func(r *request) { r.basic("c1", secretOf("c1")[:20]) },
			"longer":       func(r *request) { r.basic("c1", secretOf("c1")+"x") },
			"space behind": func(r *request) { r.basic("c1", secretOf("c1")+" ") },
			"NUL behind":   func(r *request) { r.basic("c1", secretOf("c1")+"\x00") },
			"line behind":  func(r *request) { r.basic("c1", secretOf("c1")+"\n") },
			"other case":   func(r *request) { r.basic("c1", strings.ToUpper(secretOf("c1"))) },
			"of another":   func(r *request) { r.basic("c1", secretOf("c5")) },
			"both of them": func(r *request) { r.basic("c1", secretOf("c1")+":"+secretOf("c1 previous")) },
		})...)},
		{id: "B-03", name: "unknown-client", want: invalidClient, send: wrongBasic("nosuch", "x")},
		{id: "B-03", name: "unknown-client-takes-as-long", run: sameLatency},
		{id: "B-04", name: "empty-secret", want: invalidClient, send: requests(map[string]func(*request){
			"basic": func(r *request) { r.basic("c1", "") },
			"body":  func(r *request) { r.post("c1", "") },
			"both":  func(r *request) { r.basic("", "") },
		})},
		{id: "B-06", name: "null-secret", want: invalidClient, send: secretsInBody("null", "undefined", "NULL", "None", "nil", "true", "false", "0", "[]", "{}", "*", "%", "\x00", "' OR '1'='1", "NaN", strings.Repeat("x", 512), strings.Repeat("x", 513), strings.Repeat("x", 40_000))},
		{id: "B-06", name: "null-secret-naughty-strings", run: naughtySecrets},
		{id: "B-07", name: "two-auth-methods", want: invalidRequest, send: requests(map[string]func(*request){
			"same":      func(r *request) { r.add("client_secret", secretOf("c1")) },
			"with id":   func(r *request) { r.add("client_id", "c1"); r.add("client_secret", secretOf("c1")) },
			"wrong":     func(r *request) { r.add("client_secret", "wrong") },
			"of others": func(r *request) { r.add("client_id", "c5"); r.add("client_secret", secretOf("c5")) },
		})},
		{id: "B-08", name: "auth-mixup", want: invalidRequest.or(invalidClient), send: requests(map[string]func(*request){
			"known":   func(r *request) { r.add("client_id", "c2") },
			"unknown": func(r *request) { r.add("client_id", "nosuch") },
			"case":    func(r *request) { r.add("client_id", "C1") },
		})},
		{id: "B-09", name: "basic-urlencoding", want: granted, send: requests(map[string]func(*request){
			"form-encoded":     func(r *request) { r.as(special) },
			"in the body":      func(r *request) { r.post(special, secretOf(special)) },
			"encoded too much": func(r *request) { r.plainBasic("%63%31", percentAll(secretOf("c1")), "c1") },
		})},
		{id: "B-09", name: "basic-urlencoding-left-out", want: invalidClient.or(invalidRequest), send: requests(map[string]func(*request){
			"plain":      func(r *request) { r.plainBasic(special, secretOf(special), special) },
			"plain id":   func(r *request) { r.plainBasic(special, url.QueryEscape(secretOf(special)), special) },
			"bare %":     func(r *request) { r.plainBasic("c1", "%", "c1") },
			"twice":      func(r *request) { r.plainBasic("c1", url.QueryEscape(percentAll(secretOf("c1"))), "c1") },
			"CRLF in id": func(r *request) { r.plainBasic("c1%0d%0aX-Injected:1", secretOf("c1"), "c1") },
		})},
		{id: "B-10", name: "basic-garbage", want: invalidClient.or(invalidRequest).or(headerTooLarge), send: authorizations(
			[]string{"Basic !!!"}, []string{"Basic"}, []string{"Basic "}, []string{""}, []string{"Bearer x"}, []string{"Basic =="}, []string{"Basic \x80"},
			[]string{"Basic " + strings.Repeat("QUFB", 250_000)}, []string{"Basic " + strings.Repeat("QUFB", 3_000)},
			[]string{basicOf("c1"), basicOf("c1")}, []string{basicOf("c1"), basicOf("c5")}, []string{basicOf("c1"), ""}, []string{"", basicOf("c1")},
			[]string{"Negotiate " + strings.Repeat("A", 100)}, []string{"DPoP x"}, []string{basicOf("c1") + ", " + basicOf("c5")}, []string{basicOf("c1") + " x"},
			[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("c1"))}, []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(":"+secretOf("c1")))},
		)},
		{id: "B-11", name: "grant-not-allowed", want: unauthorizedClient, send: request1(func(r *request) { r.as("c3") })},
		{id: "B-12", name: "idp-not-allowed-for-client", want: invalidGrant.or(unauthorizedClient), send: request1(func(r *request) { r.as("c2") })},
		{id: "B-12", name: "idp-allowed-for-client", want: granted, send: ordered(map[string]changes{"": {fromB()}}, func(c changes) *request {
			r := exchange(assertion(c...))
			r.as("c2")
			return r
		})},
		{id: "B-13", name: "disabled-client", want: invalidClient, send: request1(func(r *request) { r.as("c4") })},
		{id: "B-16", name: "rotated-secret-overlap", want: granted, send: requests(map[string]func(*request){
			"current":          func(r *request) { r.basic("c1", secretOf("c1")) },
			"previous":         func(r *request) { r.basic("c1", secretOf("c1 previous")) },
			"previous in body": func(r *request) { r.post("c1", secretOf("c1 previous")) },
		})},
	}
}

func basicOf(client string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(client)+":"+url.QueryEscape(secretOf(client))))
}

// authorizations are R0 with other Authorization headers.
func authorizations(lists ...[]string) []variant {
	m := map[string]func(*request){}
	for _, list := range lists {
		name := strings.Join(list, " and ")
		m[name[:min(len(name), 60)]+" of "+strings.Repeat("I", len(list))] = func(r *request) {
			r.header.Del("Authorization")
			for _, v := range list {
				r.header.Add("Authorization", v)
			}
		}
	}
	return requests(m)
}

// secretsInBody are R0 of c1 with other secrets in the body.
func secretsInBody(list ...string) []variant {
	m := map[string]func(*request){}
	for _, s := range list {
		m[url.QueryEscape(s[:min(len(s), 40)])+strings.Repeat("+", min(len(s)/256, 3))] = func(r *request) { r.post("c1", s) }
	}
	return requests(m)
}

func percentAll(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		out.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
	}
	return out.String()
}
