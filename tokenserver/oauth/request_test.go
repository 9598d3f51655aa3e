package oauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// post returns a request with the given query, Content-Type and body.
func post(query, contentType, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/oauth2/token", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", contentType)
	return r
}

// parse returns the parameters of a form, and the reason if it is refused.
func parse(r *http.Request) (url.Values, Reason) {
	f, err := ParseForm(httptest.NewRecorder(), r)
	return f.asValues(), reasonOf(err)
}

// asValues is the form as net/url has it, nil for none.
func (f Form) asValues() url.Values {
	if f.parameters == nil {
		return nil
	}
	values := url.Values{}
	for _, p := range f.parameters {
		values[p.name] = append(values[p.name], p.value)
	}
	return values
}

func reasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return "no refusal: " + Reason(err.Error())
}

func TestParseForm(t *testing.T) {
	ok := "grant_type=g&assertion=a"
	for name, tc := range map[string]struct {
		r    *http.Request
		want Reason
	}{
		"plain":                               {post("", formType, ok), ""},
		"A-03 no Content-Type":                {without(post("", "", ok), "Content-Type"), ReasonContentType},
		"A-04 JSON":                           {post("", "application/json", `{"grant_type":"g"}`), ReasonContentType},
		"A-05 garbage":                        {post("", "invalid/@@##", ok), ReasonContentType},
		"A-05 script":                         {post("", "</><script>alert(1)</script>", ok), ReasonContentType},
		"A-05 no subtype":                     {post("", "text", ok), ReasonContentType},
		"A-05 brackets":                       {post("", "text/[html]", ok), ReasonContentType},
		"A-05 empty":                          {post("", "", ok), ReasonContentType},
		"A-05 malformed parameter":            {post("", formType+"; charset", ok), ReasonContentType},
		"A-05 two types in one":               {post("", formType+", text/plain", ok), ReasonContentType},
		"A-05 two headers":                    {twice(post("", formType, ok), "Content-Type", formType), ReasonContentType},
		"A-06 multipart":                      {post("", "multipart/form-data; boundary=b", "--b\r\n"), ReasonContentType},
		"A-13 repeated grant_type":            {post("", formType, "grant_type=g&grant_type=client_credentials"), ReasonRepeatedParameter},
		"A-14 repeated scope":                 {post("", formType, "scope=read&scope=admin"), ReasonRepeatedParameter},
		"W-23 repeated with equal value":      {post("", formType, "scope=read&scope=read"), ReasonRepeatedParameter},
		"W-23 repeated unknown":               {post("", formType, "foo=1&foo=2"), ReasonRepeatedParameter},
		"W-23 repeated, once empty":           {post("", formType, "scope=&scope=read"), ReasonRepeatedParameter},
		"W-23 repeated, once without =":       {post("", formType, "scope&scope=read"), ReasonRepeatedParameter},
		"W-23 repeated under an encoded name": {post("", formType, "scope=read&sc%6fpe=admin"), ReasonRepeatedParameter},
		"W-23 repeated resource":              {post("", formType, "resource=a&resource=b&resource=a"), ""},
		"repeated audience":                   {post("", formType, "audience=a&audience=b"), ReasonRepeatedParameter},
		"repeated audience of another grant":  {post("", formType, "grant_type=g&audience=a&audience=b"), ReasonRepeatedParameter},
		"audience of a token exchange":        {post("", formType, "audience=a&audience=b&grant_type="+GrantTypeTokenExchange), ""},
		"repeated audience of two grants":     {post("", formType, "audience=a&audience=b&grant_type=g&grant_type="+GrantTypeTokenExchange), ReasonRepeatedParameter},
		"repeated subject_token":              {post("", formType, "subject_token=a&subject_token=b&grant_type="+GrantTypeTokenExchange), ReasonRepeatedParameter},
		"W-23 names that differ in case":      {post("", formType, "scope=read&Scope=admin"), ""},
		"A-15 bad percent":                    {post("", formType, "grant_type=g&assertion=%zz"), ReasonMalformedForm},
		"A-15 cut percent":                    {post("", formType, "assertion=a%2"), ReasonMalformedForm},
		"A-15 bad percent in a name":          {post("", formType, "%zz=1&grant_type=g"), ReasonMalformedForm},
		"A-16 semicolon":                      {post("", formType, "grant_type=g;assertion=a"), ReasonMalformedForm},
		"A-17 unknown parameter":              {post("", formType, ok+"&foo=bar"), ""},
		"A-18 NUL and control characters":     {post("", formType, "assertion=a%00&scope=read%0d%0aSet-Cookie:x=1"), ""},
		"A-19 charset":                        {post("", formType+"; charset=UTF-8", ok), ""},
		"A-19 type in capitals":               {post("", strings.ToUpper(formType), ok), ""},
		"A-20 GET":                            {method(http.MethodGet, ok), ReasonMethod},
		"A-20 PUT":                            {method(http.MethodPut, ok), ReasonMethod},
		"A-20 method in small letters":        {method("post", ok), ReasonMethod},
		"empty body":                          {post("", formType, ""), ""},
		"body that breaks off":                {unreadable(), ReasonBodyUnreadable},
		"R-03 most parameters":                {post("", formType, strings.Repeat("&", maxParameters-1)), ""},
		"R-03 too many parameters":            {post("", formType, strings.Repeat("&", maxParameters)), ReasonMalformedForm},
	} {
		t.Run(name, func(t *testing.T) {
			values, reason := parse(tc.r)
			if reason != tc.want {
				t.Errorf("reason is %q, want %q", reason, tc.want)
			}
			if reason != "" && values != nil {
				t.Errorf("a refused form has parameters: %v", values)
			}
		})
	}
}

