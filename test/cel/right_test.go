package cel

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestDefaults creates the smallest objects and compares what is stored with what the fields' documentation promises.
func TestDefaults(t *testing.T) {
	for name, c := range defaults {
		t.Run(name, func(t *testing.T) {
			var spec map[string]any
			if err := yaml.Unmarshal([]byte(c.stored), &spec); err != nil {
				t.Fatal(err)
			}
			complaints, stored := judge(t.Context(), t, object(t, c.kind, "minimal", c.written))
			if len(complaints) > 0 {
				t.Fatalf("refused: %v", complaints)
			}
			if diff := cmp.Diff(spec, stored.Object["spec"]); diff != "" {
				t.Errorf("stored otherwise than documented (-documented +stored):\n%s", diff)
			}
		})
	}
}

// TestFullObjects sets every field in one of the variants of the full object, and keeps what it sets.
func TestFullObjects(t *testing.T) {
	for kind := range fullSpecs {
		var all []*unstructured.Unstructured
		for name, u := range everyVariant(t, kind) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				mustBeKept(t, u)
			})
			all = append(all, u)
		}
		for _, f := range specFields(t) {
			isSet := func(u *unstructured.Unstructured) bool { return at(u, f.example()) != nil }
			if f.kind == kind && !f.neverRight() && !slices.ContainsFunc(all, isSet) {
				t.Errorf("no full %s sets %s", kind, f.path)
			}
		}
	}
}

func mustBeKept(t *testing.T, u *unstructured.Unstructured) {
	t.Helper()
	complaints, stored := judge(t.Context(), t, u)
	if len(complaints) > 0 {
		t.Fatalf("refused: %v", complaints)
	}
	if diff := cmp.Diff(u.Object["spec"], stored.Object["spec"]); diff != "" {
		t.Errorf("not kept as written (-written +stored):\n%s", diff)
	}
}

func TestRightValues(t *testing.T) {
	for _, r := range rightRows() {
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
