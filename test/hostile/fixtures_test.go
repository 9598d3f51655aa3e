package hostile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jwttest"
)

// object is a manifest.
type object = map[string]any

// secrets are the client secrets, by client id; each is an unmistakable text.
var secrets = map[string]string{
	"c1":          "S1-correct-horse-battery-staple",
	"c1 previous": "S0-previous-horse-battery-staple",
	"c2":          "S2-correct-horse-battery-staple",
	"c3":          "S3-correct-horse-battery-staple",
	"c4":          "S4-correct-horse-battery-staple",
	"c5":          "S5-correct-horse-battery-staple",
	"cap":         "S6-correct-horse-battery-staple",
	"resources":   "S7-correct-horse-battery-staple",
	"no-scope":    "S8-correct-horse-battery-staple",
	"short":       "S9-correct-horse-battery-staple",
	"grants":      "SG-correct-horse-battery-staple",
	special:       "p:a%s+s wörd ~!*'()-S10",
	"b1":          "SB-correct-horse-battery-staple",
	"stolen":      "SX-correct-horse-battery-staple",
	"rt":          "SR-correct-horse-battery-staple",
	"rt-other":    "SQ-correct-horse-battery-staple",
	"rt-cap":      "ST-correct-horse-battery-staple",
	"api":         "SA-correct-horse-battery-staple",
	"other-api":   "SO-correct-horse-battery-staple",
}

// special is a client id that must be form-encoded within Basic.
const special = "a:b%c+d é/ü"

func secretOf(client string) string { return secrets[client] }

func fixedSecrets() []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s)
	}
	return all
}

// usualObjects are the manifests of the usual server.
func usualObjects(tokenEndpoint string) []object {
	return slices.Concat(usualProviders(tokenEndpoint), otherFormsOfKeys(), usualClients())
}

func usualClients() []object {
	scopes := []string{"read", "write", "admin:own"}
	client := func(id string, spec object) []object {
		if spec["scopes"] == nil {
			spec["scopes"] = scopes
		}
		return oauthClient("ns-a", "client-"+fmt.Sprintf("%x", id), id, secrets[id], spec)
	}
	all := client("c1", object{})
	all[1]["stringData"].(object)["previous_client_secret"] = secrets["c1 previous"] //nolint:errcheck,forcetypeassert // See oauthClient.
	withRefresh := []string{"JWTBearer", "RefreshToken"}
	for id, spec := range map[string]object{
		"c2":        {"identityProviders": []object{{"name": "idp-b"}}},
		"c3":        {"grantTypes": []string{}},
		"c4":        {"grantEnabled": false},
		"c5":        {},
		"cap":       {"accessToken": object{"lifetime": "1h", "capToAssertion": true}},
		"resources": {"resources": []string{"https://api.example.com", "urn:example:second"}},
		"no-scope":  {"scopes": []string(nil)},
		"short":     {"accessToken": object{"lifetime": "1m"}},
		"grants":    {"grantTypes": []string{"JWTBearer", "ClientCredentials", "TokenExchange"}, "resources": []string{"https://api.example.com", "urn:example:second"}},
		special:     {},
		"rt":        {"grantTypes": withRefresh},
		"rt-other":  {"grantTypes": withRefresh, "refreshToken": object{"lifetime": "1h"}},
		"rt-cap":    {"grantTypes": withRefresh, "accessToken": object{"lifetime": "1h", "capToAssertion": true}},
		"api":       {"grantTypes": []string{}, "resourceServer": object{"resources": []string{"https://api.example.com"}}},
		"other-api": {"grantTypes": []string{}, "resourceServer": object{"resources": []string{"https://api.example.com/", "https://api.example.co"}}},
	} {
		all = append(all, client(id, spec)...)
	}
	all = append(all, oauthClient("ns-b", "b1", "b1", secrets["b1"], object{"scopes": scopes})...)
	// A client of ns-b that claims the id of another one.
	all = append(all, oauthClient("ns-b", "thief", "c1", secrets["stolen"], object{"scopes": scopes})...)
	all = append(all, clientsOfOtherMethods()...)
	public := client("rt-public", object{"grantTypes": withRefresh})[0]
	public["spec"].(object)["authentication"] = object{"public": object{}} //nolint:errcheck,forcetypeassert // See oauthClient.
	all = append(all, public)
	// A client whose Secret is missing.
	return append(all, oauthClient("ns-a", "no-secret", "no-secret", "", object{"scopes": scopes})[0])
}

