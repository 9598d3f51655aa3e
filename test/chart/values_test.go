package chart

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/internal/app"
)

// TestEverySwitchHasAnEffect is about those that take something away.
func TestEverySwitchHasAnEffect(t *testing.T) {
	before := render(t, "auth", issuerAlone())
	for path, hides := range hidden {
		after := render(t, "auth", with(path, false))
		if !strings.Contains(before.text, hides) || strings.Contains(after.text, hides) {
			t.Errorf("%s does not take %q away", path, hides)
		}
		mustBeTaken(t, after)
	}
}

func TestEveryValueHasAnEffect(t *testing.T) {
	before := render(t, "auth", issuerAlone())
	for path, c := range changes {
		t.Run(path, func(t *testing.T) {
			after := render(t, "auth", with(path, c.value))
			if strings.Contains(before.text, c.shows) || !strings.Contains(strings.ReplaceAll(after.text, `"`, ""), c.shows) {
				t.Errorf("%q is not what makes the difference", c.shows)
			}
			mustBeTaken(t, after)
			mustFindFiles(t, after)
			for name, d := range after.deployments(t) {
				if args := d.Spec.Template.Spec.Containers[0].Args; !knowsFlags(args) {
					t.Errorf("%s: the program does not take %q", name, args)
				}
			}
		})
	}
}

// TestEveryValueIsKnown keeps values.yaml, values.schema.json and the table of changes together.
func TestEveryValueIsKnown(t *testing.T) {
	text, values := defaults(t)
	if !strings.Contains(text, "\n# issuer: https://") {
		t.Error("values.yaml does not show issuer, which has no default")
	}
	content, err := os.ReadFile(filepath.Join(folder, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	known := knownValues()
	inValues := append(leaves("", values, known), "issuer")
	inSchema := slices.DeleteFunc(schemaLeaves("", schema), func(path string) bool { return path == "global" })
	slices.Sort(inValues)
	slices.Sort(inSchema)
	if !slices.Equal(inValues, known) || !slices.Equal(inSchema, known) {
		t.Errorf("not the same values:\ntable  %v\nyaml   %v\nschema %v", known, inValues, inSchema)
	}
}

// knownValues are the paths of all values.
func knownValues() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(changes)), maps.Keys(hidden))))
}

