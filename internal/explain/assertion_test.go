package explain

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/oauth"
)

// Each reason is found by its check, and said how to be mended.
func TestReasons(t *testing.T) {
	for _, tc := range refusals() {
		reason := tc.reason
		t.Run(string(reason), func(t *testing.T) {
			r := newAttempt(tc.change).explain(t)
			if r.Reason != reason || (r.Verdict == Accepted) != (reason == "") || (r.Granted != nil) != (reason == "") {
				t.Fatalf("%s for %q: %+v", r.Verdict, r.Reason, r.Failures())
			}
			if reason == "" {
				return
			}
			i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.State == Failed && c.ID == tc.check })
			if i < 0 {
				t.Fatalf("failed are %+v, want %s", r.Failures(), tc.check)
			}
			expectExplained(t, r.Checks[i], tc)
		})
	}
}

func expectExplained(t *testing.T, c Check, want refusal) {
	t.Helper()
	if c.Reason != want.reason {
		t.Errorf("%s fails for %q", c.ID, c.Reason)
	}
	if c.Meaning == "" || c.Cause == "" || strings.ContainsAny(c.Meaning+c.Cause, "`[") {
		t.Errorf("it means %q, for %q", c.Meaning, c.Cause)
	}
	if c.Fix == "" || !strings.Contains(c.Fix, want.fix) {
		t.Errorf("fix = %q, want one with %q", c.Fix, want.fix)
	}
}

// notOfAssertions are the reasons for which no assertion is refused, by why that is so.
func notOfAssertions(name string) bool {
	for _, prefix := range []string{"ReasonRefreshToken", "ReasonToken", "ReasonMissingRefreshToken"} { // other tokens
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains(strings.Fields(`
		ReasonMethod ReasonContentType ReasonBodyUnreadable ReasonMalformedForm ReasonRepeatedParameter ReasonParameterInQuery
		ReasonMissingGrantType ReasonUnknownGrantType ReasonTwoMethods ReasonMalformedTenant ReasonTenantMismatch
		ReasonTwoAuthorizations ReasonClientIDMismatch ReasonMissingClientAssertion ReasonMissingClientAssertionType
		ReasonUnknownClientAssertionType ReasonNoCredentials ReasonMalformedBasic
		ReasonMissingSubjectToken ReasonMissingSubjectTokenType ReasonIncompleteActorToken ReasonUnknownTokenType
		ReasonUnknownRequestedTokenType ReasonActorNotAllowed
		ReasonClientIDReserved ReasonMissingToken ReasonPublicIntrospection ReasonScopeNotGranted ReasonTargetNotGranted
		ReasonOtherTenant ReasonWrongSecret ReasonOtherMethod ReasonTooManyFailures ReasonIssuerMismatch ReasonSubjectMismatch
		ReasonReplayed ReasonNotReady ReasonStateUnavailable ReasonNoSigningKey ReasonInternal`), name)
}

// No reason is forgotten: it is in the table of refusals, or no assertion is refused for it.
func TestEveryReasonIsExplained(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../tokenserver/oauth/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	table, seen := refusals(), 0
	explained := func(reason string) bool {
		return slices.ContainsFunc(table, func(r refusal) bool { return r.reason == oauth.Reason(reason) })
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if explained(text) == notOfAssertions(spec.Names[0].Name) {
			t.Errorf("%s is in the table of refusals: %t", spec.Names[0].Name, explained(text))
		}
		return true
	})
	if seen < 80 {
		t.Errorf("only %d reasons found", seen)
	}
}

// All that is wrong is said at once.
func TestAllAtOnce(t *testing.T) {
	a := newAttempt(refusalFor(oauth.ReasonDisabledClient), refusalFor(oauth.ReasonGrantNotAllowed), refusalFor(oauth.ReasonScopeNotAllowed),
		refusalFor(oauth.ReasonTargetNotAllowed))
	expectFailed(t, a.explain(t), "client-enabled", "grant-allowed", "scope", "resource")
	a = newAttempt(refusalFor(oauth.ReasonDisabledClient), refusalFor(oauth.ReasonSignatureInvalid), refusalFor(oauth.ReasonAudienceMismatch),
		refusalFor(oauth.ReasonExpired))
	r := a.explain(t)
	expectFailed(t, r, "client-enabled", "signature", "audience", "expiry")
	for _, c := range r.Checks[len(r.Checks)-5:] {
		if c.State != Skipped {
			t.Errorf("%s of what is not verified is %s", c.ID, c.State)
		}
	}
}

func expectFailed(t *testing.T, r *Report, want ...string) {
	t.Helper()
	var failed []string
	for _, c := range r.Failures() {
		failed = append(failed, c.ID)
	}
	if !slices.Equal(failed, want) {
		t.Errorf("failed are %v, want %v", failed, want)
	}
}

