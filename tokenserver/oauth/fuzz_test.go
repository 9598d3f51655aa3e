package oauth

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParseForm: whatever is accepted says the same as url.ParseQuery, which has no error and no repeated parameter.
func FuzzParseForm(f *testing.F) {
	for _, body := range []string{
		"", "grant_type=g&assertion=a", "a=1&a=2", "a=1&%61=2", "resource=a&resource=b", "a;b=c", "a=%zz", "a=%2", "=", "&&",
		"a=%00", "a=b=c", "a", "a&a=", "+=+", "\xff=\xff", strings.Repeat("&", maxParameters), strings.Repeat("a", MaxBodyBytes+1),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		values, reason := parse(post("", formType, body))
		if reason != "" {
			if values != nil {
				t.Fatalf("refused for %s with parameters %v", reason, values)
			}
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil || len(body) > MaxBodyBytes || len(want) > maxParameters {
			t.Fatalf("accepted %q, which url.ParseQuery reads as %d parameters with error %v", body, len(want), err)
		}
		form, err := parseBody(body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, values); diff != "" {
			t.Fatalf("parameters (-want +got):\n%s", diff)
		}
		expectSame(t, form, want)
	})
}

// expectSame: what the form gives is what was sent, and nothing was sent twice that may not be.
func expectSame(t *testing.T, form Form, want url.Values) {
	t.Helper()
	for name, v := range want {
		switch {
		case name == "resource":
			expectList(t, form.Resources(), v)
		case name == "audience" && form.Get("grant_type") == GrantTypeTokenExchange:
			expectList(t, form.Audiences(), v)
		case len(v) != 1:
			t.Fatalf("accepted parameter %q %d times", name, len(v))
		case form.Get(name) != v[0]:
			t.Fatalf("parameter %q is %q, want %q", name, form.Get(name), v[0])
		}
	}
}

// expectList: a parameter that may be repeated keeps what has a value, in order.
func expectList(t *testing.T, got, sent []string) {
	t.Helper()
	if !slices.Equal(got, slices.DeleteFunc(sent, func(s string) bool { return s == "" })) {
		t.Fatalf("got %q of %q", got, sent)
	}
}

// FuzzParseScope: whatever is accepted is unique tokens of the characters of RFC 6749 §3.3 that spell the parameter.
func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"", "read", "read write", "read read", " read", "read ", "a  b", "a\tb", "a\u00a0b", `"`, `\`, "\x7f", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tokens, err := ParseScope(s)
		if err != nil {
			if reasonOf(err) != ReasonMalformedScope || tokens != nil {
				t.Fatalf("refused with %v and tokens %q", err, tokens)
			}
			return
		}
		expectScopeTokens(t, tokens)
		if again, err := ParseScope(strings.Join(tokens, " ")); err != nil || !slices.Equal(again, tokens) {
			t.Fatalf("%q gives %q, which gives %q, %v", s, tokens, again, err)
		}
		if s != "" && !slices.Equal(unique(strings.Split(s, " ")), tokens) {
			t.Fatalf("%q gives %q", s, tokens)
		}
	})
}

func expectScopeTokens(t *testing.T, tokens []string) {
	t.Helper()
	for i, token := range tokens {
		if token == "" || slices.Contains(tokens[:i], token) {
			t.Fatalf("token %q of %q is empty or repeated", token, tokens)
		}
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			t.Fatalf("token %q has characters that RFC 6749 §3.3 forbids", token)
		}
	}
}

func unique(tokens []string) []string {
	var result []string
	for _, token := range tokens {
		if !slices.Contains(result, token) {
			result = append(result, token)
		}
	}
	return result
}
