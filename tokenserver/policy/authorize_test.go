package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/tokenserver/assertion"
	"github.com/grantor-dev/grantor/tokenserver/clientauth"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

func TestAuthorizeScopes(t *testing.T) {
	list := func(s ...string) []string { return s }
	for name, tc := range map[string]struct {
		requested        string
		client, provider []string
		want             []string
		reason           oauth.Reason
	}{
		"W-74 all three agree":              {"read write", list("read", "write"), list("read", "write"), list("read", "write"), ""},
		"W-74 in the order of the request":  {"write read", list("read", "write"), nil, list("write", "read"), ""},
		"W-74 client narrows":               {"read write", list("read"), nil, list("read"), ""},
		"W-74 provider narrows":             {"read write", list("read", "write"), list("write"), list("write"), ""},
		"W-74 both narrow to nothing":       {"read write", list("read"), list("write"), nil, oauth.ReasonScopeNotAllowed},
		"W-74 provider cannot widen":        {"admin", list("read"), list("read", "admin"), nil, oauth.ReasonScopeNotAllowed},
		"W-74 provider allows none":         {"read", list("read"), []string{}, nil, oauth.ReasonScopeNotAllowed},
		"W-74 provider without bound":       {"read", list("read"), nil, list("read"), ""},
		"W-26 no request, all of both":      {"", list("read", "write", "admin"), list("admin", "read"), list("read", "admin"), ""},
		"W-26 no request, all of client":    {"", list("read", "write"), nil, list("read", "write"), ""},
		"no request, nothing in common":     {"", list("read"), list("write"), nil, oauth.ReasonScopeNotAllowed},
		"no request, client has none":       {"", nil, nil, nil, ""},
		"no request, neither has":           {"", nil, []string{}, nil, ""},
		"J-01 unknown":                      {"nope", list("read"), nil, nil, oauth.ReasonScopeNotAllowed},
		"J-02 not granted, beside another":  {"read admin", list("read"), nil, list("read"), ""},
		"client has none":                   {"read", nil, nil, nil, oauth.ReasonScopeNotAllowed},
		"J-04 repeated":                     {"read read", list("read"), nil, list("read"), ""},
		"J-04 two spaces":                   {"read  write", list("read", "write"), nil, nil, oauth.ReasonMalformedScope},
		"J-05 quotation mark":               {`"`, list(`"`), nil, nil, oauth.ReasonMalformedScope},
		"compared exactly, case":            {"Read", list("read"), nil, nil, oauth.ReasonScopeNotAllowed},
		"compared exactly, part":            {"read", list("read:all", "reader"), nil, nil, oauth.ReasonScopeNotAllowed},
		"compared exactly, no wildcards":    {"read", list("*"), list("*"), nil, oauth.ReasonScopeNotAllowed},
		"compared exactly, asks a wildcard": {"*", list("read"), nil, nil, oauth.ReasonScopeNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.client.Scopes, f.provider.Scopes = tc.client, tc.provider
			d, err := f.authorize(t, Request{Scope: tc.requested})
			if reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.reason)
			}
			if diff := cmp.Diff(tc.want, d.Scopes()); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuthorizeAudience(t *testing.T) {
	list := func(s ...string) []string { return s }
	a, b := "https://api.example.com/a", "https://api.example.com/b"
	for name, tc := range map[string]struct {
		requested, client []string
		want              []string
		reason            oauth.Reason
	}{
		"default is the server":          {nil, nil, list(server), ""},
		"default is the first":           {nil, list(b, a), list(b), ""},
		"one":                            {list(a), list(b, a), list(a), ""},
		"several, in order":              {list(b, a), list(a, b), list(b, a), ""},
		"repeated":                       {list(a, a), list(a), list(a), ""},
		"the server, if nothing else":    {list(server), nil, list(server), ""},
		"the server is not always there": {list(server), list(a), nil, oauth.ReasonTargetNotAllowed},
		"unknown":                        {list("https://evil.example.com"), list(a), nil, oauth.ReasonTargetNotAllowed},
		"one of two unknown":             {list(a, "https://evil.example.com"), list(a), nil, oauth.ReasonTargetNotAllowed},
		"a path below":                   {list(a + "/x"), list(a), nil, oauth.ReasonTargetNotAllowed},
		"in another case":                {list(strings.ToUpper(a)), list(a), nil, oauth.ReasonTargetNotAllowed},
		"with a slash":                   {list(a + "/"), list(a), nil, oauth.ReasonTargetNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.client.Resources = tc.client
			d, err := f.authorize(t, Request{Resources: tc.requested})
			if reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.reason)
			}
			if diff := cmp.Diff(tc.want, d.Audience()); diff != "" {
				t.Errorf("audience (-want +got):\n%s", diff)
			}
		})
	}
}

// What a decision lists can be added to without changing the store, whose lists others read at the same time.
func TestAudienceIsNotTheStoresOwn(t *testing.T) {
	f := newFixture()
	f.client.Resources = []string{"a", "b"}
	d, err := f.authorize(t, Request{})
	if err != nil {
		t.Fatal(err)
	}
	_ = append(d.Audience(), "evil")
	if diff := cmp.Diff([]string{"a", "b"}, f.client.Resources); diff != "" {
		t.Errorf("the client's resources changed (-want +got):\n%s", diff)
	}
}

