package claimrules

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzPayload: whatever the payload, there is a verdict; what is accepted is JSON to encoding/json too.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{payload, `{}`, `{"groups":["a"],"env":"x"}`, `{"groups":{"a":{"a":1,"a":2}}}`, `{"n":1e400}`, `{"groups":[1,null,{"a":[[]]}]}`, `{"groups":"\ud800"}`, `[`, ``} {
		f.Add([]byte(seed))
	}
	p, err := compiler(f).Compile(Rules{
		Validations: []Validation{{Expression: `!has(claims.groups) || claims.groups.all(g, type(g) == string || g == g)`}},
		Mappings:    []Mapping{{"all", `claims`}, {"keys", `claims.map(k, k)`}, {"n", `claims.?n`}, {"env", `"%s".format([claims.?env.orValue(null)])`}},
		Subject:     `claims.?sub.orValue("nobody")`,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := p.Evaluate(t.Context(), data)
		if err != nil {
			if !errors.Is(err, ErrClaims) && !errors.Is(err, ErrEvaluation) && !errors.Is(err, ErrRuleNotSatisfied) {
				t.Fatalf("error %v of no kind", err)
			}
			return
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatalf("accepted %q: %v", data, err)
		}
		if result.Subject == "" || !utf8.ValidString(result.Subject) {
			t.Fatalf("subject %q", result.Subject)
		}
		for _, claim := range result.Claims {
			if !json.Valid(claim.Value) || len(claim.Value) > MaxValueBytes {
				t.Fatalf("claim %s = %q", claim.Name, claim.Value)
			}
		}
	})
}

// FuzzExpression: whatever the expression, it compiles or is refused with a place inside it, and what compiles ends.
func FuzzExpression(f *testing.F) {
	for _, expression := range bombs() {
		f.Add(expression)
	}
	for _, seed := range []string{
		`claims.a == "x" || true`, `claims.?a.optMap(v, v + 1).orValue(0)`, `{"a": [1, 2], ?"b": claims.?c}`, `[?claims.?a]`, "claims\n.a\n== 'ä'", `claims.a.matches("^x")`,
		`type(claims.a) == string`, `dyn(1) + 1u`, `b"x" + b'\xff'`, `has(claims.a.b)`, `claims.a ? 1 : 2`, `r"\d" + "\u00e4"`, `-claims.a % 3`, "`a`", `claims.exists_one(k, k == "a")`, `((((`, `timestamp("x")`,
	} {
		f.Add(seed)
	}
	c := compiler(f)
	claims := []byte(`{"a":[1,2,"x",null,{"b":true}],"s":"aaaa","l":["a","b"],"o":{"o":1},"env":"prod","email_verified":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []Rules{rule(text), mapped(text), {Subject: text}} {
			fuzzRules(t, c, r, claims)
		}
	})
}

func fuzzRules(t *testing.T, c *Compiler, r Rules, claims []byte) {
	t.Helper()
	p, err := c.Compile(r)
	if err != nil {
		var wrong *CompileError
		if p != nil || !errors.As(err, &wrong) || wrong.Line < 0 || (wrong.Line == 0) != (wrong.Column == 0) || wrong.Message == "" {
			t.Fatalf("Compile = %v, %#v", p, err)
		}
		return
	}
	p.ReadsClaim("a")
	result, err := p.Evaluate(t.Context(), claims)
	if err != nil && !errors.Is(err, ErrEvaluation) && !errors.Is(err, ErrRuleNotSatisfied) {
		t.Fatalf("error %v of no kind", err)
	}
	for _, claim := range result.Claims {
		if !json.Valid(claim.Value) {
			t.Fatalf("value %q", claim.Value)
		}
	}
}
