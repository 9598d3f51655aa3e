package standalone

import (
	"crypto/elliptic"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/tokenserver/trust"
)

// jwks is a set of one key, as the spec has it.
func jwks(t *testing.T) string {
	t.Helper()
	point, err := jwttest.EC("partner", elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return "{keys: [{kty: EC, crv: P-256, kid: k1, x: " + b64(point[1:33]) + ", \"y\": " + b64(point[33:]) + "}]}"
}

// idp is an IdentityProvider; its lines are those of the spec.
func idp(ns, name string, spec ...string) string {
	return "apiVersion: grantor.dev/v1alpha1\nkind: IdentityProvider\nmetadata: {namespace: " + ns + ", name: " + name + "}\nspec:\n" +
		"  issuer: https://" + name + ".example\n  audienceAliases: [https://auth.example]\n  " + strings.Join(spec, "\n  ") + "\n---\n"
}

func oac(ns, name string, spec ...string) string {
	return "apiVersion: grantor.dev/v1alpha1\nkind: OAuthClient\nmetadata: {namespace: " + ns + ", name: " + name + "}\nspec:\n  " +
		strings.Join(spec, "\n  ") + "\n---\n"
}

// loaded is what a folder with one file comes to, with what is logged.
func loaded(t *testing.T, text string) (*trust.Snapshot, string) {
	t.Helper()
	w := newWorld(t)
	w.write("all.yaml", text)
	w.load()
	return w.store.Snapshot(), w.log.String()
}

func TestProfilesApply(t *testing.T) {
	rule := "claimValidationRules: [{claim: sub, requiredValue: system:serviceaccount:a:b}]"
	s, log := loaded(t, idp("a", "cluster", "profile: Kubernetes", "jwks: "+jwks(t), rule)+idp("a", "mesh", "profile: SPIFFE", "jwks: "+jwks(t)))
	cluster, mesh := s.Provider("a", "https://cluster.example"), s.Provider("a", "https://mesh.example")
	if cluster == nil || cluster.SubjectForm != trust.SubjectServiceAccount || cluster.Replay != trust.ReplayReuse || cluster.Rules == nil {
		t.Errorf("cluster %+v, log %s", cluster, log)
	}
	if mesh == nil || mesh.SubjectForm != trust.SubjectSPIFFEID || !mesh.SoleAudience || mesh.SubjectPrefix != "a/mesh:" {
		t.Errorf("mesh %+v, log %s", mesh, log)
	}
	if strings.Contains(log, "not Ready") {
		t.Errorf("log %s", log)
	}
}

// What is not Ready on a cluster is left out here, with the same words.
func TestNotReadyIsLeftOut(t *testing.T) {
	for name, tc := range map[string]struct{ text, say string }{
		"identity rule": {idp("a", "x", "profile: GitHubActions", "jwks: "+jwks(t)), "IdentityRuleMissing: Everybody's workflows"},
		"expression":    {idp("a", "x", "claimValidationRules: [{expression: claims.sub ==, message: m}]", "jwks: "+jwks(t)), "InvalidExpression: spec.claimValidationRules[0].expression: 1:"},
		"remote keys":   {idp("a", "x", "jwksURI: {url: https://idp.example/jwks}"), "standalone mode fetches nothing: put the keys into jwks"},
		"discovery":     {idp("a", "x", "discovery: {}"), "standalone mode fetches nothing"},
		"cluster":       {idp("a", "x", "claimValidationRules: [{claim: sub, requiredValue: x}]", "clusterIssuer: {}"), "standalone mode fetches nothing"},
		"remote keys with a CA": {
			idp("a", "x", "jwksURI: {url: https://idp.example/jwks, caConfigMapRef: {name: ca}}"), "standalone mode fetches nothing",
		},
		"remote keys with a CA in a Secret": {
			idp("a", "x", "discovery: {caSecretRef: {name: ca}}"), "standalone mode fetches nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := loaded(t, tc.text)
			if providers, _ := s.Counts(); providers != 0 || !strings.Contains(log, "not Ready") || !strings.Contains(log, tc.say) {
				t.Errorf("%d providers, log %s", providers, log)
			}
		})
	}
}

func TestClientMethods(t *testing.T) {
	provider := idp("a", "x", "jwks: "+jwks(t))
	for name, tc := range map[string]struct {
		auth string
		want trust.Authentication
		keys int
	}{
		"keys":      {"privateKeyJWT: {jwks: " + jwks(t) + "}", trust.AuthenticationPrivateKey, 1},
		"federated": {"federated: {identityProviderRef: {name: x}, subject: me}", trust.AuthenticationFederated, 0},
		"public":    {"public: {}", trust.AuthenticationNone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := loaded(t, provider+oac("a", "app", "authentication: {"+tc.auth+"}"))
			c := s.Client("a.app")
			if c == nil || c.Authentication != tc.want || len(c.Keys) != tc.keys || strings.Contains(log, "not Ready") {
				t.Fatalf("client %+v, log %s", c, log)
			}
			if tc.want == trust.AuthenticationFederated && c.Workload != (trust.Workload{Provider: trust.ObjectKey{Namespace: "a", Name: "x"}, Subject: "me"}) {
				t.Errorf("workload %+v", c.Workload)
			}
		})
	}
	s, log := loaded(t, oac("a", "app", "authentication: {privateKeyJWT: {jwksURI: {url: https://client.example/jwks, caConfigMapRef: {name: ca}}}}"))
	if c := s.Client("a.app"); c == nil || c.Authentication != trust.AuthenticationPrivateKey || len(c.Keys) != 0 || !strings.Contains(log, "standalone mode fetches nothing") {
		t.Errorf("client %+v, log %s", c, log)
	}
}

// A provider of another namespace counts where both agree.
func TestReferencesAcrossNamespaces(t *testing.T) {
	client := oac("a", "app", "authentication: {public: {}}", "identityProviders: [{namespace: b, name: x}]")
	for name, tc := range map[string]struct {
		allowed string
		want    bool
	}{
		"listed":   {"allowedClientNamespaces: {from: Listed, namespaces: [a]}", true},
		"not said": {"grantEnabled: true", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := loaded(t, client+idp("b", "x", "jwks: "+jwks(t), tc.allowed))
			c := s.Client("a.app")
			if c == nil || (s.ProviderFor(c, "https://x.example") != nil) != tc.want || strings.Contains(log, "ReferenceNotPermitted") == tc.want {
				t.Errorf("client %+v, log %s", c, log)
			}
		})
	}
}
