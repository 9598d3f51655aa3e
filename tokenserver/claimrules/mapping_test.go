package claimrules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMapping: want is the JSON text, "-" for a claim that is left out, or the reason after "!".
func TestMapping(t *testing.T) {
	c := compiler(t)
	for expression, want := range map[string]string{
		`claims.env`: `"prod"`, `claims.count`: `3`, `claims.whole`: `3`, `claims.half`: `0.5`, `claims.big`: `9007199254740993`, `claims.yes`: `true`,
		`claims.groups`: `["dev","ops"]`, `claims.roles`: `{"a":2,"m":3,"z":1}`, `claims.nested`: `{"a":{"b":"c"}}`, `claims.roles.map(k, k)`: `["z","a","m"]`,
		`{"b": [1, 2], "a": [3]}`: `{"a":[3],"b":[1,2]}`, `{"b": 1, "a": 2}.map(k, k)`: `["a","b"]`, `18446744073709551615u`: `18446744073709551615`, `-9223372036854775807 - 1`: `-9223372036854775808`,
		`"<&\" \u2028é"`: "\"<&\\\" \u2028é\"", `[]`: `[]`, `{}`: `{}`, `""`: `""`, `claims.empty`: `""`, `[null]`: `[null]`, `1e21`: `1e+21`,
		// Left out.
		`null`: "-", `claims.none`: "-", `claims.?nope`: "-", `optional.of(null)`: "-", `claims.?nope.?x`: "-", `claims.?env`: `"prod"`,
		// Refused.
		`dyn(b"x")`: "!" + notJSON, `dyn(duration("1s"))`: "!" + notJSON, `dyn(timestamp(0))`: "!" + notJSON, `dyn(int)`: "!" + notJSON, `[b"x"]`: "!" + notJSON,
		`[optional.of(1)]`: "!" + notJSON, `optional.of(optional.of(1))`: "!" + notJSON, `{1: 2}`: "!" + notJSON, `{"a": b"x"}`: "!" + notJSON, `0.0 / 0.0`: "!" + notJSON, `1.0 / 0.0`: "!" + notJSON, `-1.0 / 0.0`: "!" + notJSON,
		`claims.nope`:       "!there is no member nope; test it with has() or select it with .?",
		`lists.range(2000)`: "!" + tooLarge, `claims.sub.replace("", claims.sub).replace("", claims.sub)`: "!" + tooLarge, `{"a".replace("a", "` + strings.Repeat("x", 1200) + `").replace("x", "yyyy"): 1}`: "!" + tooLarge,
	} {
		t.Run(expression, func(t *testing.T) {
			p, err := c.Compile(mapped(expression))
			if err != nil {
				t.Fatalf("Compile: %v", err)
			}
			result, err := p.Evaluate(t.Context(), []byte(payload))
			if reason, refused := strings.CutPrefix(want, "!"); refused {
				if got := evaluationReason(t, err); got != reason {
					t.Errorf("reason %q, want %q", got, reason)
				}
				return
			}
			if got := onlyValue(result); err != nil || got != want {
				t.Errorf("value %s, %v, want %s", got, err, want)
			}
		})
	}
}

func onlyValue(r Result) string {
	if len(r.Claims) == 1 && r.Claims[0].Name == "out" {
		return string(r.Claims[0].Value)
	}
	return "-"
}