// clientsOfOtherMethods are p1, which is public, k1, which signs with a key, and w1, the workload worker of idp-b.
func clientsOfOtherMethods() (all []object) {
	for id, authentication := range map[string]object{
		"p1": {"public": object{}},
		"k1": {"privateKeyJWT": object{"jwks": object{"keys": []object{jwk("k1", publicOf(ecKey("k1")), nil)}}}},
		"w1": {"federated": object{"identityProviderRef": object{"name": "idp-b"}, "subject": "worker"}},
	} {
		client := oauthClient("ns-a", id, id, "", object{
			"scopes": []string{"read", "write"}, "resources": []string{"urn:example:own", "https://api.example.com"},
		})[0]
		client["spec"].(object)["authentication"] = authentication //nolint:errcheck,forcetypeassert // See oauthClient.
		all = append(all, client)
	}
	return all
}

// oauthClient returns a client and its Secret.
func oauthClient(namespace, name, id, secret string, spec object) []object {
	spec["clientID"] = id
	spec["authentication"] = object{"clientSecret": object{"secretRef": object{"name": name}}}
	if s, ok := spec["scopes"].([]string); ok && s == nil {
		delete(spec, "scopes")
	}
	return []object{
		{"apiVersion": "grantor.dev/v1alpha1", "kind": "OAuthClient", "metadata": object{"namespace": namespace, "name": name}, "spec": spec},
		{
			"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": namespace, "name": name},
			"stringData": object{"client_secret": secret},
		},
	}
}

func usualProviders(tokenEndpoint string) []object {
	now := time.Now()
	valid := []time.Time{now.Add(-time.Hour), now.Add(24 * time.Hour)}
	expired := []time.Time{now.Add(-48 * time.Hour), now.Add(-24 * time.Hour)}
	aliases := []string{alias, tokenEndpoint, legacyAlias}
	provider := func(namespace, name string, spec object) object {
		if spec["issuer"] == nil {
			spec["issuer"] = "https://" + name + ".test"
		}
		if spec["audienceAliases"] == nil {
			spec["audienceAliases"] = aliases
		}
		return object{"apiVersion": "grantor.dev/v1alpha1", "kind": "IdentityProvider", "metadata": object{"namespace": namespace, "name": name}, "spec": spec}
	}
	byCertificate := func(name string, spec object, pems ...string) []object {
		spec["certificateSecretRef"] = object{"name": name + "-cert"}
		return []object{provider("ns-a", name, spec), {
			"apiVersion": "v1", "kind": "Secret", "metadata": object{"namespace": "ns-a", "name": name + "-cert"},
			"stringData": object{"tls.crt": strings.Join(pems, "")},
		}}
	}
	byJWKS := func(namespace, name string, spec object, keys ...object) []object {
		if keys == nil {
			keys = []object{jwk("", publicOf(ecKey(name)), nil)}
		}
		spec["jwks"] = object{"keys": keys}
		return []object{provider(namespace, name, spec)}
	}
	rs256 := []string{"RS256"}
	rsaA, rsaB := jwttest.RSA("idp-a", 2048), jwttest.RSA("idp-b", 2048)
	var out []object
	for _, objects := range [][]object{
		byCertificate("idp-a", object{"algorithms": rs256}, certificateOfA()),
		byJWKS("ns-a", "idp-b", object{}, jwk("b1", rsaB.Public(), object{"alg": "RS256", "use": "sig"}), jwk("b2", publicOf(ecKey("b2")), nil)),
		byCertificate("idp-c", object{"grantEnabled": false}, certificate(ecKey("idp-c"), valid)),
		byCertificate("idp-d", object{}, certificate(ecKey("idp-d"), expired)),
		byCertificate("idp-d-ignore", object{"certificateExpiry": "Ignore"}, certificate(ecKey("idp-d-ignore"), expired)),
		byCertificate("idp-future", object{}, certificate(ecKey("idp-future"), []time.Time{now.Add(time.Hour), now.Add(48 * time.Hour)})),
		byCertificate("idp-overlap", object{}, certificate(ecKey("idp-overlap-old"), expired), certificate(ecKey("idp-overlap"), valid)),
		byCertificate("idp-weak", object{}, certificate(jwttest.RSA("idp-weak", 1024), valid)),
		byCertificate("idp-p224", object{}, certificate(jwttest.EC("idp-p224", elliptic.P224()), valid)),
		byJWKS("ns-a", "idp-e1", object{}, object{"kty": "RSA", "n": modulus(rsaA), "e": "AQ"}),
		byJWKS("ns-a", "idp-e3", object{}, object{"kty": "RSA", "n": modulus(rsaA), "e": "Aw"}),
		byJWKS("ns-a", "idp-even", object{}, object{"kty": "RSA", "n": evenModulus(rsaA), "e": "AQAB"}),
		byJWKS("ns-a", "idp-nobody", object{}, object{"kty": "OKP", "crv": "Ed25519", "x": base64url(make([]byte, ed25519.PublicKeySize))}),
		byJWKS("ns-a", "idp-use", object{}, manyKeys()...),
		byJWKS("ns-a", "idp-sole", object{"audiencePolicy": "Sole", "audienceAliases": append(aliases, "sole-alias")}),
		byJWKS("ns-a", "idp-once", object{"replay": "OneTime", "clockSkew": "0s"}),
		byJWKS("ns-a", "idp-jag", object{"profile": "IDJAG", "clockSkew": "0s", "audienceAliases": append(aliases, strings.TrimSuffix(tokenEndpoint, "/oauth2/token"))}),
		byJWKS("ns-a", "idp-reuse", object{"replay": "Reuse"}),
		byJWKS("ns-a", "idp-age", object{"maxAge": "30s", "clockSkew": "0s", "replay": "Reuse"}),
		byJWKS("ns-a", "idp-zero", object{"clockSkew": "0s"}),
		byJWKS("ns-a", "idp-skew", object{"clockSkew": "3s"}),
		byJWKS("ns-a", "idp-brief", object{"maxLifetime": "1m", "clockSkew": "0s"}),
		byJWKS("ns-a", "idp-scopes", object{"scopes": []string{"read", "other"}}),
		byJWKS("ns-a", "idp-mapped", object{"claimMappings": []object{
			{"claim": "groups", "expression": "claims.groups"},
			{"claim": "level", "expression": "claims.level"},
			{"claim": "ok", "expression": "claims.ok"},
			{"claim": "who", "expression": "claims.who"},
		}}),
		byJWKS("ns-a", "idp-aliases", object{"audienceAliases": []string{"https://as.test", "https://as.test:8443/x?y=z#f"}}),
		// A later claim to the issuer of idp-a in its own namespace, and one in another.
		byJWKS("ns-a", "z-rival", object{"issuer": issuerA}, jwk("", publicOf(ecKey("rival")), nil)),
		byJWKS("ns-b", "evil", object{"issuer": issuerA}, jwk("", publicOf(ecKey("evil")), nil)),
		byJWKS("ns-b", "tenant-b", object{}),
	} {
		out = append(out, objects...)
	}
	return out
}

