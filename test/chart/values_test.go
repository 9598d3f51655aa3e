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

	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/controllers/trustsync"
	"github.com/grantor-dev/grantor/internal/app"
)

// changes has another value for each value of the chart, and what of it must be seen.
var changes = map[string]struct {
	value any
	shows string
}{
	"issuer":                          {"https://auth.example.com/tenant", "--issuer=https://auth.example.com/tenant"},
	"watchNamespaces":                 {[]any{"kube-public", "default"}, "- --watch-namespaces=kube-public,default"},
	"keys.fetchFrom":                  {[]any{"10.0.0.0/8", "fd00::/8"}, "- --allow-key-fetch-from=10.0.0.0/8\n        - --allow-key-fetch-from=fd00::/8"},
	"keys.allowInsecureURLs":          {true, "--allow-insecure-key-urls"},
	"signingKeys.algorithm":           {"RS256", "--signing-algorithm=RS256"},
	"signingKeys.rotationInterval":    {"0s", "--signing-key-rotation=0s"},
	"signingKeys.importSecret":        {"old-key", "--import-signing-key=old-key"},
	"logLevel":                        {"debug", "--log-level=debug"},
	"image.repository":                {"registry.example.com/grantor", "image: registry.example.com/grantor:v"},
	"image.tag":                       {"v9.9.9", "grantor:v9.9.9"},
	"image.digest":                    {"sha256:" + strings.Repeat("a", 64), "grantor@sha256:aaaa"},
	"image.pullPolicy":                {"Always", "imagePullPolicy: Always"},
	"imagePullSecrets":                {[]any{map[string]any{"name": "registry"}}, "imagePullSecrets:\n        - name: registry"},
	"operator.replicas":               {2, "replicas: 2"},
	"operator.resources":              {map[string]any{"limits": map[string]any{"memory": "1Gi"}}, "memory: 1Gi"},
	"operator.nodeSelector":           {map[string]any{"pool": "system"}, "nodeSelector:\n        pool: system"},
	"operator.tolerations":            {[]any{map[string]any{"key": "system", "operator": "Exists"}}, "tolerations:\n        - key: system\n          operator: Exists"},
	"tokenServer.replicas":            {0, "replicas: 0"},
	"tokenServer.drain":               {"60s", "terminationGracePeriodSeconds: 85"},
	"tokenServer.maxTrustStaleness":   {"2m", "--max-trust-staleness=2m"},
	"tokenServer.tls.secretName":      {"edge-tls", "volumes:\n      - name: tls\n        secret:\n          secretName: edge-tls"},
	"tokenServer.service.type":        {"LoadBalancer", "type: LoadBalancer"},
	"tokenServer.service.port":        {8443, "port: 8443"},
	"tokenServer.service.annotations": {map[string]any{"a.example.com/b": "c"}, "a.example.com/b: c"},
	"tokenServer.resources":           {map[string]any{"requests": map[string]any{"cpu": 2}}, "cpu: 2"},
	"tokenServer.nodeSelector":        {map[string]any{"pool": "public"}, "pool: public"},
	"tokenServer.tolerations":         {[]any{map[string]any{"operator": "Exists"}}, "- operator: Exists"},

	"tokenServer.valkey.addresses":              {[]any{"a.test:6379", "[::1]:6380"}, "- --state=valkey\n        - --valkey-address=a.test:6379,[::1]:6380"},
	"tokenServer.valkey.cluster":                {true, "--valkey-cluster"},
	"tokenServer.valkey.sentinelMaster":         {"m", "--valkey-sentinel-master=m"},
	"tokenServer.valkey.database":               {3, "--valkey-database=3"},
	"tokenServer.valkey.prefix":                 {"other", "--valkey-prefix=other"},
	"tokenServer.valkey.username":               {"grantor", "--valkey-username=grantor"},
	"tokenServer.valkey.passwordSecret":         {"vk", "name: valkey-password\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.sentinelUsername":       {"watcher", "--valkey-sentinel-username=watcher"},
	"tokenServer.valkey.sentinelPasswordSecret": {"vk", "name: valkey-sentinel\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.tls.enabled":            {true, "--valkey-tls"},
	"tokenServer.valkey.tls.caSecret":           {"vk", "name: valkey-ca\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.tls.clientSecret":       {"vk", "name: valkey-client\n        secret:\n          secretName: vk"},

	"grants.jwtBearer.enabled":         {false, "--disable-grant=jwt-bearer"},
	"grants.clientCredentials.enabled": {false, "--disable-grant=client-credentials"},
	"grants.refreshToken.enabled":      {false, "--disable-grant=refresh-token"},
	"grants.tokenExchange.enabled":     {false, "--disable-grant=token-exchange"},

	"tokenServer.tenantDomains":         {map[string]any{"example.com": "team-a", "a.example.com": "team-b"}, "- --tenant-domain=a.example.com=team-b\n        - --tenant-domain=example.com=team-a"},
	"tokenServer.trustedProxies":        {[]any{"10.1.2.0/24", "fd00::/64"}, "- --trusted-proxies=10.1.2.0/24\n        - --trusted-proxies=fd00::/64"},
	"tokenServer.trustedProxyHeader":    {"Forwarded", "--trusted-proxy-header=Forwarded"},
	"tokenServer.authFailures.burst":    {0, "--auth-failure-burst=0"},
	"tokenServer.authFailures.interval": {"60s", "--auth-failure-interval=60s"},
}

// sharing are the smallest values with Valkey.
func sharing() map[string]any {
	values := issuerAlone()
	values["tokenServer"] = map[string]any{"valkey": map[string]any{"addresses": []any{"valkey:6379"}}}
	return values
}

// with returns the smallest values with another one at a path; nil removes what is there.
func with(path string, value any) map[string]any {
	values := issuerAlone()
	if strings.HasPrefix(path, "tokenServer.valkey.") {
		values = sharing()
	}
	at := values
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[part] = next
		}
		at = next
	}
	last := parts[len(parts)-1]
	at[last] = value
	if value == nil {
		delete(at, last)
	}
	return values
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
	text, err := os.ReadFile(filepath.Join(folder, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n# issuer: https://") {
		t.Error("values.yaml does not show issuer, which has no default")
	}
	text, err = os.ReadFile(filepath.Join(folder, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	known := slices.Sorted(maps.Keys(changes))
	inValues := append(leaves("", values, known), "issuer")
	inSchema := slices.DeleteFunc(schemaLeaves("", schema), func(path string) bool { return path == "global" })
	slices.Sort(inValues)
	slices.Sort(inSchema)
	if !slices.Equal(inValues, known) || !slices.Equal(inSchema, known) {
		t.Errorf("not the same values:\ntable  %v\nyaml   %v\nschema %v", known, inValues, inSchema)
	}
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
		{"issuer", nil, "missing property 'issuer'"},
		{"issuer", "", "'/issuer'"},
		{"issuer", "http://auth.example.com", "'/issuer'"},
		{"issuer", "https://auth.example.com/", "'/issuer'"},
		{"issuer", "https://auth.example.com?tenant=a", "'/issuer'"},
		{"issuer", "auth.example.com", "'/issuer'"},
		{"tokenServer.replicas", 2, "'/tokenServer/replicas': maximum: got 2, want 1"},
		{"tokenServer.valkey.addresses", "valkey:6379", "'/tokenServer/valkey/addresses': got string, want array"},
		{"tokenServer.valkey.addresses", []any{"valkey"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"redis://valkey:6379"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"a:1,b:1"}, "'/tokenServer/valkey/addresses/0'"},
		{"tokenServer.valkey.addresses", []any{"a:1", "a:1"}, "items at 0 and 1 are equal"},
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
		if v.shows == "" && m.text != render(t, "auth", issuerAlone()).text || !strings.Contains(m.text, v.shows) {
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
		"grants.jwtBearer.enabled": "The JWT bearer grant is off (grants.jwtBearer.enabled), so nobody can exchange an assertion.",
		"keys.allowInsecureURLs":   "Keys are fetched by plain http too (keys.allowInsecureURLs): whoever can change what is on the way can mint tokens.",
	} {
		after := render(t, "auth", with(path, changes[path].value)).notes
		if strings.Contains(before, says) || !strings.Contains(after, says) {
			t.Errorf("%s is not warned of:\n%s", path, after)
		}
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

// TestWithoutSchema: what would be unsafe, or could not start, is refused with --skip-schema-validation too.
func TestWithoutSchema(t *testing.T) {
	for path, says := range map[string]string{
		"tokenServer.replicas": "tokenServer.replicas is 2, but must be at most 1 without tokenServer.valkey.addresses: which assertions were used is held in memory",
		"issuer":               "issuer is required: set it to the base URL of the endpoints as callers see it",
	} {
		values := with(path, 2)
		if path == "issuer" {
			values = map[string]any{}
		}
		if _, err := tryRender(t.Context(), "auth", values, "--skip-schema-validation"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want: %s", err, says)
		}
	}
}
