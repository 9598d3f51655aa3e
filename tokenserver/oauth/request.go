package oauth

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantor-dev/grantor/tokenserver/scratch"
)

// Limits of a request.
const (
	// MaxBodyBytes bounds the body of a request.
	MaxBodyBytes = 64 << 10
	// maxParameters bounds the number of parameters.
	maxParameters = 64
)

// ClientAssertionType is the client_assertion_type of a JWT that authenticates a client (RFC 7523 §2.2).
const ClientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// ParamTenantDomain is the one parameter that belongs in the query: it narrows the endpoint to one tenant.
const ParamTenantDomain = "tenantDomain"

// Form holds the parameters of a request's body, each at most once, except resource (RFC 8707 §2) and, in a token exchange,
// audience (RFC 8693 §2.1).
type Form struct {
	parameters []parameter
}

type parameter struct{ name, value string }

// Get returns a parameter. One that was sent without a value counts as omitted (RFC 6749 §3.2).
func (f Form) Get(name string) string {
	for _, p := range f.parameters {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// Resources returns the values of resource, in order, without empty ones (RFC 6749 §3.2, as for Get).
func (f Form) Resources() []string { return f.list("resource") }

// Audiences returns the values of audience in the same way.
func (f Form) Audiences() []string { return f.list("audience") }

func (f Form) list(name string) []string {
	var list []string
	for _, p := range f.parameters {
		if p.name == name && p.value != "" {
			list = append(list, p.value)
		}
	}
	return list
}

// ParseForm reads the parameters of a POST. Only the body counts: net/http's own form handling merges the query into it
// and forgives a missing Content-Type.
func ParseForm(w http.ResponseWriter, r *http.Request) (Form, error) {
	if r.Method != http.MethodPost { // RFC 6749 §3.2
		return Form{}, Refuse(ReasonMethod, nil)
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		return Form{}, err
	}
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return Form{}, Refuse(ReasonContentType, nil)
	}
	if !isForm(types[0]) {
		return Form{}, Refuse(ReasonContentType, nil)
	}
	body, err := readBody(w, r)
	if err != nil {
		return Form{}, err
	}
	return parseBody(body)
}

const formType = "application/x-www-form-urlencoded"

func isForm(contentType string) bool {
	if contentType == formType {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == formType
}

func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	b := scratch.Borrow()
	defer scratch.Return(b)
	if _, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBodyBytes)); err != nil {
		if maxErr := (*http.MaxBytesError)(nil); errors.As(err, &maxErr) {
			return "", Refuse(ReasonBodyTooLarge, nil)
		}
		return "", Refuse(ReasonBodyUnreadable, err)
	}
	return b.String(), nil
}

// parseBody reads application/x-www-form-urlencoded as net/url does, where a semicolon is no separator and so no part of any
// name or value either.
func parseBody(body string) (Form, error) {
	count := strings.Count(body, "&") + 1
	switch {
	case count > maxParameters:
		return Form{}, Refuse(ReasonMalformedForm, errors.New("too many parameters"))
	case strings.Contains(body, ";"):
		return Form{}, Refuse(ReasonMalformedForm, nil)
	}
	f := Form{parameters: make([]parameter, 0, count)}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(rawName)
		value, errValue := url.QueryUnescape(rawValue)
		if errName != nil || errValue != nil {
			return Form{}, Refuse(ReasonMalformedForm, nil)
		}
		f.parameters = append(f.parameters, parameter{name, value})
	}
	if f.repeats() { // RFC 6749 §3.2: "MUST NOT be included more than once"
		return Form{}, Refuse(ReasonRepeatedParameter, nil)
	}
	return f, nil
}

// repeats reports whether there is a parameter twice that may not be. Those of RFC 8707 §2 may, and of RFC 8693 §2.1 for its own
// grant.
func (f Form) repeats() bool {
	for i, p := range f.parameters {
		if p.name == "resource" || p.name == "audience" && f.Get("grant_type") == GrantTypeTokenExchange {
			continue
		}
		if slices.ContainsFunc(f.parameters[:i], func(other parameter) bool { return other.name == p.name }) {
			return true
		}
	}
	return false
}

// checkQuery refuses parameters of the token request in the URL, where proxies and logs keep them (RFC 6749 §2.3.1,
// §3.2). What the endpoint does not know is ignored, there as in the body.
func checkQuery(rawQuery string) error {
	if rawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Refuse(ReasonParameterInQuery, nil)
	}
	for name := range values {
		switch strings.ToLower(name) {
		case "grant_type", "assertion", "scope", "resource", "client_id", "client_secret", "client_assertion",
			"client_assertion_type", "refresh_token", "subject_token", "subject_token_type", "actor_token", "actor_token_type",
			"requested_token_type", "audience", "token":
			return Refuse(ReasonParameterInQuery, nil)
		}
	}
	return nil
}

// Tenant returns the tenant that the URL narrows the request to, or empty.
func Tenant(u *url.URL) (string, error) {
	if u.RawQuery == "" {
		return "", nil
	}
	v, ok := u.Query()[ParamTenantDomain]
	switch {
	case !ok:
		return "", nil
	case len(v) != 1 || v[0] == "":
		return "", Refuse(ReasonMalformedTenant, nil)
	}
	return v[0], nil
}

// ParseScope reads the parameter scope (RFC 6749 §3.3): scope tokens separated by single spaces, without repetition in
// the result. Empty means that the parameter was omitted.
func ParseScope(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	scopes := make([]string, 0, min(strings.Count(s, " ")+1, 16))
	seen := map[string]bool{}
	for token := range strings.SplitSeq(s, " ") {
		if !isScopeToken(token) {
			return nil, Refuse(ReasonMalformedScope, nil)
		}
		if !seen[token] {
			seen[token] = true
			scopes = append(scopes, token)
		}
	}
	return scopes, nil
}

// maxScopeTokenBytes is the longest scope token that the API admits.
const maxScopeTokenBytes = 128

func isScopeToken(s string) bool {
	if s == "" || len(s) > maxScopeTokenBytes {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
