package cel

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/config/crd"
)

// specField is a field of a spec, or what its list holds.
type specField struct {
	kind string
	// path has [] for any item of a list.
	path   string
	schema apiextensionsv1.JSONSchemaProps
}

// refused are the members of a JWK that no value is right for: they are not public.
var refused = []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"}

// neverRight reports whether the field is there only to be refused.
func (f specField) neverRight() bool {
	before, member, found := strings.Cut(f.path, "jwks.keys[].")
	return found && before != "" && slices.Contains(refused, member)
}

// example is the path with the first item of each list.
func (f specField) example() string { return strings.ReplaceAll(f.path, "[]", "[0]") }

// specFields returns every field of every spec, from the definitions that are installed.
func specFields(t *testing.T) (fields []specField) {
	t.Helper()
	files, err := fs.Glob(crd.Files, "bases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, file := range files {
		text, err := crd.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, version := range definition.Spec.Versions {
			root := version.Schema.OpenAPIV3Schema.Properties["spec"]
			fields = append(fields, below(definition.Spec.Names.Kind, "spec", root)...)
		}
	}
	if len(fields) < 100 {
		t.Fatalf("only %d fields found: the walk is broken", len(fields))
	}
	return fields
}

// below returns a field and all that it holds.
func below(kind, path string, schema apiextensionsv1.JSONSchemaProps) []specField {
	field := specField{kind, path, schema}
	fields := []specField{field}
	if field.neverRight() {
		return fields // so is what it holds
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		fields = append(fields, below(kind, path+"."+name, schema.Properties[name])...)
	}
	if schema.Items != nil {
		fields = append(fields, below(kind, path+"[]", *schema.Items.Schema)...)
	}
	return fields
}
