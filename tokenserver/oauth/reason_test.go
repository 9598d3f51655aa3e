package oauth

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// source is reason.go as a syntax tree: what a list in a test could forget, the source cannot.
func source(t *testing.T) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// reasons returns the constants of type Reason by name.
func reasons(t *testing.T) map[string]Reason {
	t.Helper()
	found := map[string]Reason{}
	ast.Inspect(source(t), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		typ, ok := spec.Type.(*ast.Ident)
		if !ok || typ.Name != "Reason" || len(spec.Names) != 1 || len(spec.Values) != 1 {
			t.Errorf("constant %v is not of the form «Name Reason = \"text\"»", spec.Names)
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Errorf("constant %s is no literal", spec.Names[0].Name)
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = Reason(value)
		return true
	})
	if len(found) < 60 {
		t.Fatalf("found %d reasons in reason.go: the test reads it wrongly", len(found))
	}
	return found
}

// mapped returns how often each name stands in a case clause of Reason.wire.
func mapped(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	ast.Inspect(source(t), func(n ast.Node) bool {
		clause, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		for _, e := range clause.List {
			if name, ok := e.(*ast.Ident); ok {
				found[name.Name]++
			}
		}
		return true
	})
	return found
}

func TestReasons(t *testing.T) {
	cases, values := mapped(t), make(map[Reason]string)
	for name, reason := range reasons(t) {
		t.Run(name, func(t *testing.T) {
			if cases[name] != 1 {
				t.Errorf("%s stands in %d case clauses of wire, want 1", name, cases[name])
			}
			if other, ok := values[reason]; ok {
				t.Errorf("%s and %s are both %q", name, other, reason)
			}
			values[reason] = name
			if strings.Trim(string(reason), "abcdefghijklmnopqrstuvwxyz_") != "" {
				t.Errorf("reason %q is not of lower-case words", reason)
			}
			w := reason.wire()
			if (w.code == ServerError) != (reason == ReasonInternal) {
				t.Errorf("code is %s: only an internal error is the server's", w.code)
			}
			if w.description == "" || strings.ContainsFunc(w.description, notInDescription) {
				t.Errorf("description %q has characters that RFC 6749 §5.2 forbids, or none", w.description)
			}
		})
	}
}

// notInDescription: RFC 6749 §5.2: "MUST NOT include characters outside the set %x20-21 / %x23-5B / %x5D-7E".
func notInDescription(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }

func TestReasonOfNoList(t *testing.T) {
	if w := Reason("made up").wire(); w.code != ServerError || w.description != ReasonInternal.wire().description {
		t.Errorf("an unknown reason becomes %+v, want server_error", w)
	}
}

// What a caller may not tell apart has one text.
func TestReasonsThatLookAlike(t *testing.T) {
	for name, group := range map[string][]Reason{
		"W-82 clients": {
			ReasonNoCredentials, ReasonMalformedBasic, ReasonUnknownClient, ReasonDisabledClient, ReasonOtherTenant,
			ReasonWrongSecret, ReasonNoClientCredentials, ReasonOtherMethod, ReasonUnknownClientAssertionType, ReasonIssuerMismatch,
			ReasonSubjectMismatch, ReasonPublicIntrospection,
		},
		"W-40 providers":  {ReasonSelfIssued, ReasonProviderUnknown, ReasonProviderNotAllowed, ReasonProviderDisabled},
		"Q-04 signatures": {ReasonAlgorithmNotAllowed, ReasonNoMatchingKey, ReasonCertificateValidity, ReasonSignatureInvalid},
		"M-07 refresh tokens": {
			ReasonRefreshTokenMalformed, ReasonRefreshTokenUnknownKey, ReasonRefreshTokenForged, ReasonRefreshTokenOtherClient,
			ReasonRefreshTokenExpired, ReasonRefreshTokenOrigin, ReasonRefreshTokenProviderGone, ReasonRefreshTokenProviderOff,
			ReasonRefreshTokenProviderOther, ReasonRefreshTokenForbidden, ReasonRefreshTokenRulesChanged, ReasonRefreshTokenKeyGone,
			ReasonRefreshTokenReused, ReasonRefreshTokenRevoked, ReasonRefreshTokenBeforeStart,
		},
		"W-81 grants": {ReasonUnknownGrantType, ReasonGrantDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range group {
				if r.wire() != group[0].wire() {
					t.Errorf("%s is %+v, but %s is %+v", r, r.wire(), group[0], group[0].wire())
				}
			}
		})
	}
}

