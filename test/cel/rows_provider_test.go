package cel

import "strings"

// Parts of messages. A type, a bound and a list of what is allowed say by themselves what to do.
const (
	asString    = "must be of type string"
	asBool      = "must be of type boolean"
	asList      = "must be of type array"
	asObject    = "must be of type object"
	notEmpty    = "should be at least 1 chars long"
	oneItem     = "should have at least 1 items"
	required    = "Required value"
	duplicate   = "Duplicate value"
	unknown     = "unknown field"
	tooLong     = "Too long: may not be more than "
	tooMany     = "must have at most "
	secretName  = "must be the name of a Secret in this namespace: lower case letters, digits, '-' and '.'"
	secretKey   = "must be a key of a Secret: letters, digits, '-', '_' and '.'"
	oneScope    = "write several scopes as several list items"
	exactIssuer = "must be the exact iss value of the assertions, visible ASCII characters without spaces"
	profiles    = `supported values: "Generic", "Kubernetes", "SPIFFE", "GitHubActions", "IDJAG"`
	exactAud    = "must be an exact aud value, visible ASCII characters without spaces"
)

// mega is a string of 1 MB.
var mega = strings.Repeat("a", 1<<20)

var providerRows = []wrong{
	{provider, "spec", unset{}, required, ""},
	{provider, "spec", "x", asObject, ""},
	{provider, "spec.isuer", "x", unknown, "spec.isuer"},

	{provider, "spec.issuer", unset{}, required, ""},
	{provider, "spec.issuer", nil, required, ""},
	{provider, "spec.issuer", "", notEmpty, ""},
	{provider, "spec.issuer", "https://issuer.example.com ", exactIssuer, ""},
	{provider, "spec.issuer", "https://issuer.example.com\n", exactIssuer, ""},
	{provider, "spec.issuer", "https://issüer.example.com", exactIssuer, ""},
	{provider, "spec.issuer", strings.Repeat("i", 513), tooLong + "512", ""},

	{provider, "spec.profile", "", profiles, ""},
	{provider, "spec.profile", "generic", profiles, ""},
	{provider, "spec.profile", "ServiceAccount", profiles, ""},
	{provider, "spec.profile", []any{"Generic", "SPIFFE"}, asString, ""},

	{provider, "spec.grantEnabled", "yes", asBool, ""},
	{provider, "spec.grantEnabled", int64(1), asBool, ""},

	{provider, "spec.audienceAliases", unset{}, required, ""},
	{provider, "spec.audienceAliases", []any{}, oneItem, ""},
	{provider, "spec.audienceAliases", "https://auth.example.com", asList, ""},
	{provider, "spec.audienceAliases", distinct(17), tooMany + "16", ""},
	{provider, "spec.audienceAliases", distinct(10_000), tooMany + "16", ""},
	{provider, "spec.audienceAliases", []any{"a", "b", "a"}, duplicate, "spec.audienceAliases[2]"},
	{provider, "spec.audienceAliases[0]", "", notEmpty, ""},
	{provider, "spec.audienceAliases[0]", nil, asString, ""},
	{provider, "spec.audienceAliases[0]", "two words", exactAud, ""},

	{provider, "spec.audiencePolicy", "any", `supported values: "Any", "Sole"`, ""},
	{provider, "spec.audiencePolicy", "", `supported values: "Any", "Sole"`, ""},
	{provider, "spec.certificateExpiry", "enforce", `supported values: "Enforce", "Ignore"`, ""},
	{provider, "spec.certificateExpiry", false, asString, ""},
	{provider, "spec.replay", "Never", `supported values: "OneTime", "OneTimeIfPresent", "Reuse"`, ""},
	{provider, "spec.replay", "", `supported values: "OneTime", "OneTimeIfPresent", "Reuse"`, ""},

	{provider, "spec.algorithms", []any{}, oneItem, ""},
	{provider, "spec.algorithms", []any{"RS256", "RS256"}, duplicate, "spec.algorithms[1]"},
	{provider, "spec.algorithms[0]", "HS256", `supported values: "RS256", "RS384"`, ""},
	{provider, "spec.algorithms[0]", "none", `supported values: "RS256", "RS384"`, ""},
	{provider, "spec.algorithms[0]", "rs256", `supported values: "RS256", "RS384"`, ""},

	{provider, "spec.scopes", []any{}, oneItem, ""},
	{provider, "spec.scopes", "read write", asList, ""},
	{provider, "spec.scopes", distinct(129), tooMany + "128", ""},
	{provider, "spec.scopes", []any{"read", "read"}, duplicate, "spec.scopes[1]"},
	{provider, "spec.scopes[0]", "", notEmpty, ""},
	{provider, "spec.scopes[0]", "read write", oneScope, ""},
	{provider, "spec.scopes[0]", `"read"`, oneScope, ""},
	{provider, "spec.scopes[0]", `a\b`, oneScope, ""},
	{provider, "spec.scopes[0]", strings.Repeat("s", 129), tooLong + "128", ""},
}
