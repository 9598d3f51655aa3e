package chart

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// changes has another value for each value of the chart, and what of it must be seen.
var changes = map[string]struct {
	value any
	shows string
}{
	"issuer":                          {"https://auth.example.com/tenant", "--issuer=https://auth.example.com/tenant"},
	"grants.jwtBearer.enabled":        {false, "--disable-grant=jwt-bearer"},
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
	"tokenServer.service.type":        {"LoadBalancer", "type: LoadBalancer"},
	"tokenServer.service.port":        {8443, "port: 8443"},
	"tokenServer.service.annotations": {map[string]any{"a.example.com/b": "c"}, "a.example.com/b: c"},
	"tokenServer.resources":           {map[string]any{"requests": map[string]any{"cpu": 2}}, "cpu: 2"},
	"tokenServer.nodeSelector":        {map[string]any{"pool": "public"}, "pool: public"},
	"tokenServer.tolerations":         {[]any{map[string]any{"operator": "Exists"}}, "- operator: Exists"},
}

// with returns the smallest values with another one at a path; nil removes what is there.
func with(path string, value any) map[string]any {
	values := issuerAlone()
	at := values
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next := map[string]any{}
		at[part], at = next, next
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
		{"tokenServer.replica", 1, "additional properties 'replica' not allowed"},
		{"tokenServer.drain", "5m", "'/tokenServer/drain'"},
		{"tokenServer.drain", 5, "'/tokenServer/drain': got number, want string"},
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
	} {
		t.Run(w.path, func(t *testing.T) {
			if _, err := tryRender(t.Context(), "auth", with(w.path, w.value)); err == nil || !strings.Contains(err.Error(), w.says) {
				t.Errorf("got %v, want: %s", err, w.says)
			}
		})
	}
}

// TestWithoutSchema: what would be unsafe, or could not start, is refused with --skip-schema-validation too.
func TestWithoutSchema(t *testing.T) {
	for path, says := range map[string]string{
		"tokenServer.replicas": "tokenServer.replicas is 2, but must be at most 1: which assertions were used is held in memory",
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