func without(r *http.Request, header string) *http.Request {
	r.Header.Del(header)
	return r
}

func twice(r *http.Request, header, value string) *http.Request {
	r.Header.Add(header, value)
	return r
}

func method(m, body string) *http.Request {
	r := post("", formType, body)
	r.Method = m
	return r
}

func unreadable() *http.Request {
	r := post("", formType, "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("grant_type=g"), brokenReader{}))
	return r
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestParseFormQuery(t *testing.T) {
	for name, tc := range map[string]struct {
		query string
		want  Reason
	}{
		"nothing":                  {"", ""},
		"W-11 tenant":              {"tenantDomain=a", ""},
		"unknown parameter":        {"foo=bar&foo=baz", ""},
		"A-02 grant_type":          {"grant_type=g", ReasonParameterInQuery},
		"A-02 assertion":           {"tenantDomain=a&assertion=x", ReasonParameterInQuery},
		"W-24 client_secret":       {"client_secret=s", ReasonParameterInQuery},
		"W-24 client_id":           {"client_id=c", ReasonParameterInQuery},
		"scope":                    {"scope=read", ReasonParameterInQuery},
		"resource":                 {"resource=r", ReasonParameterInQuery},
		"client_assertion":         {"client_assertion=x", ReasonParameterInQuery},
		"client_assertion_type":    {"client_assertion_type=x", ReasonParameterInQuery},
		"refresh_token":            {"refresh_token=x", ReasonParameterInQuery},
		"subject_token":            {"subject_token=x", ReasonParameterInQuery},
		"actor_token":              {"actor_token=x", ReasonParameterInQuery},
		"token":                    {"token=x", ReasonParameterInQuery},
		"without value":            {"assertion", ReasonParameterInQuery},
		"in capitals":              {"Client_Secret=s", ReasonParameterInQuery},
		"encoded name":             {"client%5fsecret=s", ReasonParameterInQuery},
		"behind a semicolon":       {"a=b;client_secret=s", ReasonParameterInQuery},
		"behind a broken sequence": {"a=%zz&client_secret=s", ReasonParameterInQuery},
		"malformed":                {"a=%zz", ReasonParameterInQuery},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := parse(post(tc.query, formType, "grant_type=g&assertion=a")); got != tc.want {
				t.Errorf("reason is %q, want %q", got, tc.want)
			}
		})
	}
}

