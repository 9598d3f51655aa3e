package cel

import (
	"slices"
	"strings"
)

const (
	plainID       = "must not hold control characters, nor begin or end with a space"
	absoluteURI   = "must be an absolute URI without fragment (RFC 8707 section 2), for example https://api.example.com"
	providerName  = "must be the name of an IdentityProvider: lower case letters, digits, '-' and '.'"
	withGenerate  = "goes with generate: true, for the operator never changes a Secret that it did not make"
	notPublic     = "ClientCredentials is not for public clients, which cannot prove who they are"
	withRefresh   = "needs RefreshToken in grantTypes"
	longEnough    = "must not be shorter than accessToken.lifetime"
	noOrigin      = "RefreshToken needs a grant that issues refresh tokens: add JWTBearer or TokenExchange"
	noSubject     = "ClientCredentials is not for a clientID of the form <namespace>/<name>:"
	notAsking     = "goes with a client that authenticates: a public one may not ask about access tokens"
	clientSecret  = "spec.authentication.clientSecret"
	secretRef     = clientSecret + ".secretRef"
	privateKeyJWT = "spec.authentication.privateKeyJWT"
	federated     = "spec.authentication.federated"
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
	{oauthClient, "spec.grantTypes[0]", "urn:ietf:params:oauth:grant-type:jwt-bearer", `supported values: "JWTBearer", "ClientCredentials", "TokenExchange", "RefreshToken"`, ""},
	{oauthClient, "spec.grantTypes", distinct(5), tooMany + "4", ""},
	{oauthClient, "spec", inOwnName(map[string]any{"authentication": map[string]any{"public": map[string]any{}}}), notPublic, "spec.grantTypes"},
	{oauthClient, "spec", inOwnName(map[string]any{"clientID": "team-a/partner:alice"}), noSubject, "spec.grantTypes"},
	{oauthClient, "spec", inOwnName(map[string]any{"clientID": "Team A/x:"}), noSubject, "spec.grantTypes"},

	{oauthClient, "spec.authentication", unset{}, required, ""},
	{oauthClient, "spec.authentication", "public", asObject, ""},
	{oauthClient, "spec.authentication.none", map[string]any{}, unknown, "spec.authentication.none"},
	{oauthClient, clientSecret, "s3cr3t", asObject, ""},
	{oauthClient, clientSecret, nil, oneMethod, "spec.authentication"},
	{oauthClient, clientSecret + ".value", "s3cr3t", unknown, clientSecret + ".value"},
	{oauthClient, clientSecret + ".generate", "no", asBool, ""},
	{oauthClient, clientSecret + ".generate", false, withGenerate, clientSecret + ".rotationInterval"},
	{oauthClient, clientSecret + ".generate", unset{}, withGenerate, clientSecret + ".rotationInterval"},
	{oauthClient, secretRef, unset{}, required, ""},
	{oauthClient, secretRef, "playground", asObject, ""},
	{oauthClient, secretRef + ".namespace", "team-b", unknown, secretRef + ".namespace"},
	{oauthClient, secretRef + ".name", unset{}, required, ""},
	{oauthClient, secretRef + ".name", "", notEmpty, ""},
	{oauthClient, secretRef + ".name", "Play_Ground", secretName, ""},
	{oauthClient, secretRef + ".name", strings.Repeat("n", 254), tooLong + "253", ""},

	{oauthClient, privateKeyJWT, "RS256", asObject, ""},
	{oauthClient, privateKeyJWT + ".alg", "RS256", unknown, privateKeyJWT + ".alg"},

	{oauthClient, federated, "system:serviceaccount:team-a:worker", asObject, ""},
	{oauthClient, federated + ".audience", "x", unknown, federated + ".audience"},
	{oauthClient, federated + ".identityProviderRef", unset{}, required, ""},
	{oauthClient, federated + ".identityProviderRef", "cluster", asObject, ""},
	{oauthClient, federated + ".subject", unset{}, required, ""},
	{oauthClient, federated + ".subject", "", notEmpty, ""},
	{oauthClient, federated + ".subject", []any{"a", "b"}, asString, ""},
	{oauthClient, federated + ".subject", strings.Repeat("s", 513), tooLong + "512", ""},

	{oauthClient, "spec.authentication.public", true, asObject, ""},
	{oauthClient, "spec.authentication.public.allowed", true, unknown, "spec.authentication.public.allowed"},

	{oauthClient, "spec.identityProviders", []any{}, oneItem, ""},
	{oauthClient, "spec.identityProviders", "partner", asList, ""},
	{oauthClient, "spec.identityProviders", map[string]any{}, asList, ""},
	{oauthClient, "spec.identityProviders", slices.Repeat([]any{map[string]any{"name": "a"}}, 33), tooMany + "32", ""},
	{oauthClient, "spec.identityProviders[0]", "partner", asObject, ""},

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

	{oauthClient, "spec.resourceServer", "https://own.example.com", asObject, ""},
	{oauthClient, "spec.resourceServer", map[string]any{}, required, "spec.resourceServer.resources"},
	{oauthClient, "spec.resourceServer.scopes", []any{"read"}, unknown, "spec.resourceServer.scopes"},
	{oauthClient, "spec.resourceServer.resources", "https://own.example.com", asList, ""},
	{oauthClient, "spec.resourceServer.resources", []any{}, oneItem, ""},
	{oauthClient, "spec.resourceServer.resources", unset{}, required, ""},
	{oauthClient, "spec.resourceServer.resources", distinct(33), tooMany + "32", ""},
	{oauthClient, "spec.resourceServer.resources", []any{"urn:a:b", "urn:a:b"}, duplicate, "spec.resourceServer.resources[1]"},
	{oauthClient, "spec.resourceServer.resources[0]", "/orders", absoluteURI, ""},
	{oauthClient, "spec.resourceServer.resources[0]", "*", absoluteURI, ""},
	{oauthClient, "spec.resourceServer.resources[0]", "https://api.example.com/#top", absoluteURI, ""},
	{oauthClient, "spec.resourceServer.resources[0]", "", notEmpty, ""},
	{oauthClient, "spec.resourceServer.resources[0]", strings.Repeat("r", 513), tooLong + "512", ""},
	{oauthClient, "spec.authentication", map[string]any{"public": map[string]any{}}, notAsking, "spec.resourceServer"},

	{oauthClient, "spec.accessToken", "1h", asObject, ""},
	{oauthClient, "spec.accessToken.expiry", "1h", unknown, "spec.accessToken.expiry"},
	{oauthClient, "spec.accessToken.capToAssertion", "yes", asBool, ""},

	{oauthClient, "spec.refreshToken", "720h", asObject, ""},
	{oauthClient, "spec.refreshToken.rotation", "Never", unknown, "spec.refreshToken.rotation"},
	{oauthClient, "spec.grantTypes", []any{"JWTBearer"}, withRefresh, "spec.refreshToken"},
	{oauthClient, "spec.grantTypes", unset{}, withRefresh, "spec.refreshToken"},
	{oauthClient, "spec.grantTypes", []any{}, withRefresh, "spec.refreshToken"},
	{oauthClient, "spec.grantTypes", []any{"RefreshToken"}, noOrigin, ""},
	{oauthClient, "spec.grantTypes", []any{"ClientCredentials", "RefreshToken"}, noOrigin, ""},
	{oauthClient, "spec", renewing("2h", "1h59m59s"), longEnough, "spec.refreshToken.lifetime"},
	{oauthClient, "spec", renewing("", "59m"), longEnough, "spec.refreshToken.lifetime"},
}

