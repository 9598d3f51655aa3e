package cel

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// fullSpecs hold every field of a spec that can stand beside the others, with a right value. Where a spec wants one of
// several, they hold the first; the variants hold the others.
var fullSpecs = map[string]string{
	provider: `
issuer: https://issuer.example.com
profile: Kubernetes
grantEnabled: true
jwks:
  keys:
  - ` + fullKey + `
audienceAliases: ["https://auth.example.com/oauth2/token"]
audiencePolicy: Sole
certificateExpiry: Ignore
algorithms: [RS256]
clockSkew: 1m
maxAge: 10m
maxLifetime: 1h
replay: OneTime
scopes: [read]
claimValidationRules: [{claim: repository_owner, requiredValue: example}]
claimMappings: [{claim: team, expression: claims.team}]
subject: {expression: claims.email, prefix: "partner:"}
allowedClientNamespaces: {from: Listed, namespaces: [team-b]}
`,
	oauthClient: `
clientID: 4WCCBckEpMMM5oFmC59EEtJXpzEa
grantEnabled: true
grantTypes: [JWTBearer, RefreshToken]
authentication:
  clientSecret:
    secretRef: {name: playground}
    generate: true
    rotationInterval: 720h
identityProviders: [{name: partner, namespace: team-b}]
scopes: [read]
resources: ["https://api.example.com"]
accessToken: {lifetime: 1m, capToAssertion: true}
refreshToken: {lifetime: 720h}
resourceServer: {resources: ["https://own.example.com"]}
`,
}

// Parts of specs that occur more than once. A full key has the members of every key type.
const (
	fullKey = `{kty: RSA, kid: first, use: sig, key_ops: [verify], alg: RS256, "n": bW9kdWx1cw, e: AQAB, crv: P-256, x: eA, "y": eQ}`
	fullURL = `url: "https://issuer.example.com/jwks", refreshInterval: 5m, maxStale: 48h`
	fullRef = `{name: partner-ca, key: bundle.pem}`
)

// variant is a full spec with another choice made where a spec wants one of several.
type variant struct {
	kind string
	// chosen are the fields that are right in this variant and not in the full spec, with all below them.
	chosen []string
	// patch makes the variant from the full spec, as a JSON merge patch does (RFC 7386): null leaves a field out.
	patch string
}

var variants = []variant{
	{provider, []string{"spec.certificateSecretRef"}, `{jwks: null, certificateSecretRef: {name: partner-cert, key: cert.der}}`},
	{provider, []string{"spec.jwksURI"}, `{jwks: null, jwksURI: {` + fullURL + `, caSecretRef: ` + fullRef + `}}`},
	{provider, []string{"spec.jwksURI.caConfigMapRef"}, `{jwks: null, jwksURI: {` + fullURL + `, caConfigMapRef: ` + fullRef + `}}`},
	{provider, []string{"spec.discovery"}, `{jwks: null, discovery: {` + fullURL + `, caSecretRef: ` + fullRef + `}}`},
	{provider, []string{"spec.discovery.url"}, `{jwks: null, issuer: accounts.example.com, discovery: {` + fullURL + `}}`},
	{provider, []string{"spec.discovery.caConfigMapRef"}, `{jwks: null, discovery: {` + fullURL + `, caConfigMapRef: ` + fullRef + `}}`},
	{provider, []string{"spec.clusterIssuer"}, `{jwks: null, clusterIssuer: {refreshInterval: 5m, maxStale: 48h}}`},
	{
		provider,
		[]string{"spec.claimValidationRules[0].expression", "spec.claimValidationRules[0].message"},
		`{claimValidationRules: [{expression: claims.verified, message: not verified}]}`,
	},
	{oauthClient, []string{privateKeyJWT}, authentication(`privateKeyJWT: {jwks: {keys: [` + fullKey + `]}}`)},
	{
		oauthClient,
		[]string{privateKeyJWT + ".certificateSecretRef"},
		authentication(`privateKeyJWT: {certificateSecretRef: {name: client-cert, key: cert.der}}`),
	},
	{
		oauthClient,
		[]string{privateKeyJWT + ".jwksURI"},
		authentication(`privateKeyJWT: {jwksURI: {` + fullURL + `, caSecretRef: ` + fullRef + `}}`),
	},
	{
		oauthClient,
		[]string{privateKeyJWT + ".jwksURI.caConfigMapRef"},
		authentication(`privateKeyJWT: {jwksURI: {` + fullURL + `, caConfigMapRef: ` + fullRef + `}}`),
	},
	{
		oauthClient,
		[]string{federated},
		authentication(`federated: {identityProviderRef: {name: cluster, namespace: platform}, subject: "system:serviceaccount:team-a:worker"}`),
	},
	{oauthClient, []string{"spec.authentication.public"}, `{resourceServer: null, authentication: {clientSecret: null, public: {}}}`},
	{oauthClient, []string{"spec.grantTypes without any"}, `{grantTypes: [], refreshToken: null}`},
	{oauthClient, []string{"spec.grantTypes of its own"}, `{grantTypes: [ClientCredentials], refreshToken: null}`},
}

// authentication patches a client to authenticate otherwise than by a client secret.
func authentication(method string) string {
	return `{authentication: {clientSecret: null, ` + method + `}}`
}

// full returns an object of a kind with all fields that can stand beside the one at a path.
func full(t *testing.T, kind, path string) *unstructured.Unstructured {
	t.Helper()
	patch, longest := "{}", ""
	for _, v := range variants {
		for _, chosen := range v.chosen {
			if v.kind == kind && isWithin(path, chosen) && len(chosen) > len(longest) {
				patch, longest = v.patch, chosen
			}
		}
	}
	return patched(t, kind, patch)
}

// isWithin reports whether a path is that of a field or of what it holds.
func isWithin(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// patched returns the full object of a kind with a patch applied to its spec.
func patched(t *testing.T, kind, patch string) *unstructured.Unstructured {
	t.Helper()
	u := object(t, kind, "row", fullSpecs[kind])
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(patch), &fields); err != nil {
		t.Fatalf("the test's own YAML: %v", err)
	}
	u.Object["spec"] = merge(u.Object["spec"], fields)
	return u
}

// merge applies a JSON merge patch (RFC 7386 §2).
func merge(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = merge(merged[name], value)
		}
	}
	return merged
}

// everyVariant returns the full object of a kind and those of its variants.
func everyVariant(t *testing.T, kind string) map[string]*unstructured.Unstructured {
	t.Helper()
	objects := map[string]*unstructured.Unstructured{"full": object(t, kind, "row", fullSpecs[kind])}
	for _, v := range variants {
		if v.kind == kind {
			objects[v.chosen[0]] = patched(t, kind, v.patch)
		}
	}
	return objects
}
