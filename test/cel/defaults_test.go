package cel

// Defaults that every object has.
const (
	providerDefaults = `
issuer: https://issuer.example.com
audienceAliases: ["https://auth.example.com/oauth2/token"]
profile: Generic
grantEnabled: true
certificateExpiry: Enforce
clockSkew: 30s
`
	clientDefaults = `
grantEnabled: true
grantTypes: [JWTBearer]
accessToken: {lifetime: 1h, capToAssertion: false}
`
	sameNamespace = "allowedClientNamespaces: {from: Same}\n"
)

// defaults are small objects as they are written and as they are stored. What a profile presets has no default in the
// schema: an absent field must stay absent, or it would count more than the preset.
var defaults = map[string]struct{ kind, written, stored string }{
	"provider": {
		provider, minimalSpecs[provider],
		providerDefaults + sameNamespace + `certificateSecretRef: {name: partner-cert, key: tls.crt}`,
	},
	"provider with keys": {
		provider, minimalIssuer + `jwks: {keys: [{kty: OKP, crv: Ed25519, x: eA}]}`,
		providerDefaults + sameNamespace + `jwks: {keys: [{kty: OKP, crv: Ed25519, x: eA}]}`,
	},
	"provider with jwksURI": {
		provider, minimalIssuer + `jwksURI: {url: "https://issuer.example.com/jwks", caSecretRef: {name: ca}}`,
		providerDefaults + sameNamespace +
			`jwksURI: {url: "https://issuer.example.com/jwks", caSecretRef: {name: ca, key: ca.crt}, refreshInterval: 10m, maxStale: 24h}`,
	},
	"provider with discovery": {
		provider, minimalIssuer + `discovery: {}`,
		providerDefaults + sameNamespace + `discovery: {refreshInterval: 10m, maxStale: 24h}`,
	},
	"provider with discovery and authorities": {
		provider, minimalIssuer + `discovery: {caConfigMapRef: {name: ca}}`,
		providerDefaults + sameNamespace + `discovery: {caConfigMapRef: {name: ca, key: ca.crt}, refreshInterval: 10m, maxStale: 24h}`,
	},
	"provider with clusterIssuer": {
		provider, minimalIssuer + `clusterIssuer: {}`,
		providerDefaults + sameNamespace + `clusterIssuer: {refreshInterval: 10m, maxStale: 24h}`,
	},
	"provider for namespaces": {
		provider, minimalIssuer + "clusterIssuer: {}\nallowedClientNamespaces: {}",
		providerDefaults + sameNamespace + `clusterIssuer: {refreshInterval: 10m, maxStale: 24h}`,
	},
	"client": {
		oauthClient, minimalSpecs[oauthClient],
		clientDefaults + `authentication: {clientSecret: {secretRef: {name: playground}, generate: false}}`,
	},
	"client with jwksURI": {
		oauthClient, `authentication: {privateKeyJWT: {jwksURI: {url: "https://app.example.com/jwks", caConfigMapRef: {name: ca}}}}`,
		clientDefaults + `authentication:
  privateKeyJWT:
    jwksURI: {url: "https://app.example.com/jwks", caConfigMapRef: {name: ca, key: ca.crt}, refreshInterval: 10m, maxStale: 24h}`,
	},
	"client with a certificate": {
		oauthClient, `authentication: {privateKeyJWT: {certificateSecretRef: {name: app-cert}}}`,
		clientDefaults + `authentication: {privateKeyJWT: {certificateSecretRef: {name: app-cert, key: tls.crt}}}`,
	},
	"federated client": {
		oauthClient, `authentication: {federated: {identityProviderRef: {name: cluster}, subject: s}}`,
		clientDefaults + `authentication: {federated: {identityProviderRef: {name: cluster}, subject: s}}`,
	},
	"public client": {
		oauthClient, `authentication: {public: {}}`,
		clientDefaults + `authentication: {public: {}}`,
	},
}
