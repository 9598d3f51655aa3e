package policy

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/claimrules"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// W-70: a provider with a prefix of its own answers for what its subjects mean, but cannot speak for others.
func TestSubjectPrefix(t *testing.T) {
	const reserved, tooLong = oauth.ReasonSubjectReserved, oauth.ReasonSubjectTooLong
	for name, tc := range map[string]struct {
		prefix, subject string
		want            string
		reason          oauth.Reason
	}{
		"default":                              {"team-a/idp:", "alice", "team-a/idp:alice", ""},
		"default, whatever the subject is":     {"team-a/idp:", "team-b/idp:alice", "team-a/idp:team-b/idp:alice", ""},
		"none":                                 {"", "alice", "alice", ""},
		"other":                                {"partner|", "alice", "partner|alice", ""},
		"none, SPIFFE ID":                      {"", "spiffe://example.org/ns/a/sa/b", "spiffe://example.org/ns/a/sa/b", ""},
		"none, ServiceAccount":                 {"", "system:serviceaccount:a:b", "system:serviceaccount:a:b", ""},
		"none, repository":                     {"", "repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main", ""},
		"none, URL":                            {"", "https://example.com/a:b", "https://example.com/a:b", ""},
		"none, form of the default":            {"", "team-a/idp:alice", "", reserved},
		"none, form of another's default":      {"", "team-b/their.idp:alice", "", reserved},
		"none, form of the default, no more":   {"", "a/b:", "", reserved},
		"none, no colon":                       {"", "team-a/idp", "team-a/idp", ""},
		"none, no slash":                       {"", "team-a:idp", "team-a:idp", ""},
		"none, colon before the slash":         {"", "team-a:x/idp:y", "team-a:x/idp:y", ""},
		"none, two slashes":                    {"", "team-a/idp/x:alice", "team-a/idp/x:alice", ""},
		"none, capitals":                       {"", "Team-a/idp:alice", "Team-a/idp:alice", ""},
		"none, capitals in the name":           {"", "team-a/Idp:alice", "team-a/Idp:alice", ""},
		"none, dot in the namespace":           {"", "team.a/idp:alice", "team.a/idp:alice", ""},
		"none, no namespace":                   {"", "/idp:alice", "/idp:alice", ""},
		"none, no name":                        {"", "team-a/:alice", "team-a/:alice", ""},
		"none, hyphen first":                   {"", "-a/idp:alice", "-a/idp:alice", ""},
		"none, hyphen last":                    {"", "a-/idp:alice", "a-/idp:alice", ""},
		"none, dot last in the name":           {"", "a/idp.:alice", "a/idp.:alice", ""},
		"none, other letters":                  {"", "a/ídp:alice", "a/ídp:alice", ""},
		"prefix and subject make the form":     {"team-b/", "idp:alice", "", reserved},
		"prefix makes the form with a subject": {"team-b", "/idp:alice", "", reserved},
		"default of another provider":          {"team-b/idp:", "alice", "", reserved},
		"part of the default":                  {"team-a/idp", "alice", "team-a/idpalice", ""},
		"id of the client":                     {"", "app", "", reserved},
		"prefix and subject make its id":       {"a", "pp", "", reserved},
		"id of the client in capitals":         {"", "App", "App", ""},
		"id of the client, longer":             {"", "app2", "app2", ""},
		"id of the client under the default":   {"team-a/idp:", "app", "team-a/idp:app", ""},
		"longest":                              {strings.Repeat("p", 519), strings.Repeat("s", 505), strings.Repeat("p", 519) + strings.Repeat("s", 505), ""},
		"too long":                             {strings.Repeat("p", 520), strings.Repeat("s", 505), "", tooLong},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.provider.SubjectPrefix, f.subject = tc.prefix, tc.subject
			d, err := f.authorize(t, Request{})
			if reasonOf(err) != tc.reason || d.Subject() != tc.want {
				t.Errorf("subject is %q for %q, want %q for %q", d.Subject(), reasonOf(err), tc.want, tc.reason)
			}
		})
	}
}

// W-36: a subject that an expression makes takes the place of sub, and is held to the same.
func TestSubjectOfRules(t *testing.T) {
	compiler := must(claimrules.NewCompiler())
	for name, tc := range map[string]struct {
		expression, prefix string
		want               string
		reason             oauth.Reason
	}{
		"under the default":            {"'u-' + claims.sub", "team-a/idp:", "team-a/idp:u-alice", ""},
		"without prefix":               {"'u-' + claims.sub", "", "u-alice", ""},
		"none":                         {"", "", "alice", ""},
		"W-70 in the name of another":  {"'team-b/idp:' + claims.sub", "", "", oauth.ReasonSubjectReserved},
		"W-70 another, below a prefix": {"'team-b/idp:' + claims.sub", "x|", "x|team-b/idp:alice", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.provider.SubjectPrefix = tc.prefix
			f.provider.Rules = must(compiler.Compile(claimrules.Rules{
				Subject: tc.expression, Mappings: []claimrules.Mapping{{Claim: "team", Expression: `["a"]`}},
			}))
			d, err := f.authorize(t, Request{})
			if reasonOf(err) != tc.reason || d.Subject() != tc.want {
				t.Errorf("subject is %q for %q, want %q for %q", d.Subject(), reasonOf(err), tc.want, tc.reason)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff([]claimrules.Claim{{Name: "team", Value: []byte(`["a"]`)}}, d.MappedClaims()); diff != "" {
				t.Errorf("mapped claims (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzSubject: what begins like the default prefix of any provider is only ever that of the provider itself.
func FuzzSubject(f *testing.F) {
	form := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?:`)
	for _, s := range []string{"", "alice", "a/b:c", "a/b.c-d:", "-a/b:c", "a/b-:c", "a/.b:c", "a//b:c", "a/b", "A/b:c", "a/b\n:c", "aé/b:c"} {
		f.Add("", s)
		f.Add(s, "x")
		f.Add("team-a/idp:", s)
	}
	f.Fuzz(func(t *testing.T, prefix, subject string) {
		c := &trust.Client{ID: "a/b:c"}
		p := &trust.Provider{Key: trust.ObjectKey{Namespace: "team-a", Name: "idp"}, SubjectPrefix: prefix}
		got, err := mapSubject(c, p, subject)
		switch whole := prefix + subject; {
		case len(whole) > maxSubjectBytes:
			if reasonOf(err) != oauth.ReasonSubjectTooLong {
				t.Fatalf("%d bytes are refused for %q", len(whole), reasonOf(err))
			}
		case prefix != "team-a/idp:" && form.MatchString(whole):
			if reasonOf(err) != oauth.ReasonSubjectReserved {
				t.Fatalf("%q gives %q for %q", whole, got, reasonOf(err))
			}
		case err != nil || got != whole:
			t.Fatalf("%q gives %q, %v", whole, got, err)
		}
	})
}
