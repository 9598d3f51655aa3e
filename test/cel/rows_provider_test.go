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
	oneSource   = "set exactly one key source: certificateSecretRef or jwks"
	exactIssuer = "must be the exact iss value of the assertions, visible ASCII characters without spaces"
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

	{provider, "spec.grantEnabled", "yes", asBool, ""},
	{provider, "spec.grantEnabled", int64(1), asBool, ""},

	{provider, "spec.certificateSecretRef", "partner-cert", asObject, ""},
	{provider, "spec.certificateSecretRef", unset{}, oneSource, "spec"},
	{provider, "spec.certificateSecretRef.namespace", "team-b", unknown, "spec.certificateSecretRef.namespace"},
	{provider, "spec.certificateSecretRef.name", unset{}, required, ""},
	{provider, "spec.certificateSecretRef.name", "", notEmpty, ""},
	{provider, "spec.certificateSecretRef.name", "Partner_Cert", secretName, ""},
	{provider, "spec.certificateSecretRef.name", "team-b/partner-cert", secretName, ""},
	{provider, "spec.certificateSecretRef.name", "../partner-cert", secretName, ""},
	{provider, "spec.certificateSecretRef.key", "", notEmpty, ""},
	{provider, "spec.certificateSecretRef.key", "tls crt", secretKey, ""},
	{provider, "spec.certificateSecretRef.key", "../tls.crt", secretKey, ""},

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

// keyRows are about the members of a JWK. What they hold is judged when they are used: here it is bounded.
var keyRows = []wrong{
	{provider, "spec.jwks", "https://issuer.example.com/jwks", asObject, ""},
	{provider, "spec.jwks", unset{}, oneSource, "spec"},
	{provider, "spec.jwks.uri", "https://issuer.example.com/jwks", unknown, "spec.jwks.uri"},
	{provider, "spec.jwks.keys", unset{}, required, ""},
	{provider, "spec.jwks.keys", []any{}, oneItem, ""},
	{provider, "spec.jwks.keys", map[string]any{}, asList, ""},
	{provider, "spec.jwks.keys[0]", "AQAB", asObject, ""},
	{provider, "spec.jwks.keys[0].kty", unset{}, required, ""},
	{provider, "spec.jwks.keys[0].kty", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].kid", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].kid", int64(1), asString, ""},
	{provider, "spec.jwks.keys[0].use", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].key_ops", "verify", asList, ""},
	{provider, "spec.jwks.keys[0].key_ops", distinct(17), tooMany + "16", ""},
	{provider, "spec.jwks.keys[0].key_ops[0]", strings.Repeat("v", 33), tooLong + "32", ""},
	{provider, "spec.jwks.keys[0].alg", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].n", strings.Repeat("n", 4097), tooLong + "4096", ""},
	{provider, "spec.jwks.keys[0].n", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].n", unset{}, `an RSA key needs the members n and e; in YAML, write "n" in quotes`, "spec.jwks.keys[0]"},
	{provider, "spec.jwks.keys[0].e", unset{}, "an RSA key needs the members n and e", "spec.jwks.keys[0]"},
	{provider, "spec.jwks.keys[0]", map[string]any{"kty": "EC", "crv": "P-256", "x": "eA", "true": "eQ"}, `an EC key needs the members crv, x and y; in YAML, write "y" in quotes`, ""},
	{provider, "spec.jwks.keys[0]", map[string]any{"kty": "OKP", "crv": "Ed25519"}, "an OKP key needs the members crv and x", ""},
	{provider, "spec.jwks.keys[0].e", int64(65537), asString, ""},
	{provider, "spec.jwks.keys[0].crv", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].x", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].y", "", notEmpty, ""},
	{provider, "spec.jwks.keys[0].d", "cHJpdmF0ZQ", "publish the public half only, and replace the key, for it has been exposed", ""},
	{provider, "spec.jwks.keys[0].d", "", "publish the public half only", ""},
	{provider, "spec.jwks.keys[0].k", "c2VjcmV0", "only public keys verify assertions here; replace the key, for it has been exposed", ""},
	{provider, "spec.jwks.keys[0].k", "", "only public keys verify assertions here", ""},
}
