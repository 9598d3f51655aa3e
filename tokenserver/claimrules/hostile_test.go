package claimrules

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// worst is the time that one Evaluate may take, whatever the rules and the payload: 20 ms on an idle core. What
// TestCostBombs measures there is 1 to 10 ms. It allows five times as much, since other tests run beside it; a bomb that
// is not charged for takes seconds at least.
const worst = 5 * 20 * time.Millisecond * slowdown

const costExceeded = "the cost limit is exceeded; make the expression simpler"

// bombs are expressions that are to end at the budget. A string claims.s of 4,000 bytes, a list claims.a of 3,000
// numbers, a list claims.l of 500 strings and an object claims.o of 20 levels are at their disposal.
func bombs() map[string]string {
	nest := func(start, step string, times int) string {
		for range times {
			start = strings.ReplaceAll(step, "$", start)
		}
		return start
	}
	double := func(body string) string { return nest("[0]", "[$].map(x, "+body+")[0]", 18) }
	doubleText := nest("claims.s", "[$].map(x, x + x)[0]", 16)
	return map[string]string{
		"two loops":                 `claims.a.all(x, claims.a.all(y, x != y || true))`,
		"three loops":               `claims.a.all(x, claims.a.all(y, claims.a.all(z, x + y + z >= 0)))`,
		"loops that fail":           `claims.a.all(x, claims.a.all(y, claims.a.all(z, x.y.z || true)))`,
		"loops that find nothing":   `claims.a.exists(x, claims.a.exists(y, claims.a.exists(z, x + y + z < 0)))`,
		"error absorbed":            `claims.a.all(x, claims.a.all(y, claims.a.all(z, x == y))) || true`,
		"absorbed by exists":        `[1, 2].exists(w, claims.a.all(x, claims.a.all(y, x + y >= 0)) || true)`,
		"cheap body":                `lists.range(30000).all(x, true)`,
		"long path in a loop":       `claims.a.all(x, claims.o` + strings.Repeat(".o", 15) + `.o == 1 || claims.a.all(y, true ? claims.o` + strings.Repeat(`["o"]`, 15) + ` != 1 : true))`,
		"filter":                    `claims.a.filter(x, claims.a.filter(y, false) == [x]).size() > 0`,
		"nested map":                `claims.a.map(x, claims.a.map(y, [x, y])).size() > 0`,
		"lists double":              double("x + x") + `.size() > 0`,
		"lists double, contains":    `1 in ` + double("x + x"),
		"lists double, equal":       double("x + x") + ` == ` + `[1]`,
		"lists shared":              double("[x, x]") + ` == ` + double("[x, x]"),
		"lists shared, in":          `[` + double("[x, x]") + `] in [[` + double("[x, x]") + `]]`,
		"maps shared":               nest("{'a': 0}", "[$].map(x, {'a': dyn(x), 'b': dyn(x)})[0]", 16) + ` == ` + nest("{'a': 0}", "[$].map(x, {'a': dyn(x), 'b': dyn(x)})[0]", 16),
		"lists shared, format":      `"%s".format([` + double("[x, x]") + `]) == ""`,
		"text doubles":              doubleText + ` == ""`,
		"text doubles, reverse":     nest("claims.s", "[$.reverse()].map(x, x + x)[0]", 12) + ` == ""`,
		"range":                     `lists.range(9223372036854775807).size() > 0`,
		"range of the limit":        `lists.range(49990).map(x, x).size() > 0`,
		"ranges":                    `[1, 2, 3].all(x, lists.range(20000).size() > x)`,
		"replace empty":             `claims.s.replace("", claims.s) == ""`,
		"replace each":              `claims.s.replace("a", claims.s).replace("a", claims.s) == ""`,
		"replace some":              `claims.s.replace("a", claims.s, 9999) == ""`,
		"join":                      `claims.a.all(x, claims.l.join(claims.s) != "")`,
		"format":                    `claims.l.map(x, claims.s).join("").size() == 0 || "%s%s".format([claims.l.map(x, claims.s), 1]) == ""`,
		"split and join":            `claims.s.split("").map(x, claims.s.split("")).size() > 0`,
		"split in a loop":           `claims.a.all(x, claims.s.split("").size() > 0)`,
		"index of":                  `claims.a.all(x, claims.s.indexOf("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab") < 0)`,
		"last index of":             `claims.s.lastIndexOf(claims.s.substring(2000) + "b") < 0`,
		"runes":                     `claims.a.all(x, claims.s.charAt(1) == "a" && claims.s.substring(1).lowerAscii().trim() != "")`,
		"regex":                     `claims.s.matches("^(a?){200}(a){200}b$")`,
		"regex in a loop":           `claims.a.all(x, claims.s.matches("(x+x+)+y") || true)`,
		"regex of alternatives":     `claims.a.all(x, !claims.s.matches("(a|aa|aaa|aaaa)*b"))`,
		"regex compiled in a loop":  `claims.a.all(x, regex.extract("a", "a{900}").hasValue() || true)`,
		"regex replace":             `regex.replace(claims.s, "", r"\0\0\0` + strings.Repeat("x", 1000) + `") == ""`,
		"regex replace groups":      `regex.replace(claims.s, "(a*)", r"` + strings.Repeat(`\1`, 900) + `") == ""`,
		"regex extract all":         `claims.a.all(x, regex.extractAll(claims.s, "").size() > 0)`,
		"distinct":                  `claims.a.distinct().size() > 0`,
		"distinct lists":            `claims.a.map(x, claims.l).distinct().size() > 0`,
		"sets":                      `sets.equivalent(claims.a, claims.a.reverse())`,
		"sets contain":              `sets.contains(claims.l, claims.l)`,
		"sort in a loop":            `claims.a.all(x, claims.a.sort().size() > 0)`,
		"sort by":                   `claims.a.all(x, claims.a.sortBy(y, -y).size() > 0)`,
		"flatten":                   `claims.a.map(x, claims.a.map(y, y)).flatten().size() > 0`,
		"flatten shared":            double("[x, x]") + `.flatten(50).size() > 0`,
		"reverse in a loop":         `claims.a.all(x, claims.a.reverse().size() > 0)`,
		"slice in a loop":           `claims.a.all(x, claims.a.slice(0, 2999).size() > 0)`,
		"in a list in a loop":       `claims.a.all(x, x in claims.a)`,
		"equal in a loop":           `claims.a.all(x, claims.l == claims.l)`,
		"equal text in a loop":      `claims.a.all(x, claims.s == claims.s + "" && claims.s <= claims.s)`,
		"base64 in a loop":          `claims.a.all(x, base64.encode(bytes(claims.s)) != "")`,
		"time zones":                `claims.a.all(x, timestamp(x).getHours("Europe/Berlin") >= 0)`,
		"unwrap in a loop":          `claims.a.all(x, optional.unwrap(claims.a.map(y, optional.of(y))).size() > 0)`,
		"quote":                     `claims.a.all(x, strings.quote(claims.s) != "")`,
		"add to a list in a loop":   `claims.a.all(x, (claims.a + claims.a).size() > 0)`,
		"size of text in a loop":    `claims.a.all(x, size(claims.s) > 0)`,
		"map literals in a loop":    `claims.a.all(x, claims.a.all(y, {"a": x, "b": y, "c": x, "d": y, "e": x}.all(k, true)))`,
		"values of no JSON":         `string(bytes(` + doubleText + `)) == ""`,
		"optional that is not used": `claims.a.all(x, claims.?nope.or(optional.of(claims.a.map(y, y))).hasValue())`,
	}
}

