package claimrules

import (
	"runtime"
	"testing"
)

func benchRules() Rules {
	return Rules{
		Validations: []Validation{
			{Claim: "env", RequiredValue: "prod"},
			{Expression: `claims.sub.startsWith("repo:acme/") && claims.?ref.orValue("refs/heads/main") == "refs/heads/main"`, Message: "only main of acme"},
			{Expression: `claims.groups.exists(g, g in ["ops", "admins"])`},
		},
		Mappings: []Mapping{{"groups", `claims.groups.filter(g, g != "dev")`}, {"tenant", `claims.nested.a.b`}},
		Subject:  `claims.iss + "#" + claims.sub`,
	}
}

func BenchmarkNewCompiler(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compiler(b)
	}
}

// BenchmarkCompile compiles the rules of one provider: five expressions.
func BenchmarkCompile(b *testing.B) {
	c, r := compiler(b), benchRules()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Compile(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProgramsHeld reports what a compiled provider keeps of the heap.
func BenchmarkProgramsHeld(b *testing.B) {
	c, r := compiler(b), benchRules()
	var before, after runtime.MemStats
	for b.Loop() {
		const programs = 500
		held := make([]*Program, programs)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range held {
			p, err := c.Compile(r)
			if err != nil {
				b.Fatal(err)
			}
			held[i] = p
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/programs, "heap-B/program")
		runtime.KeepAlive(held)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for name, r := range map[string]Rules{
		"required value": {Validations: []Validation{{Claim: "env", RequiredValue: "prod"}}},
		"one expression": rule(`claims.env == "prod"`),
		"five":           benchRules(),
	} {
		b.Run(name, func(b *testing.B) {
			p := compile(b, r)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Evaluate(b.Context(), []byte(payload)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBomb is the most expensive of the bombs.
func BenchmarkBomb(b *testing.B) {
	claims := bombPayload()
	for _, name := range []string{"loops that fail", "loops that find nothing", "map literals in a loop", "regex in a loop", "runes", "quote"} {
		b.Run(name, func(b *testing.B) {
			p := compile(b, rule(bombs()[name]))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Evaluate(b.Context(), claims); err == nil {
					b.Fatal("satisfied")
				}
			}
		})
	}
}
