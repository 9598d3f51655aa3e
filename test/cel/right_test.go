package cel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestDefaults creates the smallest objects and compares what is stored with what the fields' documentation promises.
func TestDefaults(t *testing.T) {
	for kind, want := range map[string]string{
		provider: `
issuer: https://issuer.example.com
audienceAliases: ["https://auth.example.com/oauth2/token"]
certificateSecretRef: {name: partner-cert, key: tls.crt}
grantEnabled: true
audiencePolicy: Any
certificateExpiry: Enforce
clockSkew: 30s
maxLifetime: 24h
replay: OneTimeIfPresent
`,
		oauthClient: `
authentication: {clientSecret: {secretRef: {name: playground}, generate: false}}
grantEnabled: true
grantTypes: [JWTBearer]
accessToken: {lifetime: 1h, capToAssertion: false}
`,
	} {
		t.Run(kind, func(t *testing.T) {
			var spec map[string]any
			if err := yaml.Unmarshal([]byte(want), &spec); err != nil {
				t.Fatal(err)
			}
			complaints, stored := judge(t.Context(), t, object(t, kind, "minimal", minimalSpecs[kind]))
			if len(complaints) > 0 {
				t.Fatalf("refused: %v", complaints)
			}
			if diff := cmp.Diff(spec, stored.Object["spec"]); diff != "" {
				t.Errorf("stored otherwise than documented (-documented +stored):\n%s", diff)
			}
		})
	}
}

// TestFullObjects sets every field, and keeps what it sets.
func TestFullObjects(t *testing.T) {
	for kind, spec := range fullSpecs {
		t.Run(kind, func(t *testing.T) {
			u := object(t, kind, "full", spec)
			complaints, stored := judge(t.Context(), t, u)
			if len(complaints) > 0 {
				t.Fatalf("refused: %v", complaints)
			}
			if diff := cmp.Diff(u.Object["spec"], stored.Object["spec"]); diff != "" {
				t.Errorf("not kept as written (-written +stored):\n%s", diff)
			}
			for _, f := range specFields(t) {
				unusable := strings.HasPrefix(f.path, "spec.certificateSecretRef") || f.path == "spec.jwks.keys[].d" || f.path == "spec.jwks.keys[].k"
				if f.kind == kind && !unusable && at(stored, f.example()) == nil {
					t.Errorf("the full %s does not set %s", kind, f.path)
				}
			}
		})
	}
}

func TestRightValues(t *testing.T) {
	for _, r := range []struct {
		kind, at string
		value    any
	}{
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
		{oauthClient, "spec.grantTypes", []any{}},
		{oauthClient, "spec.identityProviders", []any{map[string]any{"name": "a"}, map[string]any{"name": "b.c"}}},
		{oauthClient, "spec.resources", []any{"urn:example:orders", "https://api.example.com/v1?x=%20", "spiffe://example.com/orders"}},
		{oauthClient, "spec.accessToken", map[string]any{}},
	} {
		t.Run(wrong{kind: r.kind, at: r.at, value: r.value}.name(), func(t *testing.T) {
			complaints, stored := judge(t.Context(), t, with(t, r.kind, r.at, r.value))
			if len(complaints) > 0 {
				t.Fatalf("refused: %v", complaints)
			}
			if m, ok := r.value.(map[string]any); ok && len(m) == 0 {
				return // filled in with defaults
			}
			if diff := cmp.Diff(r.value, at(stored, r.at)); diff != "" {
				t.Errorf("not kept as written (-written +stored):\n%s", diff)
			}
		})
	}
}
