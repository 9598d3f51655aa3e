package claimrules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	c := compiler(t)
	long := strings.Repeat("x", 3000)
	validations := func(list ...Validation) Rules { return Rules{Validations: list} }
	mappings := func(list ...Mapping) Rules { return Rules{Mappings: list} }
	subject := func(s string) Rules { return Rules{Subject: s} }
	var many Rules
	for i := range 17 {
		many.Validations = append(many.Validations, Validation{Expression: fmt.Sprint(i, " == 1")})
		many.Mappings = append(many.Mappings, Mapping{fmt.Sprint("c", i), "1"})
	}
	const rule0, map0 = "claimValidationRules[0]", "claimMappings[0]"
	for name, tc := range map[string]struct {
		rules Rules
		// where is the field and, if it is about a place, line:column.
		where, message string
	}{
		"both":                      {validations(Validation{Claim: "a", Expression: "true"}), rule0, "can't both"},
		"neither":                   {validations(Validation{Message: "m"}), rule0, "claim or expression is required"},
		"message with claim":        {validations(Validation{Claim: "a", Message: "m"}), rule0 + ".message", "when claim is set"},
		"value with expression":     {validations(Validation{Expression: "true", RequiredValue: "m"}), rule0 + ".requiredValue", "when expression is set"},
		"long message":              {validations(Validation{Expression: "true", Message: long}), rule0 + ".message", "512"},
		"message of lines":          {validations(Validation{Expression: "true", Message: "a\nb"}), rule0 + ".message", "control"},
		"message not UTF-8":         {validations(Validation{Expression: "true", Message: "a\xff"}), rule0 + ".message", "UTF-8"},
		"long value":                {validations(Validation{Claim: "a", RequiredValue: long}), rule0 + ".requiredValue", "1024"},
		"value not UTF-8":           {validations(Validation{Claim: "a", RequiredValue: "\xff"}), rule0 + ".requiredValue", "UTF-8"},
		"same claim":                {validations(Validation{Claim: "a"}, Validation{Claim: "a", RequiredValue: "b"}), "claimValidationRules[1].claim", "another rule"},
		"same expression":           {validations(Validation{Expression: "true"}, Validation{Expression: "true", Message: "m"}), "claimValidationRules[1].expression", "another rule"},
		"long claim":                {validations(Validation{Claim: strings.Repeat("x", 129)}), rule0 + ".claim", "128"},
		"claim with NUL":            {validations(Validation{Claim: "a\x00"}), rule0 + ".claim", "control"},
		"many rules":                {Rules{Validations: many.Validations}, "claimValidationRules", "16"},
		"many mappings":             {Rules{Mappings: many.Mappings}, "claimMappings", "16"},
		"second rule":               {validations(Validation{Expression: "true"}, Validation{Expression: "nope"}), "claimValidationRules[1].expression 1:1", "undeclared reference"},
		"not a bool":                {rule(`"a"`), rule0 + ".expression 1:1", "must evaluate to a bool"},
		"an int":                    {rule(`1 + 1`), rule0 + ".expression 1:1", "must evaluate to a bool"},
		"long expression":           {rule(`"` + long + `" == ""`), rule0 + ".expression", "2048"},
		"long in bytes":             {rule(`"` + strings.Repeat("ä", 1100) + `" == ""`), rule0 + ".expression", "2048"},
		"expression not UTF-8":      {rule("'\xff' == ''"), rule0 + ".expression", "UTF-8"},
		"blank expression":          {rule(" \n"), rule0 + ".expression", "required"},
		"syntax":                    {rule(`claims.a ==`), rule0 + ".expression 1:12", "Syntax error"},
		"syntax on a line":          {rule("claims.a == 'x' &&\n  claims.b == = 'y'"), rule0 + ".expression 2:15", "Syntax error"},
		"type on a line":            {rule("claims.a == 'x' &&\n\n   (1 == 'y')"), rule0 + ".expression 3:7", "no matching overload"},
		"after wide characters":     {rule("'ä€😀' == claims.a && nope"), rule0 + ".expression 1:22", "undeclared reference"},
		"first of two":              {rule("a ||\nb"), rule0 + ".expression 1:1", "'a'"},
		"unknown function":          {rule(`now() > timestamp(0)`), rule0 + ".expression 1:4", "undeclared reference"},
		"mixed list":                {rule(`claims.a in [1, "a"]`), rule0 + ".expression 1:17", "int"},
		"mixed map":                 {rule(`{"a": 1, "b": "x"}.size() == 2`), rule0 + ".expression 1:15", "int"},
		"optional of no such type":  {rule(`[?claims.a] == []`), rule0 + ".expression 1:1", "must be optional"},
		"message type":              {mapped("1 == 1 ?\n dyn(google.protobuf.Value{null_value: 0}) : dyn(1)"), map0 + ".expression 2:27", "message types"},
		"timestamp literal":         {rule(`timestamp("x") < timestamp(0)`), rule0 + ".expression 1:11", "invalid timestamp"},
		"duration literal":          {rule(`duration("x") < duration("1s")`), rule0 + ".expression 1:10", "invalid duration"},
		"regular expression":        {rule(`claims.a.matches("(")`), rule0 + ".expression 1:17", "not a regular expression"},
		"computed regex":            {rule("true &&\nclaims.a.matches(claims.b)"), rule0 + ".expression 2:17", "string literal"},
		"computed regex, global":    {rule(`matches("a", claims.b)`), rule0 + ".expression 1:8", "string literal"},
		"joined regex":              {rule(`claims.a.matches("a" + "b")`), rule0 + ".expression 1:17", "string literal"},
		"computed extract":          {rule(`regex.extract("a", claims.b).hasValue()`), rule0 + ".expression 1:14", "string literal"},
		"computed extractAll":       {rule(`regex.extractAll("a", claims.b) == []`), rule0 + ".expression 1:17", "string literal"},
		"computed replace":          {rule(`regex.replace("a", claims.b, "c") == ""`), rule0 + ".expression 1:14", "string literal"},
		"wrong extract":             {rule(`regex.extract("a", "(").hasValue()`), rule0 + ".expression 1:14", "not a regular expression"},
		"large regex":               {rule(`claims.a.matches("(a{100}){10}(b{1000})(c{10})")`), rule0 + ".expression 1:17", "too large"},
		"larger regex":              {rule(`claims.a.matches("` + strings.Repeat("a{1000}", 280) + `")`), rule0 + ".expression 1:17", "too large"},
		"deep":                      {rule(strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100)), rule0 + ".expression", ""},
		"deep list":                 {rule(strings.Repeat("[", 100) + strings.Repeat("]", 100) + " == []"), rule0 + ".expression", ""},
		"meter":                     {rule("@meter == 1"), rule0 + ".expression 1:1", "Syntax error"},
		"accumulator":               {rule("[1].all(x, __result__)"), rule0 + ".expression 1:12", "undeclared"},
		"subject is a number":       {subject("1"), "subject.expression 1:1", "must evaluate to a string"},
		"subject is optional":       {subject("claims.?a"), "subject.expression 1:1", "must evaluate to a string"},
		"subject is wrong":          {subject("claims."), "subject.expression 1:8", "Syntax error"},
		"subject is blank":          {subject(" "), "subject.expression", "required"},
		"subject is long":           {subject(long), "subject.expression", "2048"},
		"mapping of nothing":        {mapped(""), map0 + ".expression", "required"},
		"mapping of bytes":          {mapped(`b"x"`), map0 + ".expression 1:1", "JSON value"},
		"mapping of a timestamp":    {mapped(`timestamp(0)`), map0 + ".expression 1:1", "JSON value"},
		"mapping of a duration":     {mapped(`duration("1s")`), map0 + ".expression 1:1", "JSON value"},
		"mapping of a type":         {mapped(`int`), map0 + ".expression 1:1", "JSON value"},
		"mapping without claim":     {mappings(Mapping{"", "1"}), map0 + ".claim", "required"},
		"mapping twice":             {mappings(Mapping{"a", "1"}, Mapping{"b", "1"}, Mapping{"a", "2"}), "claimMappings[2].claim", "twice"},
		"mapping of long name":      {mappings(Mapping{strings.Repeat("x", 129), "1"}), map0 + ".claim", "128"},
		"mapping with control":      {mappings(Mapping{"a\n", "1"}), map0 + ".claim", "control"},
		"mapping not UTF-8":         {mappings(Mapping{"a\xff", "1"}), map0 + ".claim", "UTF-8"},
		"mapping reserved":          {mappings(Mapping{"scope", "1"}), map0 + ".claim", "reserved"},
		"mapping reserved, capital": {mappings(Mapping{"SCOPE", "1"}), map0 + ".claim", "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := c.Compile(tc.rules)
			var wrong *CompileError
			if p != nil || !errors.As(err, &wrong) {
				t.Fatalf("Compile = %v, %v", p, err)
			}
			where := wrong.Field
			if wrong.Line > 0 && strings.Contains(tc.where, " ") {
				where += fmt.Sprintf(" %d:%d", wrong.Line, wrong.Column)
			}
			if where != tc.where || !strings.Contains(wrong.Message, tc.message) {
				t.Errorf("error at %s: %s; want %s: %s", where, wrong.Message, tc.where, tc.message)
			}
			if text := err.Error(); !strings.HasPrefix(text, wrong.Field+": ") || strings.ContainsAny(text, "\n\r") || len(text) > 700 {
				t.Errorf("text %q", text)
			}
		})
	}
}

