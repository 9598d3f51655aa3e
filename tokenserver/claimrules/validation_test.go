package claimrules

import (
	"errors"
	"testing"
)

const payload = `{"iss":"https://idp.example.com","sub":"repo:acme/app:ref:refs/heads/main","aud":["a","b"],"exp":1780315200,
"env":"prod","count":3,"whole":3.0,"half":0.5,"big":9007199254740993,"minus":-0,"none":null,"yes":true,"empty":"","groups":["dev","ops"],
"nested":{"a":{"b":"c"}},"email":"alice@example.com","email_verified":true,"roles":{"z":1,"a":2,"m":3},"two words":"x","utf":"äö"}`

// TestValidation: want is "" for satisfied, "refused", or the reason why there is no verdict.
func TestValidation(t *testing.T) {
	c := compiler(t)
	const missing, types, failed = "a member or element is missing", "a function or operator does not take values of these types", "a function or operator failed"
	for expression, want := range map[string]string{
		`claims.env == "prod"`: "", `claims.env == "test"`: "refused", `true`: "", `false`: "refused",
		`claims["env"] == "prod"`: "", `claims["two words"] == "x"`: "", `claims.nested.a.b == "c"`: "",
		// Numbers.
		`claims.count == 3`: "", `claims.whole == 3`: "", `claims.count == 3.0`: "", `claims.count < 3.5`: "", `claims.half < 1`: "",
		`type(claims.count) == int`: "", `type(claims.whole) == double`: "", `claims.big == 9007199254740993`: "", `claims.big == 9007199254740992`: "refused",
		`claims.exp - 1780315000 == 200`: "", `claims.count == "3"`: "refused", `claims.minus == 0`: "", `1 < 1.5`: "",
		// Presence and null.
		`has(claims.env)`: "", `has(claims.nope)`: "refused", `has(claims.none)`: "", `claims.none == null`: "", `claims.env == null`: "refused",
		`"env" in claims`: "", `!has(claims.nope) || claims.nope == "x"`: "", `claims.?nope.orValue("d") == "d"`: "", `claims.?env.orValue("d") == "prod"`: "",
		`claims.?nope.or(claims.?env).value() == "prod"`: "", `claims[?"nope"].hasValue()`: "refused", `claims.?nested.?a.?x.orValue("y") == "y"`: "",
		`claims.?env.optMap(e, e + "!").orValue("") == "prod!"`: "", `claims.?env.optFlatMap(e, optional.of(e)).value() == "prod"`: "",
		`claims.nope == "x"`: "there is no member nope; test it with has() or select it with .?", `claims[claims.env] == "x"`: missing,
		`claims.nope == "x" || true`: "", `false && claims.nope == "x"`: "refused", `claims.?nope.value() == 1`: failed,
		// Lists and maps.
		`"dev" in claims.groups`: "", `claims.env in ["prod", "stage"]`: "", `claims.groups.exists(g, g == "ops")`: "", `claims.groups.all(g, g.size() == 3)`: "",
		`claims.groups.exists_one(g, g == "dev")`: "", `claims.groups.filter(g, g != "dev") == ["ops"]`: "", `claims.groups.map(g, g + "x") == ["devx", "opsx"]`: "",
		`claims.groups.map(g, g == "dev", 1) == [1]`: "", `(claims.groups + ["x"]).size() == 3`: "", `claims.groups + claims.aud == ["dev", "ops", "a", "b"]`: "",
		`claims.groups[1] == "ops"`: "", `claims.groups[2] == "x"`: failed, `claims.groups[0] == "ops"`: "refused", `size(claims.groups) == 2 && size(claims.roles) == 3`: "",
		`claims.groups == ["ops", "dev"]`: "refused", `claims.roles == {"a": 2, "m": 3, "z": 1}`: "", `claims.roles.all(k, claims.roles[k] > 0)`: "",
		`claims.roles.map(k, k) == ["z", "a", "m"]`: "", `{"z": 1, "a": 2, "m": 3}.map(k, k) == ["a", "m", "z"]`: "", `{2: "x", 1: "y"}.map(k, k) == [1, 2]`: "",
		`sets.contains(claims.groups, ["ops"])`: "", `sets.intersects(claims.groups, ["x", "dev"])`: "", `sets.equivalent(claims.groups, ["ops", "dev"])`: "",
		`claims.groups.reverse() == ["ops", "dev"]`: "", `[3, 1, 2].sort() == [1, 2, 3]`: "", `["bb", "a"].sortBy(s, s.size()) == ["a", "bb"]`: "",
		`[1, 1, 2].distinct() == [1, 2]`: "", `[[1], [2]].flatten() == [1, 2]`: "", `lists.range(3) == [0, 1, 2]`: "", `[1, 2, 3].slice(1, 2) == [2]`: "",
		`claims.groups.first().value() == "dev" && claims.groups.last().value() == "ops"`: "", `optional.unwrap([claims.?env, claims.?nope]) == ["prod"]`: "",
		// Strings.
		`claims.sub.startsWith("repo:acme/")`: "", `claims.sub.split(":")[1] == "acme/app"`: "", `claims.env.upperAscii() == "PROD"`: "", `claims.groups.join(",") == "dev,ops"`: "",
		`claims.env.replace("p", "b") == "brod"`: "", `claims.env.indexOf("o") == 2`: "", `claims.env.substring(1, 3) == "ro"`: "", `"%s-%d".format([claims.env, claims.count]) == "prod-3"`: "",
		`claims.utf.size() == 2`: "", `claims.env.charAt(0) == "p"`: "", `claims.env.reverse() == "dorp"`: "", `" a ".trim() == "a"`: "", `claims.env.contains("ro")`: "",
		`claims.sub.matches("^repo:acme/[a-z]+:ref:refs/heads/main$")`: "", `claims.sub.matches("^acme")`: "refused", `matches(claims.env, "^p")`: "",
		`regex.extract(claims.sub, "^repo:([^:]+)") == optional.of("acme/app")`: "", `regex.extractAll("a1b2", "[0-9]") == ["1", "2"]`: "", `regex.replace("ab", "(a)", r"\1\1") == "aab"`: "",
		`base64.encode(b"hi") == "aGk=" && base64.decode("aGk=") == b"hi"`: "", `string(claims.count) == "3" && int("4") == 4 && bool("true")`: "", `claims.env + "x" == "prodx"`: "",
		`timestamp(claims.exp).getFullYear() == 2026`: "", `timestamp("2026-01-01T00:00:00Z") < timestamp(claims.exp)`: "", `duration("1h") > duration("1m")`: "", `timestamp(claims.exp).getHours("Europe/Berlin") == 14`: "",
		// What is no bool and what fails.
		`claims.env`: notBool, `claims.none`: notBool, `claims.yes`: "", `claims.count > "a"`: types, `claims.env + 1 == 1`: types, `claims.env.all(x, true)`: failed,
		`claims.count.matches("x")`: types, `claims.count / 0 == 1`: failed, `int(claims.env) == 1`: failed, `claims.none.x == 1`: "there is no member x; test it with has() or select it with .?", `[1][claims.count] == 1`: failed,
		`claims.env.startsWith(claims.count)`: types, `claims.groups.join(claims.count) == ""`: types, `9223372036854775807 + claims.count == 1`: failed,
		`has(claims.env.x)`: "refused", `{claims.half: 1}.size() == 1`: failed, `claims.yes ? claims.env == "prod" : claims.nope`: "", `claims.count ? true : false`: types,
	} {
		t.Run(expression, func(t *testing.T) {
			p, err := c.Compile(rule(expression))
			if err != nil {
				t.Fatalf("Compile: %v", err)
			}
			_, err = p.Evaluate(t.Context(), []byte(payload))
			var refused *RuleError
			switch {
			case want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case want == "refused" && (!errors.As(err, &refused) || !errors.Is(err, ErrRuleNotSatisfied) || refused.Index != 0 || refused.Message != expression):
				t.Errorf("error %v, want the rule", err)
			case want != "" && want != "refused" && evaluationReason(t, err) != want:
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

func TestRequiredValue(t *testing.T) {
	for name, tc := range map[string]struct {
		claim, value string
		ok           bool
	}{
		"equal":      {"env", "prod", true},
		"other":      {"env", "test", false},
		"case":       {"env", "Prod", false},
		"missing":    {"nope", "", false},
		"empty":      {"empty", "", true},
		"number":     {"count", "3", false},
		"bool":       {"yes", "true", false},
		"list":       {"aud", "a", false},
		"null":       {"none", "", false},
		"odd name":   {"two words", "x", true},
		"not a path": {"nested.a.b", "c", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := compile(t, Rules{Validations: []Validation{{Expression: "true"}, {Claim: tc.claim, RequiredValue: tc.value}}})
			_, err := p.Evaluate(t.Context(), []byte(payload))
			var refused *RuleError
			if tc.ok != (err == nil) || !tc.ok && (!errors.As(err, &refused) || refused.Index != 1) {
				t.Errorf("error %v", err)
			}
			if !p.ReadsClaim(tc.claim) {
				t.Error("ReadsClaim = false")
			}
		})
	}
}

func TestMessageAndOrder(t *testing.T) {
	p := compile(t, Rules{
		Validations: []Validation{{Expression: "true"}, {Expression: "claims.env == 'x'", Message: "only x"}, {Expression: "claims.nope"}},
		Subject:     "claims.nope",
	})
	_, err := p.Evaluate(t.Context(), []byte(payload))
	if err == nil || err.Error() != "claimValidationRules[1]: only x" {
		t.Errorf("error %v, want that of the second rule", err)
	}
}

func TestNilProgram(t *testing.T) {
	p, err := compiler(t).Compile(Rules{})
	if p != nil || err != nil {
		t.Fatalf("Compile = %v, %v", p, err)
	}
	if result, err := p.Evaluate(t.Context(), []byte("not JSON")); err != nil || result.Subject != "" || p.ReadsClaim("sub") {
		t.Errorf("Evaluate = %v, %v", result, err)
	}
}