// manyKeys are keys of all types and purposes, of which those that are not for signatures must not verify any.
func manyKeys() []object {
	ec := func(kid string, curve elliptic.Curve) object { return jwk(kid, jwttest.EC(kid, curve).Public(), nil) }
	return []object{
		jwk("enc", publicOf(ecKey("enc")), object{"use": "enc"}),
		jwk("ops", publicOf(ecKey("ops")), object{"key_ops": []string{"encrypt"}}),
		jwk("ed", jwttest.Ed25519("ed").Public(), nil),
		jwk("ps", jwttest.RSA("idp-b", 2048).Public(), object{"alg": "PS256"}),
		ec("p384", elliptic.P384()),
		ec("p521", elliptic.P521()),
		jwk("sig", publicOf(ecKey("sig")), object{"use": "sig", "alg": "ES256"}),
		jwk("twin", publicOf(ecKey("twin-1")), nil),
		jwk("twin", publicOf(ecKey("twin-2")), nil),
	}
}

// jwk returns a public key as JWK with further members.
func jwk(kid string, public crypto.PublicKey, more object) object {
	k := object{}
	if kid != "" {
		k["kid"] = kid
	}
	switch p := public.(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", base64url(p.N.Bytes()), base64url(big.NewInt(int64(p.E)).Bytes())
	case ed25519.PublicKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", base64url(p)
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			panic(err)
		}
		size := len(point) / 2
		k["kty"], k["crv"], k["x"], k["y"] = "EC", p.Params().Name, base64url(point[1:1+size]), base64url(point[1+size:])
	default:
		panic(fmt.Sprintf("no JWK of %T", public))
	}
	maps.Copy(k, more)
	return k
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func publicOf(key any) crypto.PublicKey {
	return key.(crypto.Signer).Public() //nolint:errcheck,forcetypeassert // Every private key is one.
}

func modulus(k *rsa.PrivateKey) string { return base64url(k.N.Bytes()) }

func evenModulus(k *rsa.PrivateKey) string {
	return base64url(new(big.Int).Sub(k.N, big.NewInt(1)).Bytes())
}

// certificateOfA is the certificate of idp-a, in PEM.
var certificateOfA = sync.OnceValue(func() string {
	return certificate(jwttest.RSA("idp-a", 2048), []time.Time{time.Now().Add(-time.Hour), time.Now().Add(24 * time.Hour)})
})

func certificate(key any, validity []time.Time) string {
	signer := key.(crypto.Signer) //nolint:errcheck,forcetypeassert // Every private key is one.
	der := jwttest.Certificate(signer, validity[0], validity[1])
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// write puts manifests into the folder of the server, all at once.
func (s *server) write(t *testing.T, objects []object) {
	t.Helper()
	var text strings.Builder
	for _, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(b) + "\n")
	}
	temporary := filepath.Join(s.manifests, ".new")
	if err := os.WriteFile(temporary, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(s.manifests, "all.yaml")); err != nil {
		t.Fatal(err)
	}
}