// The signature stands nowhere, whatever becomes of the assertion, nor does anything that was issued to find out.
func TestSignatureIsNeverSaid(t *testing.T) {
	for _, tc := range refusals() {
		reason, a := tc.reason, newAttempt(tc.change)
		text := a.text()
		r, err := Assertion(t.Context(), a.world(t), text, a.options)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(text, ".") {
			if len(part) > 16 && strings.Contains(string(b), part[:16]) {
				t.Errorf("%q: a part of the assertion stands in the report", reason)
			}
		}
		if strings.Contains(string(b), "eyJ") || strings.Contains(string(b), "stands in for") {
			t.Errorf("%q: a token or a secret stands in the report", reason)
		}
	}
}

// What an assertion says cannot control a terminal, nor become a command.
func TestHostileText(t *testing.T) {
	hostile := `"\u001b[2J\u202e';rm -rf ~;'\n- x: \"y\u0085"`
	for _, name := range []string{"iss", "sub", "aud", "jti", "x"} {
		b, err := json.Marshal(newAttempt(claim(name, hostile), header("kid", `"a\u009b31m"`)).explain(t))
		if err != nil {
			t.Fatal(err)
		}
		var r any
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		walk(r, func(s string) { expectHarmless(t, name, s) })
	}
}

func expectHarmless(t *testing.T, name, s string) {
	t.Helper()
	for _, c := range s {
		if c != '\n' && !strconv.IsPrint(c) {
			t.Errorf("%s: %q has %q", name, s, c)
		}
	}
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "kubectl") && strings.Contains(line, "rm -rf") || strings.HasPrefix(line, "- x:") {
			t.Errorf("%s: a claim has become a command or a line of its own: %q", name, s)
		}
	}
}

func walk(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	case map[string]any:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

// Every step of the verification has a title.
func TestTitles(t *testing.T) {
	for _, c := range newAttempt().explain(t).Checks {
		if c.Title == "" || c.ID == "" {
			t.Errorf("check %q has the title %q", c.ID, c.Title)
		}
	}
}

// TestOtherGrants: what is for another grant, or for none, is judged for this one, and that is said; nobody is told to trust the
// token server itself.
func TestOtherGrants(t *testing.T) {
	type seen struct {
		reason oauth.Reason
		notes  int
		advice bool
	}
	own := all(claim("iss", jwttest.Quote(server)), header("typ", `"at+jwt"`))
	stranger := claim("iss", `"https://stranger.example.com"`)
	unknown := func(a *attempt) { a.options.Issuer = "" }
	for name, tc := range map[string]struct {
		change change
		want   seen
	}{
		"assertion":                {all(), seen{}},
		"of a stranger":            {stranger, seen{reason: oauth.ReasonProviderUnknown, advice: true}},
		"access token":             {header("typ", `"at+jwt"`), seen{reason: oauth.ReasonTypeNotAccepted, notes: 1}},
		"access token, in full":    {header("typ", `"application/AT+JWT"`), seen{reason: oauth.ReasonTypeNotAccepted, notes: 1}},
		"access token of stranger": {all(stranger, header("typ", `"at+jwt"`)), seen{reason: oauth.ReasonProviderUnknown, notes: 1}},
		"own access token":         {own, seen{reason: oauth.ReasonSelfIssued, notes: 1}},
		"own, of unknown server":   {all(own, unknown), seen{reason: oauth.ReasonProviderUnknown, notes: 1}},
		"client of another grant": {ofClient(func(c *v1alpha1.OAuthClient) {
			c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTokenExchange}
		}), seen{reason: oauth.ReasonGrantNotAllowed, notes: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newAttempt(tc.change).explain(t)
			got := seen{reason: r.Reason, notes: len(r.Notes)}
			for _, c := range r.Failures() {
				got.advice = got.advice || strings.Contains(c.Fix, "declare it")
			}
			if got != tc.want || r.Grant != oauth.GrantTypeJWTBearer {
				t.Errorf("%+v for %s, notes %q", got, r.Grant, r.Notes)
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil || strings.Count(text.String(), "Note: ") != tc.want.notes {
				t.Errorf("%v: %s", err, &text)
			}
		})
	}
}

// TestStrayCharacters: what cannot be seen in a file is shown, with its place.
func TestStrayCharacters(t *testing.T) {
	for edit, want := range map[string]string{
		"%s": " parts", "\ufeff%s": `, with "\ufeff" at byte 1`, "\xff\xfe%s": `, with "\xff" at byte 1`, " %s": `, with " " at byte 1`,
		"Bearer %s": `, with " " at byte 7`, "%s=": `, with "=" at byte `, `"%s"`: `, with "\"" at byte 1`, "%s\u202e": `, with "\u202e" at byte `,
	} {
		a := newAttempt()
		a.edit = func(text string) string { return strings.Replace(edit, "%s", text, 1) }
		r := a.explain(t)
		i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.ID == "form" })
		if seen := r.Checks[i].Seen; !strings.Contains(seen, want) || edit == "%s" && strings.Contains(seen, "with") {
			t.Errorf("%q: %s", edit, seen)
		}
	}
}
