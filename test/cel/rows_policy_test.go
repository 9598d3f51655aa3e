package cel

import "strings"

const (
	eitherClaim  = "set either claim with requiredValue, or expression"
	pair         = "claim and requiredValue need each other"
	onlyMessage  = "goes with expression only"
	claimName    = "must be visible ASCII without spaces, double quotes and backslashes"
	plainPrefix  = "must be visible ASCII without spaces, and not have the form <namespace>/<name>: of the default"
	listedOnly   = "goes with from: Listed, and is needed there"
	nsName       = "must be the name of a namespace: lower case letters, digits and '-'"
	rule         = "spec.claimValidationRules[0]"
	mapping      = "spec.claimMappings[0]"
	allowed      = "spec.allowedClientNamespaces"
	allowedNames = allowed + ".namespaces"
)

// policyRows are about what a provider's assertions must say, and what becomes of it.
var policyRows = []wrong{
	{provider, "spec.claimValidationRules", []any{}, oneItem, ""},
	{provider, "spec.claimValidationRules", map[string]any{}, asList, ""},
	{provider, "spec.claimValidationRules", rules(17), tooMany + "16", ""},
	{provider, rule, "claims.verified", asObject, ""},
	{provider, rule, map[string]any{}, eitherClaim, ""},
	{provider, rule, map[string]any{"claim": "a"}, pair, ""},
	{provider, rule, map[string]any{"requiredValue": "b"}, eitherClaim, ""},
	{provider, rule, map[string]any{"expression": "true", "requiredValue": "b"}, pair, ""},
	{provider, rule, map[string]any{"expression": "true", "claim": "a"}, eitherClaim, ""},
	{provider, rule, map[string]any{"expression": "true", "claim": "a", "requiredValue": "b"}, eitherClaim, ""},
	{provider, rule, map[string]any{"message": "no"}, eitherClaim, ""},
	{provider, rule, map[string]any{"message": "no", "claim": "a", "requiredValue": "b"}, onlyMessage, rule + ".message"},
	{provider, rule + ".messageExpression", "'no'", unknown, rule + ".messageExpression"},
	{provider, rule + ".claim", unset{}, eitherClaim, rule},
	{provider, rule + ".claim", "", notEmpty, ""},
	{provider, rule + ".claim", []any{"a", "b"}, asString, ""},
	{provider, rule + ".claim", strings.Repeat("c", 257), tooLong + "256", ""},
	{provider, rule + ".requiredValue", unset{}, pair, rule},
	{provider, rule + ".requiredValue", "", notEmpty, ""},
	{provider, rule + ".requiredValue", true, asString, ""},
	{provider, rule + ".requiredValue", int64(1), asString, ""},
	{provider, rule + ".requiredValue", strings.Repeat("v", 1025), tooLong + "1024", ""},
	{provider, rule + ".expression", unset{}, eitherClaim, rule},
	{provider, rule + ".expression", "", notEmpty, ""},
	{provider, rule + ".expression", true, asString, ""},
	{provider, rule + ".expression", strings.Repeat("e", 2049), tooLong + "2048", ""},
	{provider, rule + ".message", "", notEmpty, ""},
	{provider, rule + ".message", strings.Repeat("m", 257), tooLong + "256", ""},

	{provider, "spec.claimMappings", []any{}, oneItem, ""},
	{provider, "spec.claimMappings", map[string]any{}, asList, ""},
	{provider, "spec.claimMappings", mappings(17), tooMany + "16", ""},
	{provider, "spec.claimMappings", append(mappings(2), mappings(1)...), duplicate, "spec.claimMappings[2]"},
	{provider, mapping, "claims.team", asObject, ""},
	{provider, mapping + ".value", "x", unknown, mapping + ".value"},
	{provider, mapping + ".claim", unset{}, required, ""},
	{provider, mapping + ".claim", "", notEmpty, ""},
	{provider, mapping + ".claim", "two words", claimName, ""},
	{provider, mapping + ".claim", `"team"`, claimName, ""},
	{provider, mapping + ".claim", `a\b`, claimName, ""},
	{provider, mapping + ".claim", "équipe", claimName, ""},
	{provider, mapping + ".claim", strings.Repeat("c", 129), tooLong + "128", ""},
	{provider, mapping + ".expression", unset{}, required, ""},
	{provider, mapping + ".expression", "", notEmpty, ""},
	{provider, mapping + ".expression", strings.Repeat("e", 2049), tooLong + "2048", ""},

	{provider, "spec.subject", map[string]any{}, "set expression, prefix or both", ""},
	{provider, "spec.subject", "claims.email", asObject, ""},
	{provider, "spec.subject.claim", "email", unknown, "spec.subject.claim"},
	{provider, "spec.subject.expression", "", notEmpty, ""},
	{provider, "spec.subject.expression", strings.Repeat("e", 2049), tooLong + "2048", ""},
	{provider, "spec.subject.prefix", false, asString, ""},
	{provider, "spec.subject.prefix", " ", plainPrefix, ""},
	{provider, "spec.subject.prefix", "my partner:", plainPrefix, ""},
	{provider, "spec.subject.prefix", "partner:\n", plainPrefix, ""},
	{provider, "spec.subject.prefix", "pärtner:", plainPrefix, ""},
	{provider, "spec.subject.prefix", "team-b/partner:", plainPrefix, ""},
	{provider, "spec.subject.prefix", "team-b/partner:x:", plainPrefix, ""},
	{provider, "spec.subject.prefix", "/:", plainPrefix, ""},
	{provider, "spec.subject.prefix", strings.Repeat("p", 257), tooLong + "256", ""},

	{provider, allowed, "All", asObject, ""},
	{provider, allowed + ".selector", map[string]any{}, unknown, allowed + ".selector"},
	{provider, allowed, map[string]any{"from": "Listed"}, listedOnly, allowedNames},
	{provider, allowed, map[string]any{"namespaces": []any{"team-b"}}, listedOnly, allowedNames},
	{provider, allowed + ".from", "Same", listedOnly, allowedNames},
	{provider, allowed + ".from", "All", listedOnly, allowedNames},
	{provider, allowed + ".from", "", `supported values: "Same", "All", "Listed"`, ""},
	{provider, allowed + ".from", "Selector", `supported values: "Same", "All", "Listed"`, ""},
	{provider, allowedNames, unset{}, listedOnly, ""},
	{provider, allowedNames, []any{}, oneItem, ""},
	{provider, allowedNames, "team-b", asList, ""},
	{provider, allowedNames, distinct(65), tooMany + "64", ""},
	{provider, allowedNames, []any{"team-b", "team-b"}, duplicate, allowedNames + "[1]"},
	{provider, allowedNames + "[0]", "", notEmpty, ""},
	{provider, allowedNames + "[0]", "*", nsName, ""},
	{provider, allowedNames + "[0]", "team-*", nsName, ""},
	{provider, allowedNames + "[0]", "Team-B", nsName, ""},
	{provider, allowedNames + "[0]", "team.b", nsName, ""},
	{provider, allowedNames + "[0]", "-team", nsName, ""},
	{provider, allowedNames + "[0]", strings.Repeat("n", 64), tooLong + "63", ""},
}

// rules returns n rules about claims.
func rules(n int) []any {
	list := distinct(n)
	for i, item := range list {
		list[i] = map[string]any{"claim": item, "requiredValue": "x"}
	}
	return list
}

// mappings returns n mappings to claims that differ.
func mappings(n int) []any {
	list := distinct(n)
	for i, item := range list {
		list[i] = map[string]any{"claim": item, "expression": "claims.x"}
	}
	return list
}
