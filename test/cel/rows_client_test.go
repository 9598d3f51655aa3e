package cel

import "strings"

const (
	plainID      = "must not hold control characters, nor begin or end with a space"
	absoluteURI  = "must be an absolute URI without fragment (RFC 8707 section 2), for example https://api.example.com"
	providerName = "must be the name of an IdentityProvider in this namespace: lower case letters, digits, '-' and '.'"
	oneMethod    = "set clientSecret, the only method so far"
	secretRef    = "spec.authentication.clientSecret.secretRef"
)

var clientRows = []wrong{
	{oauthClient, "spec", unset{}, required, ""},
	{oauthClient, "spec", []any{}, asObject, ""},
	{oauthClient, "spec.clientSecret", "s3cr3t", unknown, "spec.clientSecret"},

	{oauthClient, "spec.clientID", "", notEmpty, ""},
	{oauthClient, "spec.clientID", " client", plainID, ""},
	{oauthClient, "spec.clientID", "client ", plainID, ""},
	{oauthClient, "spec.clientID", "cli\x00ent", plainID, ""},
	{oauthClient, "spec.clientID", "cli\nent", plainID, ""},
	{oauthClient, "spec.clientID", "cli\u202eent", plainID, ""},
	{oauthClient, "spec.clientID", strings.Repeat("c", 257), tooLong + "256", ""},

	{oauthClient, "spec.grantEnabled", "true", asBool, ""},
	{oauthClient, "spec.grantTypes", "JWTBearer", asList, ""},
	{oauthClient, "spec.grantTypes", []any{"JWTBearer", "JWTBearer"}, duplicate, "spec.grantTypes[1]"},
	{oauthClient, "spec.grantTypes[0]", "urn:ietf:params:oauth:grant-type:jwt-bearer", `supported values: "JWTBearer"`, ""},

	{oauthClient, "spec.authentication", unset{}, required, ""},
	{oauthClient, "spec.authentication", map[string]any{}, oneMethod, ""},
	{oauthClient, "spec.authentication.none", map[string]any{}, unknown, "spec.authentication.none"},
	{oauthClient, "spec.authentication.clientSecret", "s3cr3t", asObject, ""},
	{oauthClient, "spec.authentication.clientSecret", nil, oneMethod, "spec.authentication"},
	{oauthClient, "spec.authentication.clientSecret.value", "s3cr3t", unknown, "spec.authentication.clientSecret.value"},
	{oauthClient, "spec.authentication.clientSecret.generate", "no", asBool, ""},
	{oauthClient, secretRef, unset{}, required, ""},
	{oauthClient, secretRef, "playground", asObject, ""},
	{oauthClient, secretRef + ".namespace", "team-b", unknown, secretRef + ".namespace"},
	{oauthClient, secretRef + ".name", unset{}, required, ""},
	{oauthClient, secretRef + ".name", "", notEmpty, ""},
	{oauthClient, secretRef + ".name", "Play_Ground", secretName, ""},
	{oauthClient, secretRef + ".name", strings.Repeat("n", 254), tooLong + "253", ""},

	{oauthClient, "spec.identityProviders", []any{}, oneItem, ""},
	{oauthClient, "spec.identityProviders", "partner", asList, ""},
	{oauthClient, "spec.identityProviders", []any{map[string]any{"name": "a"}, map[string]any{"name": "a"}}, duplicate, "spec.identityProviders[1]"},
	{oauthClient, "spec.identityProviders[0]", "partner", asObject, ""},
	{oauthClient, "spec.identityProviders[0].namespace", "team-b", unknown, "spec.identityProviders[0].namespace"},
	{oauthClient, "spec.identityProviders[0].name", unset{}, required, ""},
	{oauthClient, "spec.identityProviders[0].name", "", notEmpty, ""},
	{oauthClient, "spec.identityProviders[0].name", "team-b/partner", providerName, ""},

	{oauthClient, "spec.scopes", []any{}, oneItem, ""},
	{oauthClient, "spec.scopes", []any{"read", "read"}, duplicate, "spec.scopes[1]"},
	{oauthClient, "spec.scopes[0]", "read write", oneScope, ""},
	{oauthClient, "spec.scopes[0]", "lésen", oneScope, ""},

	{oauthClient, "spec.resources", []any{}, oneItem, ""},
	{oauthClient, "spec.resources", distinct(33), tooMany + "32", ""},
	{oauthClient, "spec.resources", []any{"urn:a:b", "urn:a:b"}, duplicate, "spec.resources[1]"},
	{oauthClient, "spec.resources[0]", "/orders", absoluteURI, ""},
	{oauthClient, "spec.resources[0]", "api.example.com", absoluteURI, ""},
	{oauthClient, "spec.resources[0]", "https://api.example.com/#top", absoluteURI, ""},
	{oauthClient, "spec.resources[0]", "https://api.example.com/a b", absoluteURI, ""},
	{oauthClient, "spec.resources[0]", "", notEmpty, ""},

	{oauthClient, "spec.accessToken", "1h", asObject, ""},
	{oauthClient, "spec.accessToken.expiry", "1h", unknown, "spec.accessToken.expiry"},
	{oauthClient, "spec.accessToken.capToAssertion", "yes", asBool, ""},
}

// metadataRows are wrong in what all kinds share.
var metadataRows = []wrong{
	{provider, "metadata.name", "Bad_Name", "a lowercase RFC 1123 subdomain", ""},
	{provider, "metadata.name", unset{}, "name or generateName is required", ""},
	{provider, "metadata.name", strings.Repeat("n", 254), "must be no more than 253", ""},
	{provider, "metadata.labels", map[string]any{"two words": "x"}, "name part must consist of alphanumeric characters", ""},
	{provider, "metadata.annotation", map[string]any{}, unknown, "metadata.annotation"},
	{oauthClient, "metadata.finalizers", []any{"not qualified"}, "name part must consist of alphanumeric characters", ""},
	{oauthClient, "sepc", map[string]any{}, unknown, "sepc"},
	{oauthClient, "status", map[string]any{"keys": []any{}}, unknown, "status.keys"},
}