func bombPayload() []byte { return payloadOf(4000, 3000) }

func payloadOf(text, numbers int) []byte {
	return []byte(`{"s":"` + strings.Repeat("a", text) + `","a":` + list(numbers, "1") + `,"l":` + list(500, `"aaa"`) + `,"o":` +
		strings.Repeat(`{"o":`, 20) + "1" + strings.Repeat("}", 20) + "}")
}

// TestCostBombs: each ends at the budget, in time, and without much memory.
func TestCostBombs(t *testing.T) {
	c, payloads := compiler(t), [][]byte{bombPayload(), payloadOf(10_000, 1500)}
	for name, expression := range bombs() {
		t.Run(name, func(t *testing.T) {
			p, err := c.Compile(rule(expression))
			if err != nil {
				t.Fatalf("Compile: %v", err)
			}
			for _, claims := range payloads {
				explode(t, p, claims)
			}
		})
	}
}

func explode(t *testing.T, p *Program, claims []byte) {
	t.Helper()
	fastest, allocated := time.Hour, uint64(0)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := p.Evaluate(t.Context(), claims)
		fastest = min(fastest, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = after.TotalAlloc - before.TotalAlloc
		if reason := evaluationReason(t, err); reason != costExceeded {
			t.Fatalf("reason %q, want the cost limit", reason)
		}
	}
	t.Logf("%v, %d KiB", fastest, allocated>>10)
	if fastest > worst {
		t.Errorf("took %v, may take %v", fastest, worst)
	}
	if slowdown == 1 && allocated > 32<<20 { // the race detector empties pools
		t.Errorf("allocated %d MiB", allocated>>20)
	}
}

