package cel

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// The kinds of Grantor.
const (
	provider    = "IdentityProvider"
	oauthClient = "OAuthClient"
)

// minimalIssuer is the smallest provider, but for its key source.
const minimalIssuer = `
issuer: https://issuer.example.com
audienceAliases: ["https://auth.example.com/oauth2/token"]
`

// minimalSpecs hold the required fields alone.
var minimalSpecs = map[string]string{
	provider: minimalIssuer + `certificateSecretRef: {name: partner-cert}`,
	oauthClient: `
authentication: {clientSecret: {secretRef: {name: playground}}}
`,
}

// object returns an object of a kind with a spec written in YAML.
func object(t *testing.T, kind, name, spec string) *unstructured.Unstructured {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(spec), &fields); err != nil {
		t.Fatalf("the test's own YAML: %v", err)
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": fields}}
	u.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}

// with returns an object of a kind that is right but for the field at a path such as spec.jwks.keys[0].kty.
func with(t *testing.T, kind, path string, value any) *unstructured.Unstructured {
	t.Helper()
	u := full(t, kind, path)
	set(t, u, path, value)
	return u
}

// unset as a value removes the field.
type unset struct{}

// set gives the field at a path a value. What is on the way must exist.
func set(t *testing.T, u *unstructured.Unstructured, path string, value any) {
	t.Helper()
	parts := strings.Split(strings.ReplaceAll(path, "[", ".["), ".")
	var at any = u.Object
	for i, part := range parts {
		last := i == len(parts)-1
		switch container := at.(type) {
		case map[string]any:
			if _, remove := value.(unset); last && remove {
				delete(container, part)
			} else if last {
				container[part] = value
			}
			at = container[part]
		case []any:
			if indexOf(part) >= len(container) {
				t.Fatalf("the test's own path %s: there is no item %s", path, part)
			}
			if last {
				container[indexOf(part)] = value
			}
			at = container[indexOf(part)]
		default:
			t.Fatalf("the test's own path %s: nothing holds %s", path, part)
		}
	}
}

// indexOf returns the number in [0]; what is not one is beyond every list.
func indexOf(part string) int {
	n, err := strconv.Atoi(strings.Trim(part, "[]"))
	if err != nil {
		return math.MaxInt
	}
	return n
}

// distinct returns n list items that differ.
func distinct(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = "item-" + strconv.Itoa(i)
	}
	return list
}