func TestCompileLimitsAreReached(t *testing.T) {
	var r Rules
	for i := range 16 {
		r.Validations = append(r.Validations, Validation{Expression: fmt.Sprintf("claims.n != %d", i)})
		r.Mappings = append(r.Mappings, Mapping{fmt.Sprintf("%0128d", i), "claims.n"})
	}
	longest := `claims.s != "` + strings.Repeat("x", MaxExpressionBytes-14) + `"`
	if len(longest) != MaxExpressionBytes {
		t.Fatalf("%d bytes", len(longest))
	}
	r.Validations[0] = Validation{Expression: longest, Message: strings.Repeat("m", 512)}
	r.Validations[1] = Validation{Claim: strings.Repeat("c", 128), RequiredValue: strings.Repeat("v", 1024)}
	compile(t, r)
}

func TestReservedClaim(t *testing.T) {
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "act", "may_act", "cnf", "azp", "auth_time", "acr", "amr", "sid", "typ",
		"authorization_details", "events", "nonce", "token_introspection",
	} {
		if !ReservedClaim(name) || CheckMappedClaim(name) == nil {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"", "email", "groups", "roles", "https://example.com/scope", "scopes", "tenant"} {
		if ReservedClaim(name) || name != "" && CheckMappedClaim(name) != nil {
			t.Errorf("%s is reserved", name)
		}
	}
}

