package hostile

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	jwtBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	clientCredentials = "client_credentials"
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
	tokenType         = "urn:ietf:params:oauth:token-type:"
	refreshToken      = "refresh_token"
	formType          = "application/x-www-form-urlencoded"
)

// request is one HTTP request. The zero of every field means what a correct request has.
type request struct {
	method, target string // target is path and query as they are written
	header         http.Header
	params         []param
	// body is text in place of params; stream is one in place of body, sent in chunks.
	body   *string
	stream io.Reader
	// raw is the text of everything, sent as it is.
	raw string
	// assertion and clientID are what a token must fit to.
	assertion, clientID string
}

type param struct{ name, value string }

// r0 is a correct request of c1 with a fresh assertion of A.
func r0() *request { return exchange(assertion()) }

// exchange is a correct request of c1 but for the assertion.
func exchange(text string) *request {
	r := &request{
		method: http.MethodPost, target: "/oauth2/token", header: http.Header{"Content-Type": {formType}},
		params:    []param{{"grant_type", jwtBearer}, {"assertion", text}, {"scope", "read"}},
		assertion: text,
	}
	r.basic("c1", secretOf("c1"))
	return r
}

// basic authenticates with both parts form-encoded (RFC 6749 §2.3.1).
func (r *request) basic(id, secret string) {
	r.plainBasic(url.QueryEscape(id), url.QueryEscape(secret), id)
}

// plainBasic authenticates with the parts as they are.
func (r *request) plainBasic(id, secret, clientID string) {
	r.clientID = clientID
	r.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
}

// as makes it a request of another client.
func (r *request) as(id string) { r.basic(id, secretOf(id)) }

// post authenticates in the body.
func (r *request) post(id, secret string) {
	r.header.Del("Authorization")
	r.clientID = id
	r.params = append(r.params, param{"client_id", id}, param{"client_secret", secret})
}

func (r *request) get(name string) string {
	for _, p := range r.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

func (r *request) set(name, value string) {
	r.drop(name)
	r.add(name, value)
}

func (r *request) add(name, value string) { r.params = append(r.params, param{name, value}) }

func (r *request) drop(name string) {
	r.params = slices.DeleteFunc(r.params, func(p param) bool { return p.name == name })
}

// text is the body as it is written.
func (r *request) text() string {
	if r.body != nil {
		return *r.body
	}
	return encode(r.params)
}

func (r *request) setBody(text string) { r.body = &text }

// encode writes a form, in order.
func encode(params []param) string {
	var parts []string
	for _, p := range params {
		parts = append(parts, url.QueryEscape(p.name)+"="+url.QueryEscape(p.value))
	}
	return strings.Join(parts, "&")
}

// confidential is what of the request must not be logged.
func (r *request) confidential() []string {
	texts := []string{
		r.assertion, r.get("assertion"), r.get("subject_token"), r.get("actor_token"), r.get("client_secret"), r.get("client_assertion"),
		r.get("token"), r.get("refresh_token"),
	}
	for _, a := range r.header.Values("Authorization") {
		_, encoded, _ := strings.Cut(a, " ")
		texts = append(texts, encoded)
		if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			_, secret, _ := strings.Cut(string(plain), ":")
			texts = append(texts, secret)
		}
	}
	return texts
}

// rawRequest is the text of a request whose first line and header lines are as given.
func rawRequest(body string, lines ...string) string {
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}