// S-04, W-82: why a client assertion is refused is told apart in the log, never in the answer.
func TestRefuseClient(t *testing.T) {
	cause := errors.New("cause")
	for name, r := range reasons(t) {
		t.Run(name, func(t *testing.T) {
			before := AsError(Refuse(r, cause))
			after := AsError(RefuseClient(before))
			if after.Reason != r || !errors.Is(after, cause) {
				t.Errorf("reason is %q with cause %v, want %q with its cause", after.Reason, after.Unwrap(), r)
			}
			want := wire{before.Code, before.Description}
			if before.Code == InvalidGrant {
				want = ReasonWrongSecret.wire()
			}
			if r == ReasonIssuedBeforeStart { // A later one will be taken.
				want = ReasonStateUnavailable.wire()
			}
			if got := (wire{after.Code, after.Description}); got != want {
				t.Errorf("the caller sees %+v, want %+v", got, want)
			}
		})
	}
	if e := AsError(RefuseClient(cause)); e.Code != ServerError {
		t.Errorf("what is no refusal becomes %s", e.Code)
	}
}

// RFC 8693 §2.2.2: why a token is refused is told apart in the log; the answer says which token it is and is invalid_request.
func TestRefuseToken(t *testing.T) {
	cause := errors.New("cause")
	for name, r := range reasons(t) {
		t.Run(name, func(t *testing.T) {
			before := AsError(Refuse(r, cause))
			after := AsError(RefuseToken("actor_token", before))
			if after.Reason != r || !errors.Is(after, cause) {
				t.Errorf("reason is %q with cause %v, want %q with its cause", after.Reason, after.Unwrap(), r)
			}
			want, parameter := wire{before.Code, before.Description}, ""
			if before.Code == InvalidGrant {
				want, parameter = wire{InvalidRequest, "actor_token: " + before.Description}, "actor_token"
			}
			if got := (wire{after.Code, after.Description}); got != want || after.Parameter != parameter {
				t.Errorf("the caller sees %+v, of %q, want %+v", got, after.Parameter, want)
			}
			if again := AsError(RefuseToken("", after)); *again != *after {
				t.Errorf("refused once more it is %+v", again)
			}
			if plain := AsError(RefuseToken("", before)); plain.Description != before.Description {
				t.Errorf("of no parameter it says %q", plain.Description)
			}
		})
	}
	if e := AsError(RefuseToken("subject_token", cause)); e.Code != ServerError {
		t.Errorf("what is no refusal becomes %s", e.Code)
	}
}

func TestStatus(t *testing.T) {
	want := map[Code]int{
		InvalidRequest: 400, InvalidGrant: 400, UnauthorizedClient: 400, UnsupportedGrantType: 400, InvalidScope: 400,
		InvalidTarget: 400, InvalidClient: 401, SlowDown: 429, TemporarilyUnavailable: 503, ServerError: 500,
	}
	got := make(map[Code]int)
	for _, c := range Codes() {
		got[c] = c.Status()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if s := Code("made_up").Status(); s != http.StatusInternalServerError {
		t.Errorf("an unknown code has status %d, want 500", s)
	}
	for name, r := range reasons(t) {
		if _, ok := want[r.wire().code]; !ok {
			t.Errorf("%s has code %q, which Codes does not list", name, r.wire().code)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New(`secret "cause"`)
	for name, tc := range map[string]struct {
		err    error
		reason Reason
		code   Code
		text   string
	}{
		"refusal":         {Refuse(ReasonExpired, nil), ReasonExpired, InvalidGrant, "expired"},
		"with cause":      {Refuse(ReasonStateUnavailable, cause), ReasonStateUnavailable, TemporarilyUnavailable, `state_unavailable: secret "cause"`},
		"W-85 no refusal": {cause, ReasonInternal, ServerError, `internal: secret "cause"`},
		"nothing":         {nil, ReasonInternal, ServerError, "internal"},
		"wrapped refusal": {errors.Join(cause, Refuse(ReasonExpired, nil)), ReasonExpired, InvalidGrant, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			e := AsError(tc.err)
			if e.Reason != tc.reason || e.Code != tc.code || e.Error() != tc.text {
				t.Errorf("got %s, %s, %q, want %s, %s, %q", e.Reason, e.Code, e.Error(), tc.reason, tc.code, tc.text)
			}
			if want := tc.reason.wire().description; e.Description != want {
				t.Errorf("description is %q, want the constant %q", e.Description, want)
			}
		})
	}
	if !errors.Is(Refuse(ReasonInternal, cause), cause) {
		t.Error("the cause of a refusal cannot be found by errors.Is")
	}
}