func TestMappingLimits(t *testing.T) {
	text := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for name, tc := range map[string]struct {
		sizes  []int
		reason string
	}{
		"largest value":  {[]int{MaxValueBytes}, ""},
		"value":          {[]int{MaxValueBytes + 1}, tooLarge},
		"largest values": {[]int{MaxValueBytes, MaxValueBytes, MaxValueBytes, MaxValueBytes - 200, 200}, ""},
		"values":         {[]int{MaxValueBytes, MaxValueBytes, MaxValueBytes, MaxValueBytes - 200, 201}, tooLargeTotal},
	} {
		t.Run(name, func(t *testing.T) {
			p := compile(t, Rules{Mappings: textsOf(tc.sizes)})
			result, err := p.Evaluate(t.Context(), []byte(`{}`))
			if tc.reason != "" {
				if got := evaluationReason(t, err); got != tc.reason {
					t.Errorf("reason %q, want %q", got, tc.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, claim := range result.Claims {
				if string(claim.Value) != text(tc.sizes[i]) {
					t.Errorf("claim %d has %d bytes", i, len(claim.Value))
				}
			}
		})
	}
}

// A claims set with a mapped claim is as deep as one that is read, and no deeper.
func TestMappingDepth(t *testing.T) {
	deepest := []byte(`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "}")
	if _, err := compile(t, mapped(`claims.a`)).Evaluate(t.Context(), deepest); err != nil {
		t.Error(err)
	}
	_, err := compile(t, mapped(`[claims.a]`)).Evaluate(t.Context(), deepest)
	if got := evaluationReason(t, err); got != tooDeep {
		t.Errorf("reason %q, want %q", got, tooDeep)
	}
}

// textsOf returns mappings whose values have so many bytes, quotes included.
func textsOf(sizes []int) []Mapping {
	var list []Mapping
	for i, n := range sizes {
		n -= 2
		list = append(list, Mapping{string(rune('a' + i)), `"` + strings.Repeat("x", n/4) + `".replace("x", "xxxx") + "` + strings.Repeat("x", n%4) + `"`})
	}
	return list
}

func TestSubject(t *testing.T) {
	c := compiler(t)
	for name, tc := range map[string]struct{ expression, want string }{
		"claim":             {`claims.env`, "prod"},
		"made":              {`claims.iss + "#" + claims.env`, "https://idp.example.com#prod"},
		"inner space":       {`claims["two words"] + " y"`, "x y"},
		"longest":           {`"` + strings.Repeat("x", 512) + `"`, strings.Repeat("x", 512)},
		"too long":          {`"` + strings.Repeat("x", 513) + `"`, ""},
		"empty":             {`claims.empty`, ""},
		"space before":      {`" x"`, ""},
		"space after":       {`"x\u00a0"`, ""},
		"newline":           {`"x\ny"`, ""},
		"NUL":               {`"x\u0000y"`, ""},
		"C1":                {`"x\u0085y"`, ""},
		"number":            {`claims.count`, ""},
		"null":              {`claims.none`, ""},
		"list":              {`claims.aud`, ""},
		"optional":          {`dyn(claims.?env)`, ""},
		"of a dyn":          {`claims.?nope.orValue("d")`, "d"},
		"verified mail":     {`claims.email_verified == true ? claims.email : ""`, "alice@example.com"},
		"first of the list": {`claims.groups[0]`, "dev"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := c.Compile(Rules{Subject: tc.expression})
			if err != nil {
				t.Fatal(err)
			}
			result, err := p.Evaluate(t.Context(), []byte(payload))
			if tc.want == "" {
				if got := evaluationReason(t, err); got != notSubject {
					t.Errorf("reason %q, want %q", got, notSubject)
				}
				return
			}
			if diff := cmp.Diff(Result{Subject: tc.want}, result); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// TestResultIsDeterministic: Go's maps are visited in another order each time.
func TestResultIsDeterministic(t *testing.T) {
	p := compile(t, Rules{
		Subject: `claims.roles.map(k, k).join("") + {"c": 1, "b": 1, "a": 1, "d": 1}.map(k, k).join("")`,
		Mappings: []Mapping{
			{"a", `claims`}, {"b", `{"c": {"y": 1, "x": 2}, "b": {}, "a": {}, "d": {}}`}, {"c", `"%s".format([claims.roles])`}, {"d", `string(claims.roles.map(k, claims.roles[k])[0])`},
		},
		Validations: []Validation{{Expression: "claims.email_verified"}},
	})
	first, err := p.Evaluate(t.Context(), []byte(payload))
	if err != nil || first.Subject != "zamabcd" || string(first.Claims[3].Value) != `"1"` {
		t.Fatalf("%v %s", err, first.Subject)
	}
	for range 50 {
		again, err := p.Evaluate(t.Context(), []byte(payload))
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	}
}

// TestErrorsHoldNoClaims: what is in the payload and not in the rules is in no error.
func TestErrorsHoldNoClaims(t *testing.T) {
	c := compiler(t)
	for _, expression := range []string{
		`claims[claims.s]`, `claims.m[claims.s]`, `int(claims.s)`, `timestamp(claims.s)`, `duration(claims.s)`, `[1][int(claims.n)]`, `timestamp(0).getHours(claims.s)`,
		`claims.s.substring(claims.n)`, `base64.decode(claims.s)`, `claims.s.format([])`, `"%d".format([claims.s])`, `claims.s + 1`, `claims.s`, `claims[claims.s]["a"]`, `{"a": 1}[claims.s]`,
		`bool(claims.s)`, `claims.s.charAt(claims.n)`, `regex.replace(claims.s, "s", claims.s)`, `lists.range(claims.n)`, `claims.s == "x"`,
	} {
		p, err := c.Compile(rule("dyn(" + expression + ")"))
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		_, err = p.Evaluate(t.Context(), []byte(`{"s":"secret\\q","n":777777777,"m":{}}`))
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "777") {
			t.Errorf("%s: error %v", expression, err)
		}
	}
}
