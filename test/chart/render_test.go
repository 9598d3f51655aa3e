package chart

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	issuer = "https://grantor.example.com"
	// defaultNamespace is the one of config/default.
	defaultNamespace = "grantor-system"
)

// issuerAlone are the smallest values.
func issuerAlone() map[string]any { return map[string]any{"issuer": issuer} }

// manifest is what the chart became.
type manifest struct {
	text, notes string
	objects     []*unstructured.Unstructured
}

// tryRender renders the chart as helm does.
func tryRender(ctx context.Context, namespace string, values map[string]any, flags ...string) (manifest, error) {
	input, err := json.Marshal(map[string]any{"namespace": namespace, "values": values})
	if err != nil {
		return manifest{}, fmt.Errorf("write values: %w", err)
	}
	cmd := exec.CommandContext(ctx, renderer, append([]string{folder}, flags...)...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return manifest{}, errors.New(string(exit.Stderr))
	} else if err != nil {
		return manifest{}, fmt.Errorf("run render-chart: %w", err)
	}
	files := map[string]string{}
	if err := json.Unmarshal(out, &files); err != nil {
		return manifest{}, fmt.Errorf("read templates: %w", err)
	}
	return newManifest(files)
}

func newManifest(files map[string]string) (m manifest, err error) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch filepath.Ext(name) {
		case ".txt":
			m.notes = files[name]
		case ".yaml":
			_, _ = fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", name, strings.TrimSpace(files[name]))
		}
	}
	m.text = text.String()
	m.objects, err = parse(m.text)
	return m, err
}

// parse reads a stream of YAML documents; a key that stands twice is an error.
func parse(text string) (objects []*unstructured.Unstructured, err error) {
	documents := k8syaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
			return nil, fmt.Errorf("read YAML: %w:\n%s", err, document)
		}
		if len(u.Object) > 0 {
			objects = append(objects, u)
		}
	}
}

// render renders the chart, which must work.
func render(t *testing.T, namespace string, values map[string]any) manifest {
	t.Helper()
	m, err := tryRender(t.Context(), namespace, values)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	return m
}

// get returns an object that must be there.
func (m manifest) get(t *testing.T, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range m.objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %s %s is rendered", kind, name)
	return nil
}

// deployments are the Deployments, by name.
func (m manifest) deployments(t *testing.T) map[string]*appsv1.Deployment {
	t.Helper()
	found := map[string]*appsv1.Deployment{}
	for _, o := range m.objects {
		if o.GetKind() == "Deployment" {
			d := &appsv1.Deployment{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, d, true); err != nil {
				t.Fatalf("Deployment %s: %v", o.GetName(), err)
			}
			found[d.Name] = d
		}
	}
	want := 2
	if found["grantor-console"] != nil {
		want = 3
	}
	if len(found) != want {
		t.Fatalf("%d Deployments are rendered, not %d", len(found), want)
	}
	return found
}

// withoutFiles leaves out what is copied from a file of the chart: nothing about it is rendered.
func (m manifest) withoutFiles() string {
	var kept []string
	for document := range strings.SplitSeq(m.text, "---\n# Source: ") {
		if copied := regexp.MustCompile(`^grantor/templates/(crds|monitoring)\.yaml`); document != "" && !copied.MatchString(document) {
			kept = append(kept, "---\n# Source: "+document)
		}
	}
	return strings.Join(kept, "")
}

func TestGolden(t *testing.T) {
	m := render(t, defaultNamespace, valueSet(t, "default"))
	some := render(t, defaultNamespace, with("watchNamespaces", []any{"team-b", "team-a"}))
	production := render(t, defaultNamespace, valueSet(t, "production"))
	console := render(t, defaultNamespace, exposedConsole())
	for name, got := range map[string]string{
		"default.golden": m.withoutFiles(), "namespaced.golden": some.withoutFiles(), "production.golden": production.withoutFiles(),
		"notes.golden": m.notes, "production-notes.golden": production.notes, "namespaced-notes.golden": some.notes,
		"console.golden": console.ofConsole(), "console-notes.golden": console.notes,
	} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs; go test ./test/chart -update writes it (-golden +rendered):\n%s", name, diff)
		}
	}
}
