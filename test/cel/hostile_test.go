package cel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// manyItems is more than any list takes. It is not more because each item that is wrong in itself costs the API server
// time that grows with the square of their number; a row of TestWrongValues has 10 000 that are right.
const manyItems = 200

// TestEveryFieldIsBounded gives every field of every spec what no field may accept.
func TestEveryFieldIsBounded(t *testing.T) {
	for _, f := range specFields(t) {
		rows := []wrong{{f.kind, f.example(), int64(7), "must be of type " + f.schema.Type, ""}}
		switch f.schema.Type {
		case "string":
			says, empty := tooLong, notEmpty
			if f.schema.Enum != nil {
				says, empty = "supported values: ", "supported values: "
			}
			if f.schema.Enum != nil || f.schema.MinLength != nil && *f.schema.MinLength > 0 {
				rows = append(rows, wrong{f.kind, f.example(), "", empty, ""})
			}
			rows = append(rows, wrong{f.kind, f.example(), mega, says, ""}, wrong{f.kind, f.example(), []any{"a"}, asString, ""})
		case "array":
			if f.schema.MinItems != nil {
				rows = append(rows, wrong{f.kind, f.example(), []any{}, oneItem, ""})
			}
			rows = append(rows, wrong{f.kind, f.example(), distinct(manyItems), tooMany, ""}, wrong{f.kind, f.example(), []any{nil}, "must be of type ", f.example() + "[0]"})
		case "object":
			if f.schema.XPreserveUnknownFields == nil {
				rows = append(rows, wrong{f.kind, f.example() + ".noSuchField", "x", unknown, f.example() + ".noSuchField"})
			}
		case "boolean":
			rows = append(rows, wrong{f.kind, f.example(), "true", asBool, ""})
		default:
			t.Errorf("%s of %s is a %s: say here what it must not accept", f.path, f.kind, f.schema.Type)
		}
		for _, w := range rows {
			t.Run(w.name(), w.mustBeRefused)
		}
	}
}

// naughty are strings that have broken programs before.
var naughty = []string{
	"undefined", "null", "true", "~", "-", "---", "0", "1E+02", "0x0", "1/0", "NaN", "9223372036854775808", "2026-11-24",
	"\x00", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u00ad", "\u200b", "\u202e\u2066", "\u2028", "\ufeff", "\ufffd", "\U000e0001",
	"Ω≈ç√∫", "１２３", "社會科學院", "🏳\ufe0f\u200d🌈", "Z̮̞̠͙͔ͅ", "ﷺ",
	" ", "\t", "a\r\nb: c", "a\n---\nkind: Secret", "- a", "a: b", "a #b", "'", `"`, `\`, "`", "&a", "*a", "!!binary aGk=", "{{ .Values.issuer }}", "{}", "[]",
	"../../../../etc/passwd", "%2e%2e%2f", "file:///etc/passwd", "C:\\x", "$(touch x)", "${HOME}", "; id", "%s%n%x", "<script>alert(1)</script>",
	"' OR 1=1 --", "http://169.254.169.254/", "javascript:alert(1)", "https://a@b:c", "(a+)+$", "*", "**", "kube-system/default",
}

// TestNaughtyStrings gives every string of every spec what has broken programs before. It must be refused with a
// reason, or kept byte for byte.
func TestNaughtyStrings(t *testing.T) {
	for _, f := range specFields(t) {
		if f.schema.Type != "string" {
			continue
		}
		t.Run(f.kind+"/"+f.path, func(t *testing.T) {
			for _, value := range naughty {
				mustBeRefusedOrKept(t, f, value)
			}
		})
	}
}

func mustBeRefusedOrKept(t *testing.T, f specField, value string) {
	t.Helper()
	complaints, stored := judge(t.Context(), t, with(t, f.kind, f.example(), value))
	if len(complaints) == 0 {
		if got := at(stored, f.example()); got != value {
			t.Errorf("%q was accepted and became %q", value, got)
		}
	}
	if t.Failed() {
		t.Fatalf("the value is %q", value)
	}
}

// TestNull leaves a field out: the API server drops a null where there is no default, and fills in the default where there
// is one.
func TestNull(t *testing.T) {
	for _, f := range specFields(t) {
		if strings.HasSuffix(f.path, "[]") {
			continue
		}
		t.Run(f.kind+"/"+f.path, func(t *testing.T) {
			complaints, stored := judge(t.Context(), t, with(t, f.kind, f.example(), nil))
			absent, without := judge(t.Context(), t, with(t, f.kind, f.example(), unset{}))
			if diff := cmp.Diff(fmt.Sprint(absent), fmt.Sprint(complaints)); diff != "" {
				t.Errorf("null is not judged like an absent field (-absent +null):\n%s", diff)
			}
			if stored != nil {
				if diff := cmp.Diff(at(without, "spec"), at(stored, "spec")); diff != "" {
					t.Errorf("null does not become what an absent field becomes (-absent +null):\n%s", diff)
				}
			}
		})
	}
}

// at returns what stands at a path, or nil.
func at(u *unstructured.Unstructured, path string) any {
	var value any = u.Object
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		switch container := value.(type) {
		case map[string]any:
			value = container[part]
		case []any:
			i := indexOf(part)
			if i >= len(container) {
				return nil
			}
			value = container[i]
		}
	}
	return value
}

// TestPrivateMembersAreNotQuoted: what is refused for being secret is in no answer, which ends up in logs of all sorts.
func TestPrivateMembersAreNotQuoted(t *testing.T) {
	const secret = "c2VjcmV0LWJ5dGVz"
	values := []any{
		secret, strings.Repeat(secret, 1000), []any{secret}, []any{map[string]any{"d": secret}}, map[string]any{}, true,
	}
	for at, kind := range map[string]string{"spec.jwks.keys[0].": provider, privateKeyJWT + ".jwks.keys[0].": oauthClient} {
		for _, member := range refused {
			for _, value := range values {
				t.Run(wrong{kind: kind, at: at + member, value: value}.name(), func(t *testing.T) {
					mustBeRefusedUnquoted(t, with(t, kind, at+member, value), secret)
				})
			}
		}
	}
}

func mustBeRefusedUnquoted(t *testing.T, u *unstructured.Unstructured, secret string) {
	t.Helper()
	complaints, _ := judge(t.Context(), t, u)
	if len(complaints) == 0 {
		t.Error("accepted")
	}
	for _, c := range complaints {
		if strings.Contains(c.message, secret) {
			t.Errorf("quoted: %.300s", c.message)
		}
	}
}

// TestWholePrivateKeyGetsOneAnswer: a key with all its private members is one mistake.
func TestWholePrivateKeyGetsOneAnswer(t *testing.T) {
	u := full(t, provider, "spec.jwks")
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		set(t, u, "spec.jwks.keys[0]."+member, "cHJpdmF0ZQ")
	}
	set(t, u, "spec.jwks.keys[0].oth", []any{map[string]any{"r": "cg", "d": "ZA", "t": "dA"}})
	complaints, _ := judge(t.Context(), t, u)
	if len(complaints) != 1 || complaints[0].field != "spec.jwks.keys[0].d" {
		t.Errorf("got %v, want one complaint about d", complaints)
	}
}
