package claimrules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadsClaim: want are the claims, of the letters a to e, that a rule counts for.
func TestReadsClaim(t *testing.T) {
	c := compiler(t)
	for expression, want := range map[string]string{
		`claims.a == "x"`: "a", `claims["a"] == "x"`: "a", `claims.?a.orValue("") == "x"`: "a", `claims[?"a"].orValue("") == "x"`: "a", `claims.a.b == "x"`: "a",
		`claims.a`: "a", `!claims.a`: "a", `claims.a == claims.b`: "ab", `claims.a.startsWith("x")`: "a", `"x" in claims.a`: "a", `claims.a in ["x"]`: "a",
		`claims.a == "x" && claims.b == "y"`: "ab", `claims.a == "x" || claims.b == "y"`: "ab", `claims.a == "x" && true`: "a", `claims.a == "x" || false`: "a",
		`has(claims.a) && claims.b == "y"`: "b", `!has(claims.a) || claims.a == "y"`: "a", `has(claims.a.b)`: "a", `[claims.a] == ["x"]`: "a", `{"k": claims.a} == {"k": "x"}`: "a",
		`claims.a ? claims.b : claims.c`: "abc", `true ? claims.b : claims.c`: "b", `false ? claims.b : claims.c`: "c", `claims.a ? true : false`: "a",
		`size(claims.a) == 2`: "a", `int(claims.a) > 1`: "a", `claims.a.matches("^x")`: "a", `sets.contains(["x"], claims.a)`: "a", `claims.a + claims.b == claims.c`: "abc",
		`claims.a.exists(x, x == "y")`: "a", `claims.a.all(x, x == claims.b)`: "ab", `["x"].exists(x, x == claims.a)`: "a", `claims.a.filter(x, x == "y").size() == 1`: "a",
		`claims.a.exists_one(x, x == "y")`: "a", `claims.a.map(x, x + "z") == ["yz"]`: "a", `claims.?a.optMap(v, v == "x").orValue(false)`: "a", `claims.?a.optMap(v, v + claims.b).orValue("") == ""`: "ab",
		`claims.a.all(x, claims.b.exists(y, x == y))`: "ab", `(claims.a == "x") == (claims.b == "y")`: "ab", `[{"a": "x"}].all(v, v.a == claims.b)`: "b",
		// What cannot depend.
		`true`: "", `1 == 1`: "", `has(claims.a)`: "", `"a" in claims`: "", `claims.?a.hasValue()`: "", `size(claims) > 0`: "", `claims.exists(k, k == "a")`: "", `claims == {"a": "x"}`: "",
		`claims[claims.?b.orValue("a")] == "x"`: "b", `claims.a == "x" || true`: "", `true || claims.a == "x"`: "", `claims.a == "x" && false`: "", `false && claims.a == "x"`: "",
		`!(claims.a == "x" && false)`: "", `claims.a == "x" || 1 == 1`: "", `claims.a == "x" || size("a") == 1`: "", `claims.a == "x" || 2 > 1`: "", `claims.a == "x" || "a" in ["a"]`: "",
		`true ? true : claims.a`: "", `claims.a ? true : true`: "", `size("a") == 1 ? true : claims.a == "x"`: "", `claims.a == claims.a`: "", `claims.a != claims.a`: "", `claims["a"] == claims["a"]`: "",
		`claims.a >= claims.a || claims.b == "x"`: "", `claims.a.startsWith("")`: "", `claims.a.endsWith("") && claims.b.contains("")`: "", `claims.a.matches(".*")`: "", `claims.a.matches("")`: "",
		`claims.a == "x" || has(claims.sub)`: "", `claims.a == "x" || "iss" in claims`: "", `claims.a == "x" || claims.?exp.hasValue()`: "", `has(claims.a) || !has(claims.a)`: "",
		`claims.a.all(x, true)`: "", `[].all(x, claims.a == x)`: "", `[claims.a].size() == [claims.a].size()`: "", `[{"a": "x"}].all(claims, claims.a == "x")`: "", `claims.a.all(x, x == x)`: "",
		`claims.a.map(x, x) == claims.a.map(x, x)`: "a", // written alike, but a macro
	} {
		t.Run(expression, func(t *testing.T) {
			p, err := c.Compile(rule(expression))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, name := range []string{"a", "b", "c", "d", "e", "sub", "iss", "exp", "x", "k", ""} {
				if p.ReadsClaim(name) {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, strings.Join(got, "")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadsClaimOfRulesOnly(t *testing.T) {
	p := compile(t, Rules{
		Validations: []Validation{{Claim: "a", RequiredValue: "x"}, {Expression: "claims.b == 1"}, {Expression: "claims.c == 1"}},
		Subject:     "claims.d", Mappings: []Mapping{{"e", "claims.e"}},
	})
	for name, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "e": false} {
		if p.ReadsClaim(name) != want {
			t.Errorf("ReadsClaim(%s) = %t", name, !want)
		}
		if p.SubjectReadsClaim(name) != (name == "d") {
			t.Errorf("SubjectReadsClaim(%s) = %t", name, name != "d")
		}
	}
}

func TestSubjectReadsClaim(t *testing.T) {
	for expression, want := range map[string]bool{
		`claims.a`: true, `claims.a + ":" + claims.b`: true, `claims.b + claims["a"]`: true, `has(claims.a) ? claims.a : claims.b`: true,
		`claims.b`: false, `has(claims.a) ? claims.b : "c"`: false, `"a"`: false,
	} {
		if got := compile(t, Rules{Subject: expression}).SubjectReadsClaim("a"); got != want {
			t.Errorf("%s: %t, want %t", expression, got, want)
		}
	}
	var none *Program
	if none.SubjectReadsClaim("a") {
		t.Error("without rules, the subject reads a claim")
	}
}
