package cel

import "strings"

// right is one right value.
type right struct {
	kind, at string
	value    any
}

// rightRows are at the bounds of what is right, and what looks wrong but is not.
func rightRows() []right {
	rows := []right{
		{provider, "spec.issuer", "https://localhost:9444/oauth2/token"},
		{provider, "spec.issuer", "accounts.example.com"},
		{provider, "spec.issuer", "urn:example:issuer#1"},
		{provider, "spec.issuer", strings.Repeat("i", 512)},
		{provider, "spec.grantEnabled", false},
		{provider, "spec.audienceAliases", distinct(16)},
		{provider, "spec.audienceAliases[0]", "!~"},
		{provider, "spec.algorithms", []any{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}},
		{provider, "spec.certificateSecretRef.key", "_ca.Bundle-1.der"},
		{provider, "spec.certificateSecretRef.name", strings.Repeat("n", 253)},
		{provider, "spec.certificateSecretRef.name", "a.b-c.9"},
		{provider, "spec.jwks.keys[0]", map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "pub": "eA", "x5c": []any{"eA"}}},
		{provider, "spec.scopes", distinct(128)},
		{provider, "spec.scopes[0]", "!#[]~https://example.com/read.write"},
		{oauthClient, "spec.clientID", "x"},
		{oauthClient, "spec.clientID", "My client (тест) 1 & 2"},
		{oauthClient, "spec.clientID", strings.Repeat("€", 256)},
		{oauthClient, "spec.grantTypes", []any{"RefreshToken", "ClientCredentials", "TokenExchange", "JWTBearer"}},
		{oauthClient, "spec.grantTypes", []any{"TokenExchange", "RefreshToken"}},
		{oauthClient, "spec.refreshToken", map[string]any{}},
		{oauthClient, "spec.clientID", "team-a/partner:alice"},
		{oauthClient, "spec.identityProviders", []any{map[string]any{"name": "a"}, map[string]any{"name": "b.c"}}},
		{oauthClient, "spec.resources", []any{"urn:example:orders", "https://api.example.com/v1?x=%20", "spiffe://example.com/orders"}},
		{oauthClient, "spec.resourceServer.resources", []any{"urn:example:orders", "https://api.example.com/v1?x=%20"}},
		{oauthClient, "spec.accessToken", map[string]any{}},

		{provider, "spec.jwksURI.caSecretRef", map[string]any{"name": "a.b-c.9", "key": "..data_CA"}},
		{provider, "spec.claimValidationRules", rules(16)},
		{provider, "spec.claimValidationRules[0]", map[string]any{"claim": "two words, ünd mehr", "requiredValue": " "}},
		{provider, "spec.claimValidationRules[0]", map[string]any{"expression": "claims.a ==\n  'b'"}},
		{provider, "spec.claimValidationRules[0].message", "Только для своих"},
		{provider, "spec.claimMappings", mappings(16)},
		{provider, "spec.claimMappings[0].claim", "https://example.com/claims/team"},
		{provider, "spec.subject", map[string]any{"prefix": ""}},
		{provider, "spec.subject", map[string]any{"expression": "claims.email"}},
		{provider, "spec.subject.prefix", "a/b"},
		{provider, "spec.subject.prefix", "https://issuer.example.com/"},
		{provider, "spec.subject.prefix", "a:b/c:"},
		{provider, "spec.allowedClientNamespaces", map[string]any{"from": "All"}},
		{provider, "spec.allowedClientNamespaces.namespaces", distinct(64)},
		{provider, "spec.allowedClientNamespaces.namespaces[0]", strings.Repeat("n", 63)},
		{oauthClient, federated + ".subject", "repo:example/app:ref:refs/heads/main"},
		{oauthClient, federated + ".subject", strings.Repeat("€", 512)},
		{oauthClient, federated + ".identityProviderRef", map[string]any{"name": "cluster.local"}},
		{oauthClient, "spec.identityProviders", []any{
			map[string]any{"name": "b", "namespace": "team-b"}, map[string]any{"name": "b"}, map[string]any{"name": "b", "namespace": "team-b"},
		}},
		{oauthClient, clientSecret, map[string]any{"secretRef": map[string]any{"name": "own"}, "generate": false}},
	}
	for _, profile := range []string{"Generic", "Kubernetes", "SPIFFE", "GitHubActions", "IDJAG"} {
		rows = append(rows, right{provider, "spec.profile", profile})
	}
	for _, url := range goodURLs {
		rows = append(
			rows, right{provider, "spec.jwksURI.url", url}, right{provider, "spec.discovery.url", url},
			right{oauthClient, privateKeyJWT + ".jwksURI.url", url},
		)
	}
	return rows
}

// goodURLs are what the operator may be told to fetch. Whether it does, for http and for the addresses of insiders, is a
// matter of its flags.
var goodURLs = []string{
	"https://issuer.example.com", "https://issuer.example.com/", "https://issuer.example.com./jwks", "https://ISSUER.example.com/jwks",
	"https://issuer.example.com:8443/oauth2/jwks", "https://issuer.example.com?tenant=1", "https://issuer.example.com/jwks?tenant=a%20b&v=1@2",
	"https://issuer.example.com/@tenant/keys:all;v=1,2/~(x)", "https://issuer.example.com/a/../b/%2e%2e", "https://xn--bcher-kva.example/jwks",
	"https://jwks", "https://1.2.3.4:65535/jwks", "https://[::1]/jwks", "https://[2001:DB8::1]:8443/jwks", "https://[::ffff:127.0.0.1]",
	"http://issuer.team-b.svc:8080/jwks", "http://127.0.0.1/jwks", "https://169.254.169.254/latest", "https://a/" + strings.Repeat("j", 2038),
}