// leaves returns the paths below values, down to those that are known to be one value.
func leaves(prefix string, values map[string]any, known []string) (paths []string) {
	for name, value := range values {
		path := strings.TrimPrefix(prefix+"."+name, ".")
		if below, ok := value.(map[string]any); ok && !slices.Contains(known, path) {
			paths = append(paths, leaves(path, below, known)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func schemaLeaves(prefix string, schema map[string]any) (paths []string) {
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return []string{prefix}
	}
	for name, property := range properties {
		if s, ok := property.(map[string]any); ok {
			paths = append(paths, schemaLeaves(strings.TrimPrefix(prefix+"."+name, "."), s)...)
		}
	}
	return paths
}

func TestWrongValues(t *testing.T) {
	for _, w := range []struct {
		path  string
		value any
		says  string
	}{
		{"issuer", 1, "'/issuer': got number, want null or string"},
		{"tokenServer.replicas", 101, "'/tokenServer/replicas': maximum: got 101, want 100"},
		{"tokenServer.valkey.addresses", "valkey:6379", "'/tokenServer/valkey/addresses': got string, want array"},
		{"tokenServer.valkey.addresses", []any{"valkey"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"redis://valkey:6379"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"a:1,b:1"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"a:1", "a:1"}, "items at 0 and 1 are equal"},
		{"tokenServer.valkey.addresses", []any{"a:65536"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.database", 2147483648, "'/tokenServer/valkey/database'"},
		{"tokenServer.valkey.prefix", "a:b", "'/tokenServer/valkey/prefix'"},
		{"tokenServer.valkey.prefix", "", "'/tokenServer/valkey/prefix'"},
		{"tokenServer.valkey.database", -1, "'/tokenServer/valkey/database'"},
		{"tokenServer.valkey.passwordSecret", "a/b", "'/tokenServer/valkey/passwordSecret'"},
		{"tokenServer.valkey.password", "secret", "additional properties 'password' not allowed"},
		{"tokenServer.replica", 1, "additional properties 'replica' not allowed"},
		{"tokenServer.drain", "5m", "'/tokenServer/drain'"},
		{"tokenServer.drain", 5, "'/tokenServer/drain': got number, want string"},
		{"tokenServer.tenantDomains", map[string]any{"team-b": "team-a"}, "invalid propertyName 'team-b'"},
		{"tokenServer.tenantDomains", map[string]any{"Example.com": "team-a"}, "invalid propertyName 'Example.com'"},
		{"tokenServer.tenantDomains", map[string]any{"example.com": "team.a"}, "'/tokenServer/tenantDomains/example.com'"},
		{"tokenServer.tenantDomains", []any{"example.com=team-a"}, "'/tokenServer/tenantDomains': got array, want object"},
		{"tokenServer.trustedProxies", "10.0.0.0/8", "'/tokenServer/trustedProxies': got string, want array"},
		{"tokenServer.trustedProxies", []any{"10.0.0.1"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"999.1.1.1/8"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"10.1.1/8"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"10.1.1.1/33"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"fd00::/129"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"::/0"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxies", []any{"0.0.0.0/0"}, "'/tokenServer/trustedProxies/0'"},
		{"tokenServer.trustedProxyHeader", "X-Real-Ip", "'/tokenServer/trustedProxyHeader': value must be one of"},
		{"tokenServer.authFailures.burst", -1, "'/tokenServer/authFailures/burst'"},
		{"tokenServer.authFailures.burst", 10001, "'/tokenServer/authFailures/burst'"},
		{"tokenServer.authFailures.interval", "0s", "'/tokenServer/authFailures/interval'"},
		{"tokenServer.authFailures.interval", "2h", "'/tokenServer/authFailures/interval'"},
		{"tokenServer.authFailures.rate", 1, "additional properties 'rate' not allowed"},
		{"tokenServer.tls.secretName", "team-a/tls", "'/tokenServer/tls/secretName'"},
		{"tokenServer.tls.secret", "edge-tls", "additional properties 'secret' not allowed"},
		{"tokenServer.service.type", "ExternalName", "'/tokenServer/service/type': value must be one of"},
		{"tokenServer.service.port", 0, "'/tokenServer/service/port'"},
		{"tokenServer.autoscaling.enabled", 1, "'/tokenServer/autoscaling/enabled': got number, want boolean"},
		{"tokenServer.autoscaling.maxReplicas", 0, "'/tokenServer/autoscaling/maxReplicas'"},
		{"tokenServer.autoscaling.targetCPUUtilization", 0, "'/tokenServer/autoscaling/targetCPUUtilization'"},
		{"tokenServer.topologySpreadConstraints", "zone", "got string, want array"},
		{"crds.keep", "yes", "'/crds/keep': got string, want boolean"},
		{"crds.install", true, "additional properties 'install' not allowed"},
		{"networkPolicy.callers", []any{"10.0.0.0/8"}, "'/networkPolicy/callers/0': got string, want object"},
		{"networkPolicy.callers", []any{map[string]any{}}, "'/networkPolicy/callers/0': minProperties: got 0, want 1"},
		{"networkPolicy.callers", []any{map[string]any{"cidr": "10.0.0.0/8"}}, "additional properties 'cidr' not allowed"},
		{"networkPolicy.monitoringNamespaces", []any{"Monitoring"}, "'/networkPolicy/monitoringNamespaces/0'"},
		{"networkPolicy.apiServer.cidrs", []any{"10.0.0.1"}, "'/networkPolicy/apiServer/cidrs/0'"},
		{"networkPolicy.apiServer.ports", []any{}, "'/networkPolicy/apiServer/ports': minItems: got 0, want 1"},
		{"networkPolicy.apiServer.ports", []any{"https"}, "'/networkPolicy/apiServer/ports/0': got string, want integer"},
		{"networkPolicy.apiServer.cidrs", []any{"10.0.0.1/33"}, "'/networkPolicy/apiServer/cidrs/0'"},
		{"networkPolicy.tracing.ports", []any{0}, "'/networkPolicy/tracing/ports/0'"},
		{"networkPolicy.dns.ports", []any{0}, "'/networkPolicy/dns/ports/0'"},
		{"networkPolicy.keySetPorts", []any{}, "'/networkPolicy/keySetPorts': minItems: got 0, want 1"},
		{"networkPolicy.deny", true, "additional properties 'deny' not allowed"},
		{"ingress.host", "auth.example.com", "additional properties 'host' not allowed"},
		{"ingress.className", "Nginx!", "'/ingress/className'"},
		{"httpRoute.parentRefs", []any{map[string]any{"namespace": "a"}}, "missing property 'name'"},
		{"certificate.dnsNames", []any{"a b"}, "'/certificate/dnsNames/0'"},
		{"certificate.issuerRef.kind", "Vault", "'/certificate/issuerRef/kind': value must be one of"},
		{"metrics.access", "Everybody", "'/metrics/access': value must be one of"},
		{"metrics.accessReview", "no", "'/metrics/accessReview': got string, want boolean"},
		{"metrics.tls.secretName", "a/b", "'/metrics/tls/secretName'"},
		{"metrics.tls.issuerRef.kind", "Vault", "'/metrics/tls/issuerRef/kind': value must be one of"},
		{"metrics.auth", true, "additional properties 'auth' not allowed"},
		{"console.enabled", "yes", "'/console/enabled': got string, want boolean"},
		{"console.hosts", []any{"https://console.example.com"}, "'/console/hosts/0'"},
		{"console.hosts", []any{"console.example.com:443"}, "'/console/hosts/0'"},
		{"console.hosts", []any{"*"}, "'/console/hosts/0'"},
		{"console.hosts", "console.example.com", "'/console/hosts': got string, want array"},
		{"console.callers", []any{map[string]any{}}, "'/console/callers/0': minProperties: got 0, want 1"},
		{"console.tls.secretName", "a/b", "'/console/tls/secretName'"},
		{"console.tls.cert", "x", "additional properties 'cert' not allowed"},
		{"console.replicas", 2, "additional properties 'replicas' not allowed"},
		{"monitoring.serviceMonitor.interval", 30, "'/monitoring/serviceMonitor/interval': got number, want string"},
		{"monitoring.serviceMonitor.labels", []any{"a"}, "got array, want object"},
		{"identityProviders", map[string]any{"partner": 1}, "'/identityProviders': got object, want array"},
		{"identityProviders", []any{map[string]any{"name": "a"}}, "missing property 'spec'"},
		{"identityProviders", []any{map[string]any{"name": "A", "spec": map[string]any{}}}, "'/identityProviders/0/name'"},
		{"oauthClients", []any{map[string]any{"name": "a", "spec": map[string]any{}, "kind": "x"}}, "additional properties 'kind' not allowed"},
		{"operator.replicas", 3, "'/operator/replicas': maximum: got 3, want 2"},
		{"operator.replicas", "1", "'/operator/replicas': got string, want integer"},
		{"image.tag", "latest", "'/image/tag'"},
		{"image.digest", "sha256:abc", "'/image/digest'"},
		{"image.pullPolicy", "Sometimes", "'/image/pullPolicy': value must be one of"},
		{"grants.jwtBearer.enabled", "no", "'/grants/jwtBearer/enabled': got string, want boolean"},
		{"grants.jwtbearer.enabled", true, "additional properties 'jwtbearer' not allowed"},
		{"logLevel", "trace", "'/logLevel': value must be one of"},
		{"keys.fetchFrom", "10.0.0.0/8", "'/keys/fetchFrom': got string, want array"},
		{"keys.fetchFrom", []any{"10.0.0.1"}, "'/keys/fetchFrom/0': '10.0.0.1' does not match pattern"},
		{"keys.fetchFrom", []any{"256.0.0.0/8"}, "'/keys/fetchFrom/0'"},
		{"keys.fetchFrom", []any{"10.0.0.0/8,11.0.0.0/8"}, "'/keys/fetchFrom/0'"},
		{"keys.fetchFrom", []any{"10.0.0.0/8", "idp.example.com"}, "'/keys/fetchFrom/1'"},
		{"keys.fetchFrom", []any{"10.0.0.0/8", "10.0.0.0/8"}, "'/keys/fetchFrom': items at 0 and 1 are equal"},
		{"keys.allowInsecureURLs", "yes", "'/keys/allowInsecureURLs': got string, want boolean"},
		{"keys.allowInsecureUrls", true, "additional properties 'allowInsecureUrls' not allowed"},
		{"signingKeys.algorithm", "HS256", "'/signingKeys/algorithm': value must be one of 'ES256', 'RS256', 'EdDSA'"},
		{"signingKeys.rotationInterval", 720, "'/signingKeys/rotationInterval': got number, want string"},
		{"signingKeys.rotationInterval", "30d", "'/signingKeys/rotationInterval'"},
		{"signingKeys.rotationInterval", "10m", "'/signingKeys/rotationInterval'"},
		{"signingKeys.importSecret", "team-a/key", "'/signingKeys/importSecret'"},
		{"tokenServer.tracing.endpoint", "collector:4318", "'/tokenServer/tracing/endpoint'"},
		{"tokenServer.tracing.endpoint", "ftp://collector", "'/tokenServer/tracing/endpoint'"},
		{"tokenServer.tracing.endpoint", "http://user@collector", "'/tokenServer/tracing/endpoint'"},
		{"tokenServer.tracing.sampleRatio", 1.5, "'/tokenServer/tracing/sampleRatio'"},
		{"metrics.maxObjects", -1, "'/metrics/maxObjects'"},
		{"metrics.maxObjects", 1_000_001, "'/metrics/maxObjects'"},
		{"tokenServer.rememberedSignatures", -1, "'/tokenServer/rememberedSignatures'"},
		{"tokenServer.rememberedSignatures", 1_000_001, "'/tokenServer/rememberedSignatures'"},
		{"tokenServer.maxTrustStaleness", "1m", "'/tokenServer/maxTrustStaleness'"},
		{"tokenServer.maxTrustStaleness", "90s", "'/tokenServer/maxTrustStaleness'"},
		{"tokenServer.maxTrustStaleness", 0, "'/tokenServer/maxTrustStaleness': got number, want string"},
	} {
		t.Run(w.path, func(t *testing.T) {
			if _, err := tryRender(t.Context(), "auth", with(w.path, w.value)); err == nil || !strings.Contains(err.Error(), w.says) {
				t.Errorf("got %v, want: %s", err, w.says)
			}
		})
	}
}

// TestTakenValues are those at the bounds of what the program takes.
func TestTakenValues(t *testing.T) {
	for _, v := range []struct {
		path  string
		value any
		shows string // empty where the program's default is meant
	}{
		{"signingKeys.algorithm", "EdDSA", "--signing-algorithm=EdDSA"},
		{"signingKeys.algorithm", "ES256", ""},
		{"signingKeys.rotationInterval", "1h", "--signing-key-rotation=1h"},
		{"signingKeys.rotationInterval", "720h", ""},
		{"signingKeys.importSecret", "", ""},
		{"tokenServer.maxTrustStaleness", "2m", "--max-trust-staleness=2m"},
		{"tokenServer.maxTrustStaleness", "90m", "--max-trust-staleness=90m"},
		{"tokenServer.maxTrustStaleness", "1h", "--max-trust-staleness=1h"},
		{"tokenServer.maxTrustStaleness", "0s", ""},
		{"keys.fetchFrom", []any{"::1/128", "0.0.0.0/0"}, "--allow-key-fetch-from=0.0.0.0/0"},
		{"keys.allowInsecureURLs", false, ""},
		{"tokenServer.trustedProxies", []any{"255.255.255.255/32", "1.0.0.0/1", "::ffff:10.0.0.0/104", "fd00::/128"}, "--trusted-proxies=fd00::/128"},
		{"tokenServer.valkey.addresses", []any{"a:65535", "[::1]:1"}, "--valkey-address=a:65535,[::1]:1"},
		{"tokenServer.valkey.database", 99_999_999, "--valkey-database=99999999"},
		{"image.repository", "registry.example.com:5000/a/b-c/d__e", "image: registry.example.com:5000/a/b-c/d__e:v"},
		{"image.repository", "grantor", "image: grantor:v"},
		{"tokenServer.tls.secretName", "", ""},
		{"tokenServer.trustedProxies", []any{}, ""},
		{"tokenServer.tenantDomains", map[string]any{}, ""},
		{"tokenServer.trustedProxyHeader", "X-Forwarded-For", ""},
		{"tokenServer.authFailures.burst", 20, ""},
		{"tokenServer.authFailures.burst", 10000, "--auth-failure-burst=10000"},
		{"tokenServer.authFailures.interval", "2s", ""},
		{"tokenServer.authFailures.interval", "3600s", "--auth-failure-interval=3600s"},
		{"tokenServer.tls.secretName", "edge.tls", "--tls-key-file=/etc/grantor/tls/tls.key"},
	} {
		m := render(t, "auth", with(v.path, v.value))
		if v.shows == "" && m.text != render(t, "auth", issuerAlone()).text || !strings.Contains(strings.ReplaceAll(m.text, `"`, ""), v.shows) {
			t.Errorf("%s = %v does not show as %q", v.path, v.value, v.shows)
		}
	}
}

// TestDefaultsAreThoseOfTheProgram: what the chart leaves out must be what the program then does.
func TestDefaultsAreThoseOfTheProgram(t *testing.T) {
	var help bytes.Buffer
	if app.Main([]string{"operator", "--help"}, &help, &help) != 0 {
		t.Fatal(help.String())
	}
	if app.Main([]string{"tokenserver", "--help"}, &help, &help) != 0 {
		t.Fatal(help.String())
	}
	for flag, value := range map[string]string{
		"signing-algorithm": `"ES256"`, "signing-key-rotation": "720h0m0s", "trusted-proxy-header": `"X-Forwarded-For"`,
		"auth-failure-burst": "20", "auth-failure-interval": "2s",
	} {
		if ok := regexp.MustCompile(`--` + flag + ` .*\(default ` + value + `\)`).Match(help.Bytes()); !ok {
			t.Errorf("--%s is not %s by default", flag, value)
		}
	}
	if trustsync.MinMaxStaleness != 2*time.Minute {
		t.Errorf("tokenServer.maxTrustStaleness begins with 2m, the program takes it from %s", trustsync.MinMaxStaleness)
	}
}

// TestNotesWarn: what makes an installation useless or unsafe is said when it is installed.
func TestNotesWarn(t *testing.T) {
	before := render(t, "auth", issuerAlone()).notes
	for path, says := range map[string]string{
		"grants.jwtBearer.enabled":          "The JWT bearer grant is off (grants.jwtBearer.enabled), so nobody can exchange an assertion.",
		"monitoring.serviceMonitor.enabled": "No namespace may read metrics, so the ServiceMonitor finds none",
		"metrics.accessReview":              "kubectl create clusterrolebinding auth-delegator:auth --clusterrole=system:auth-delegator",
		"keys.allowInsecureURLs":            "Keys are fetched by plain http too (keys.allowInsecureURLs): whoever can change what is on the way can mint tokens.",
	} {
		value := changes[path].value
		if _, taken := hidden[path]; taken {
			value = false
		}
		after := render(t, "auth", with(path, value)).notes
		if strings.Contains(before, says) || !strings.Contains(after, says) {
			t.Errorf("%s is not warned of:\n%s", path, after)
		}
	}
}

// TestNotesEndInAProof: what is said last is how to see that it works.
func TestNotesEndInAProof(t *testing.T) {
	for _, set := range valueSets(t) {
		notes := render(t, "auth", valueSet(t, set)).notes
		if !strings.HasSuffix(strings.TrimSpace(notes), "helm test grantor --namespace auth") {
			t.Errorf("%s ends in:\n%s", set, notes)
		}
	}
	if notes := render(t, "auth", with("networkPolicy.enabled", false)).notes; !strings.Contains(notes, "No NetworkPolicy bounds") {
		t.Error("nobody is told that there are no NetworkPolicies")
	}
}

// TestNotesTellOfProxies: who may have forgotten to name a proxy is told what that means.
func TestNotesTellOfProxies(t *testing.T) {
	const says = "failed authentication is limited by what anybody may write"
	for path, warned := range map[string]bool{"tokenServer.drain": true, "tokenServer.trustedProxies": false, "tokenServer.authFailures.burst": false} {
		if notes := render(t, "auth", with(path, changes[path].value)).notes; strings.Contains(notes, says) != warned {
			t.Errorf("%s changed: warned %v, want %v:\n%s", path, !warned, warned, notes)
		}
	}
}