// only the body counts.
func TestParseFormKeepsQueryOut(t *testing.T) {
	values, reason := parse(post("foo=query&bar=query", formType, "foo=body"))
	if diff := cmp.Diff(url.Values{"foo": {"body"}}, values); diff != "" || reason != "" {
		t.Errorf("reason %q, parameters (-want +got):\n%s", reason, diff)
	}
}

func TestParseFormBodyLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes   int
		chunked bool
		want    Reason
	}{
		"R-01 at the limit":              {MaxBodyBytes, false, ""},
		"R-01 one over":                  {MaxBodyBytes + 1, false, ReasonBodyTooLarge},
		"R-01 at the limit, chunked":     {MaxBodyBytes, true, ""},
		"R-01 one over, chunked":         {MaxBodyBytes + 1, true, ReasonBodyTooLarge},
		"R-01 a gigabyte, chunked":       {1 << 30, true, ReasonBodyTooLarge},
		"R-01 a gigabyte, with a length": {1 << 30, false, ReasonBodyTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			body := &endless{left: tc.bytes}
			r := post("", formType, "")
			r.Body, r.ContentLength = io.NopCloser(body), int64(tc.bytes)
			if tc.chunked {
				r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
			}
			if _, got := parse(r); got != tc.want {
				t.Errorf("reason is %q, want %q", got, tc.want)
			}
			if body.read > MaxBodyBytes+1 {
				t.Errorf("%d bytes were read of a body that may have %d", body.read, MaxBodyBytes)
			}
		})
	}
}

// endless gives up to left bytes and counts them.
type endless struct{ left, read int }

func (e *endless) Read(b []byte) (int, error) {
	n := min(len(b), e.left)
	for i := range n {
		b[i] = 'a'
	}
	e.left, e.read = e.left-n, e.read+n
	if e.left == 0 {
		return n, io.EOF
	}
	return n, nil
}

func TestFormValues(t *testing.T) {
	f, err := ParseForm(httptest.NewRecorder(), post("", formType, "scope=&assertion=a%2Bb+c&resource=r1&resource=&resource=r2&flag"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"scope": "", "assertion": "a+b c", "flag": "", "Assertion": "", "missing": ""} {
		if got := f.Get(name); got != want {
			t.Errorf("Get(%q) is %q, want %q", name, got, want)
		}
	}
	// RFC 6749 §3.2: "Parameters sent without a value MUST be treated as if they were omitted from the request."
	if diff := cmp.Diff([]string{"r1", "r2"}, f.Resources()); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	if got := (Form{}).Resources(); got != nil {
		t.Errorf("resources of a form without any are %q, want none", got)
	}
}

func TestTenant(t *testing.T) {
	for name, tc := range map[string]struct {
		query, want string
		reason      Reason
	}{
		"none":           {"", "", ""},
		"other query":    {"foo=bar", "", ""},
		"W-11 one":       {"tenantDomain=team-a", "team-a", ""},
		"encoded":        {"tenantDomain=team%2Da", "team-a", ""},
		"empty":          {"tenantDomain=", "", ReasonMalformedTenant},
		"without value":  {"tenantDomain", "", ReasonMalformedTenant},
		"repeated":       {"tenantDomain=a&tenantDomain=a", "", ReasonMalformedTenant},
		"in other case":  {"tenantdomain=a", "", ""},
		"beside another": {"foo=bar&tenantDomain=a", "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Tenant(&url.URL{RawQuery: tc.query})
			if got != tc.want || reasonOf(err) != tc.reason {
				t.Errorf("got %q and reason %q, want %q and %q", got, reasonOf(err), tc.want, tc.reason)
			}
		})
	}
}