func TestEmail(t *testing.T) {
	c := compiler(t)
	for name, tc := range map[string]struct {
		rules Rules
		field string
	}{
		"subject":                 {Rules{Subject: "claims.email"}, "subject.expression"},
		"index":                   {Rules{Subject: `claims["email"]`}, "subject.expression"},
		"optional":                {Rules{Subject: `claims.?email.orValue("")`}, "subject.expression"},
		"optional index":          {Rules{Subject: `claims[?"email"].orValue("")`}, "subject.expression"},
		"deep inside":             {Rules{Subject: `["x"].map(a, [{"a": claims.email}])[0][0].a`}, "subject.expression"},
		"mapping":                 {Rules{Mappings: []Mapping{{"a", "1"}, {"mail", "claims.email"}}}, "claimMappings[1].expression"},
		"presence is no check":    {Rules{Subject: "has(claims.email_verified) ? claims.email : ''"}, "subject.expression"},
		"absorbed":                {Rules{Subject: "claims.email", Validations: []Validation{{Expression: "true || claims.email_verified"}}}, "subject.expression"},
		"of something else":       {Rules{Subject: "claims.email", Validations: []Validation{{Expression: "claims.x.email_verified"}}}, "subject.expression"},
		"of a variable":           {Rules{Subject: "claims.email", Validations: []Validation{{Expression: "[{'email_verified': true}].all(claims, claims.email_verified)"}}}, "subject.expression"},
		"email in a rule":         {Rules{Validations: []Validation{{Expression: "claims.email == 'a'"}}}, ""},
		"other email":             {Rules{Subject: "claims.user.email"}, ""},
		"verified in subject":     {Rules{Subject: "claims.email_verified ? claims.email : claims.sub"}, ""},
		"as Kubernetes documents": {Rules{Subject: "claims.email", Validations: []Validation{{Expression: "claims.?email_verified.orValue(true) == true"}}}, ""},
		"verified in a rule":      {Rules{Subject: "claims.email", Validations: []Validation{{Expression: "claims.email_verified"}}}, ""},
		"verified by index":       {Rules{Subject: "claims.email", Validations: []Validation{{Expression: `claims["email_verified"] == true`}}}, ""},
		"verified in a mapping":   {Rules{Subject: "claims.email", Mappings: []Mapping{{"verified", "claims.email_verified"}}}, ""},
		"required":                {Rules{Subject: "claims.email", Validations: []Validation{{Claim: "email_verified", RequiredValue: "true"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Compile(tc.rules)
			var wrong *CompileError
			switch {
			case tc.field == "" && err != nil:
				t.Errorf("error %v", err)
			case tc.field != "" && (!errors.As(err, &wrong) || wrong.Field != tc.field || !strings.Contains(wrong.Message, "email_verified")):
				t.Errorf("error %v, want one of %s", err, tc.field)
			}
		})
	}
}