// TestBudgetIsOfAllExpressions: each of them alone is within the budget.
func TestBudgetIsOfAllExpressions(t *testing.T) {
	c, claims := compiler(t), bombPayload()
	expression := func(i int) string { return fmt.Sprintf("claims.a.all(x, x + 1 + %d > 0)", i) }
	for name, tc := range map[string]struct{ validations, mappings int }{
		"one rule": {1, 0}, "one mapping": {0, 1}, "rules": {6, 0}, "mappings": {0, 6}, "both": {3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var r Rules
			for i := range tc.validations {
				r.Validations = append(r.Validations, Validation{Expression: expression(i)})
			}
			for i := range tc.mappings {
				r.Mappings = append(r.Mappings, Mapping{fmt.Sprint("c", i), expression(i)})
			}
			p, err := c.Compile(r)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Evaluate(t.Context(), claims)
			if one := tc.validations+tc.mappings == 1; one != (err == nil) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestOrdinaryRulesAreCheap: what people write needs a small part of the budget even with long claims.
func TestOrdinaryRulesAreCheap(t *testing.T) {
	c := compiler(t)
	groups := []byte(`{"sub":"repo:acme/app:ref:refs/heads/main","groups":` + list(300, `"team-platform-eu-west"`) + `,"n":` + strings.Repeat("1", 9) + `}`)
	for _, expression := range []string{
		`claims.sub.startsWith("repo:acme/") && claims.sub.matches("^repo:[a-z]+/[a-z]+:ref:refs/(heads|tags)/[a-zA-Z0-9._-]+$")`,
		`claims.groups.exists(g, g in ["a", "b", "c"]) || claims.groups.filter(g, g.startsWith("team-")).map(g, g.substring(5)).size() > 0`,
		`claims.groups.all(g, g.split("-").size() > 1)`, `sets.contains(claims.groups, ["team-platform-eu-west"])`,
	} {
		p, err := c.Compile(rule(expression))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := decode(groups, c.adapter)
		if err != nil {
			t.Fatal(err)
		}
		m := newMeter(t.Context())
		if _, err := p.validations[0].expression.evaluate(&activation{claims, m}); err != nil || m.left < MaxCost*8/10 {
			t.Errorf("%s: %v, cost %d", expression, err, MaxCost-m.left)
		}
	}
}

// TestCostOfNodes: an expression without a loop or a call costs its length.
func TestCostOfNodes(t *testing.T) {
	p := compile(t, rule(`claims.a.b.c ? true : !false`))
	m := newMeter(t.Context())
	value, err := p.validations[0].expression.evaluate(&activation{types.NewDynamicMap(types.DefaultTypeAdapter, map[string]any{
		"a": map[string]any{"b": map[string]any{"c": true}},
	}), m})
	if err != nil || value != types.True || MaxCost-m.left != 8 {
		t.Errorf("%v, %v, cost %d", value, err, MaxCost-m.left)
	}
}

// TestSumOfListsIsFlat: it is no tree, however often a list is added to.
func TestSumOfListsIsFlat(t *testing.T) {
	p := compile(t, mapped(`[1] + [2] + [3]`))
	value, err := p.mappings[0].expression.evaluate(&activation{nil, newMeter(t.Context())})
	if flat := types.NewRefValList(types.DefaultTypeAdapter, nil); err != nil || reflect.TypeOf(value) != reflect.TypeOf(flat) {
		t.Errorf("%T, %v, want %T", value, err, flat)
	}
}

// TestEveryFunctionIsCharged: a library that is added or grows must be decided on.
func TestEveryFunctionIsCharged(t *testing.T) {
	c := compiler(t)
	planned := []string{ // by cel-go as nodes of their own, or by this package
		operators.LogicalAnd, operators.LogicalOr, operators.Conditional, operators.Index, operators.OptIndex, operators.OptSelect,
		functionMatches, "regex.extract", "regex.extractAll", "regex.replace",
	}
	for name := range c.env.Functions() {
		ways := 0
		for _, one := range []bool{free(name), chargerOf(name) != nil, slices.Contains(planned, name)} {
			if one {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("function %s has %d ways to be charged, want 1", name, ways)
		}
	}
}

func TestContext(t *testing.T) {
	p := compile(t, rule(`claims.a.all(x, claims.a.all(y, x + y >= 0)) || true`))
	cause := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := p.Evaluate(ctx, bombPayload())
	if reason := evaluationReason(t, err); reason != "the request has ended" || !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

// TestPanicRefuses: cel-go panics for a key that Go cannot hash.
func TestPanicRefuses(t *testing.T) {
	p := compile(t, rule(`{dyn(b"x"): 1}.size() == 1`))
	_, err := p.Evaluate(t.Context(), []byte(`{}`))
	evaluationReason(t, err)
}

func TestConcurrency(t *testing.T) {
	c := compiler(t)
	r := Rules{
		Validations: []Validation{{Claim: "env", RequiredValue: "prod"}, {Expression: `claims.groups.exists(g, g.matches("^o")) && claims.env in ["prod"]`}},
		Mappings:    []Mapping{{"roles", "claims.roles.map(k, k)"}, {"groups", "claims.groups + ['x']"}}, Subject: `claims.env + "/" + claims.sub`,
	}
	shared, err := c.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				own, err := c.Compile(r)
				if err != nil {
					t.Error(err)
					return
				}
				for _, p := range []*Program{shared, own} {
					result, err := p.Evaluate(t.Context(), []byte(payload))
					if err != nil || result.Subject != "prod/repo:acme/app:ref:refs/heads/main" || string(result.Claims[0].Value) != `["z","a","m"]` || !p.ReadsClaim("env") {
						t.Errorf("Evaluate = %v, %v", result, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestLargeExpressionsAreRefused: what would take long to check is refused before that.
func TestLargeExpressionsAreRefused(t *testing.T) {
	c := compiler(t)
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	loops := func(n int) string {
		return strings.Repeat("[1].map(x, ", n) + "1" + strings.Repeat(")", n) + " == []"
	}
	for name, tc := range map[string]struct{ expression, say string }{
		"deep lists":       {deep(60) + " == []", "too deeply"},
		"deep lists, many": {strings.TrimSuffix(strings.Repeat(deep(60)+" == [] || ", 15), " || "), "too"},
		"loops":            {loops(50), "too"},
		"many parts":       {strings.TrimSuffix(strings.Repeat("1==1||", 300), "||"), "too many parts"},
		"long list":        {"[" + strings.TrimSuffix(strings.Repeat("1,", 900), ",") + "] == []", "too many parts"},
	} {
		t.Run(name, func(t *testing.T) {
			fastest := time.Hour
			for range 5 {
				start := time.Now()
				_, err := c.Compile(rule(tc.expression))
				fastest = min(fastest, time.Since(start))
				if err == nil || !strings.Contains(err.Error(), tc.say) {
					t.Fatalf("error %v", err)
				}
			}
			if fastest > 150*time.Millisecond { // with the race detector, beside other tests
				t.Errorf("it took %v", fastest)
			}
		})
	}
	// The largest that are taken do not take long either.
	for name, expression := range map[string]string{"lists": deep(38) + " == []", "loops": loops(18)} {
		start := time.Now()
		if _, err := c.Compile(rule(expression)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 500*time.Millisecond {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