func TestAuthorizeExpiry(t *testing.T) {
	at := func(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }
	for name, tc := range map[string]struct {
		token, assertion time.Duration
		cap              bool
		now, want        time.Time
		reason           oauth.Reason
	}{
		"W-73 may outlive the assertion":    {time.Hour, 2 * time.Minute, false, noon, at(3600), ""},
		"G-17 ends with the assertion":      {time.Hour, 2 * time.Minute, true, noon, at(120), ""},
		"G-17 assertion lives longer":       {time.Minute, 2 * time.Minute, true, noon, at(60), ""},
		"G-17 at one second":                {2 * time.Minute, 2 * time.Minute, true, noon, at(120), ""},
		"within a second":                   {time.Minute, 2 * time.Minute, true, at(0.7), at(60), ""},
		"G-17 within its last second":       {time.Hour, 2 * time.Minute, true, at(119.7), at(120), ""},
		"G-17 alive by skew alone":          {time.Hour, 2 * time.Minute, true, at(125), time.Time{}, oauth.ReasonExpired},
		"G-17 at its very end":              {time.Hour, 2 * time.Minute, true, at(120), time.Time{}, oauth.ReasonExpired},
		"alive by skew alone, without cap":  {time.Hour, 2 * time.Minute, false, at(125), at(3725), ""},
		"no lifetime at all":                {0, 2 * time.Minute, false, noon, time.Time{}, oauth.ReasonExpired},
		"G-17 lifetime of less than second": {time.Millisecond, 2 * time.Minute, true, noon, time.Time{}, oauth.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			f.client.AccessTokenLifetime, f.client.CapToAssertion = tc.token, tc.cap
			f.lifetime, f.now = tc.assertion, tc.now
			d, err := f.authorize(t, Request{})
			if reasonOf(err) != tc.reason {
				t.Errorf("reason is %q, want %q", reasonOf(err), tc.reason)
			}
			if !d.ExpiresAt().Equal(tc.want) {
				t.Errorf("expires at %s, want %s", d.ExpiresAt(), tc.want)
			}
		})
	}
}

// What is verified for one client is no good for another: neither in its name nor with its scopes.
func TestAuthorizeForAnotherClient(t *testing.T) {
	f, other := newFixture(), newFixture()
	other.client.Scopes = []string{"admin"}
	client, _ := other.verify(t)
	_, verified := f.verify(t)
	d, err := Authorize(client, verified, Request{}, server, noon)
	if reasonOf(err) != oauth.ReasonInternal || d.Client() != nil {
		t.Errorf("got a decision for %v, reason %q", d.Client(), reasonOf(err))
	}
	if _, err := Authorize(clientauth.Client{}, assertion.Verified{}, Request{}, server, noon); reasonOf(err) != oauth.ReasonInternal {
		t.Errorf("nobody gets %v", err)
	}
}

func TestDecision(t *testing.T) {
	f := newFixture()
	client, verified := f.verify(t)
	d, err := Authorize(client, verified, Request{}, server, noon)
	if err != nil {
		t.Fatal(err)
	}
	once, _ := verified.Once()
	if d.Client() != client.Object() || d.Provider() != verified.Provider() || !slices.Equal(d.Once(), []assertion.Once{once}) {
		t.Error("the decision is about another client or assertion")
	}
}

// W-70: subjects of two providers are never equal, whatever the issuers write into sub: a subject reads back as the
// namespace, the provider and the sub that it was made of.
func TestSubjects(t *testing.T) {
	subs := []string{
		"alice", "a", ":", "/", "a:b", "team-a/idp:alice", "/idp:alice", "idp:alice", ":alice", "b/c:d", "a.b/c", "älice", `"`, "\\", "a b",
		"https://example.com/alice", "-a", strings.Repeat("x", 512),
	}
	seen := map[string]bool{}
	for _, namespace := range []string{"a", "team", "team-a", "team-a-idp"} {
		for _, name := range []string{"a", "idp", "a.idp", "idp-a", "a-idp.b"} {
			for _, sub := range subs {
				f := newFixture()
				f.client.Key.Namespace, f.provider.Key.Namespace, f.provider.Key.Name, f.subject = namespace, namespace, name, sub
				f.provider.SubjectPrefix = f.provider.DefaultSubjectPrefix()
				d, err := f.authorize(t, Request{})
				if err != nil {
					t.Fatalf("%s/%s with sub %q: %v", namespace, name, sub, err)
				}
				if seen[d.Subject()] {
					t.Errorf("two have the subject %q", d.Subject())
				}
				seen[d.Subject()] = true
				gotNamespace, rest, _ := strings.Cut(d.Subject(), "/")
				gotName, gotSub, _ := strings.Cut(rest, ":")
				if gotNamespace != namespace || gotName != name || gotSub != sub {
					t.Errorf("%q reads back as %q, %q, %q", d.Subject(), gotNamespace, gotName, gotSub)
				}
			}
		}
	}
}