// renewing is the spec of a client with refresh tokens.
func renewing(accessToken, refreshToken string) map[string]any {
	spec := inOwnName(map[string]any{"refreshToken": map[string]any{"lifetime": refreshToken}})
	spec["grantTypes"] = []any{"JWTBearer", "RefreshToken"}
	if accessToken != "" {
		spec["accessToken"] = map[string]any{"lifetime": accessToken}
	}
	return spec
}

// inOwnName is the spec of a client that asks in its own name.
func inOwnName(spec map[string]any) map[string]any {
	spec["grantTypes"] = []any{"ClientCredentials"}
	if spec["authentication"] == nil {
		spec["authentication"] = map[string]any{"clientSecret": map[string]any{"secretRef": map[string]any{"name": "app"}}}
	}
	return spec
}

// providerReferenceRows are about a reference to an IdentityProvider, which may be in another namespace.
func providerReferenceRows() (rows []wrong) {
	for _, ref := range []string{"spec.identityProviders[0]", federated + ".identityProviderRef"} {
		rows = append(
			rows,
			wrong{oauthClient, ref + ".kind", "ClusterIdentityProvider", unknown, ref + ".kind"},
			wrong{oauthClient, ref + ".name", unset{}, required, ""},
			wrong{oauthClient, ref + ".name", "", notEmpty, ""},
			wrong{oauthClient, ref + ".name", "team-b/partner", providerName, ""},
			wrong{oauthClient, ref + ".name", "*", providerName, ""},
			wrong{oauthClient, ref + ".name", strings.Repeat("n", 254), tooLong + "253", ""},
			wrong{oauthClient, ref + ".namespace", "", notEmpty, ""},
			wrong{oauthClient, ref + ".namespace", "*", nsName, ""},
			wrong{oauthClient, ref + ".namespace", "Team-B", nsName, ""},
			wrong{oauthClient, ref + ".namespace", "team.b", nsName, ""},
			wrong{oauthClient, ref + ".namespace", "../team-b", nsName, ""},
			wrong{oauthClient, ref + ".namespace", strings.Repeat("n", 64), tooLong + "63", ""},
		)
	}
	return rows
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
