package cel

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/grantor-dev/grantor/internal/importwso2"
)

// TestImportedObjects: the API server takes what an import writes.
func TestImportedObjects(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "internal", "importwso2", "testdata", "*.xml"))
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	var files []importwso2.File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, importwso2.File{Name: name, Text: text})
	}
	result, err := importwso2.Import(t.Context(), offline, files, importwso2.Options{Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	text, err := importwso2.Manifests(result.Objects)
	if err != nil {
		t.Fatal(err)
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
			t.Fatal(err)
		}
		if err := api.Create(t.Context(), u, client.DryRunAll); err != nil {
			t.Errorf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
	}
}
