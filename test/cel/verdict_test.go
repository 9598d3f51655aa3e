package cel

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/internal/manifests"
)

// complaint is one thing that is wrong with an object.
type complaint struct {
	field, message string
}

// judge asks the API server and package manifests about an object, fails the test when they differ, and returns what is
// wrong with it and the object as the API server would store it.
func judge(ctx context.Context, t *testing.T, u *unstructured.Unstructured) ([]complaint, *unstructured.Unstructured) {
	t.Helper()
	server, strict, stored := askServer(ctx, t, u)
	alone, lines := askOffline(ctx, t, u)
	switch {
	case strict: // The API server stops at what it cannot decode, and says it as a sentence of its own.
		for _, c := range alone {
			if strings.Contains(c.message, "check the spelling") {
				return server, stored
			}
		}
		t.Errorf("the API server refuses an unknown field, package manifests says %v", alone)
	default:
		if diff := cmp.Diff(asSet(server), asSet(alone)); diff != "" {
			t.Errorf("package manifests judges otherwise than the API server (-server +manifests):\n%.2000s", diff)
		}
	}
	for _, line := range lines {
		if line.problem.Line < 1 || !strings.Contains(line.text, line.name) {
			t.Errorf("%.300s: the line reads %.100q, which is not about %s", line.problem, line.text, line.name)
		}
	}
	return server, stored
}

func asSet(complaints []complaint) []string {
	set := map[string]bool{}
	for _, c := range complaints {
		set[c.field+": "+c.message] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// askServer returns what the API server says to the creation of an object, as kubectl asks it: an unknown field is an
// error. Nothing is stored.
func askServer(ctx context.Context, t *testing.T, u *unstructured.Unstructured) (complaints []complaint, strict bool, stored *unstructured.Unstructured) {
	t.Helper()
	stored = u.DeepCopy()
	err := api.Create(ctx, stored, client.DryRunAll, client.FieldValidation("Strict"))
	if err == nil {
		return nil, false, stored
	}
	var status *apierrors.StatusError
	switch {
	case apierrors.IsBadRequest(err):
		return []complaint{{message: err.Error()}}, true, nil
	case !apierrors.IsInvalid(err) || !errors.As(err, &status):
		t.Fatalf("the API server did not judge the object: %.500v", err)
	}
	for _, cause := range status.ErrStatus.Details.Causes {
		if cause.Field != "<nil>" { // not about the object: the rules were not evaluated
			complaints = append(complaints, complaint{cause.Field, cause.Message})
		}
	}
	return complaints, false, nil
}

// place is a line that a problem points at, and what must stand there.
type place struct {
	problem    manifests.Problem
	text, name string
}

// askOffline returns what package manifests says to the same object in a file.
func askOffline(ctx context.Context, t *testing.T, u *unstructured.Unstructured) (complaints []complaint, places []place) {
	t.Helper()
	text, err := yaml.Marshal(u.Object)
	if err != nil {
		t.Fatalf("write YAML: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "object.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var problems manifests.Problems
	if _, err = offline.Read(ctx, dir); err != nil && !errors.As(err, &problems) {
		t.Fatalf("the folder could not be read: %v", err)
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, p := range problems {
		field, message, _ := strings.Cut(p.Message, ": ")
		complaints = append(complaints, complaint{field, message})
		at := place{problem: p}
		if p.Line > 0 && p.Line <= len(lines) {
			at.text = strings.ReplaceAll(string(lines[p.Line-1]), `"`, "")
		}
		at.name = nameAt(u, field)
		places = append(places, at)
	}
	return complaints, places
}

// nameAt returns what stands in the line of a field: its name or, in a list, a dash; that of the enclosing one when there
// is no such field.
func nameAt(u *unstructured.Unstructured, field string) string {
	name := ""
	var at any = u.Object
	for part := range strings.SplitSeq(strings.ReplaceAll(field, "[", ".["), ".") {
		switch container := at.(type) {
		case map[string]any:
			next, ok := container[part]
			if !ok {
				return name
			}
			at, name = next, part+":"
		case []any:
			at, name = container[indexOf(part)], "- "
		}
	}
	return name
}
