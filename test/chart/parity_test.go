package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestEqualsConfig compares what the chart installs with what config/default installs, so that what is tested of one holds
// for the other.
func TestEqualsConfig(t *testing.T) {
	out, err := cluster.Kubectl(t.Context(), "kustomize", filepath.Join(harness.ModuleRoot(), "config", "default")).Output()
	if err != nil {
		t.Fatalf("kubectl kustomize: %v", err)
	}
	built, err := parse(string(out))
	if err != nil {
		t.Fatal(err)
	}
	rendered := comparison(t, render(t, defaultNamespace, issuerAlone()).objects)
	configured := comparison(t, built)
	// A namespace is made by helm --create-namespace.
	delete(configured, "Namespace "+defaultNamespace)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(configured)), slices.Sorted(maps.Keys(rendered))); diff != "" {
		t.Fatalf("not the same objects (-config +chart):\n%s", diff)
	}
	for id := range configured {
		if diff := cmp.Diff(configured[id], rendered[id]); diff != "" {
			t.Errorf("%s (-config +chart):\n%s", id, diff)
		}
	}
}

// comparison returns objects by kind and name, without what only the chart says: labels of Helm, and values that are the
// default of the program or of the API server.
func comparison(t *testing.T, objects []*unstructured.Unstructured) map[string]map[string]any {
	t.Helper()
	byName := map[string]map[string]any{}
	for _, o := range objects {
		annotations, labels := o.GetAnnotations(), o.GetLabels()
		if _, hook := annotations["helm.sh/hook"]; hook {
			continue
		}
		for _, own := range []string{"app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"} {
			delete(labels, own)
		}
		if generated := []string{"grantor-operator", "grantor-tokenserver", "grantor-metrics"}; strings.HasSuffix(o.GetKind(), "Role") && slices.Contains(generated, o.GetName()) {
			labels = nil // those in config are generated, without labels
		}
		if o.GetKind() == "CustomResourceDefinition" {
			labels = nil // as with them
			delete(annotations, "helm.sh/resource-policy")
			o.SetAnnotations(annotations)
		}
		o.SetLabels(labels)
		switch o.GetKind() {
		case "Deployment":
			containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			if err != nil || len(containers) != 1 {
				t.Fatalf("%s has %d containers: %v", o.GetName(), len(containers), err)
			}
			container, _ := containers[0].(map[string]any)
			delete(container, "imagePullPolicy")
			args, _ := container["args"].([]any)
			container["args"] = slices.DeleteFunc(args, func(arg any) bool { return arg == "--log-level=info" || arg == "--drain=5s" })
			if err := unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers"); err != nil {
				t.Fatal(err)
			}
		case "Service":
			unstructured.RemoveNestedField(o.Object, "spec", "type")
		}
		byName[o.GetKind()+" "+o.GetName()] = o.Object
	}
	return byName
}

// TestRolesAreTheGeneratedOnes compares rules with what the markers beside the code ask for, in any namespace.
func TestRolesAreTheGeneratedOnes(t *testing.T) {
	m := render(t, "auth", issuerAlone())
	for _, component := range []string{"operator", "tokenserver"} {
		text, err := os.ReadFile(filepath.Join(harness.ModuleRoot(), "config", "rbac", component, "role.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		generated, err := parse(string(text))
		if err != nil || len(generated) != 2 {
			t.Fatalf("%d generated roles: %v", len(generated), err)
		}
		for _, want := range generated {
			got := m.get(t, want.GetKind(), want.GetName())
			if diff := cmp.Diff(want.Object["rules"], got.Object["rules"]); diff != "" {
				t.Errorf("%s %s (-generated +chart):\n%s", want.GetKind(), want.GetName(), diff)
			}
			binding := m.get(t, want.GetKind()+"Binding", want.GetName())
			subjects := []any{map[string]any{"kind": "ServiceAccount", "name": "grantor-" + component, "namespace": "auth"}}
			if diff := cmp.Diff(subjects, binding.Object["subjects"]); diff != "" {
				t.Errorf("subjects of %s %s (-want +chart):\n%s", binding.GetKind(), binding.GetName(), diff)
			}
		}
	}
}

// TestDefinitionsStay: what people declared is not deleted with the chart that declared its kinds, unless they ask for it.
func TestDefinitionsStay(t *testing.T) {
	for keep, want := range map[bool]string{true: "keep", false: ""} {
		m := render(t, "auth", with("crds.keep", keep))
		for _, name := range []string{"identityproviders", "oauthclients"} {
			d := m.get(t, "CustomResourceDefinition", name+".grantor.dev")
			if got := d.GetAnnotations()["helm.sh/resource-policy"]; got != want {
				t.Errorf("crds.keep %t: the policy of %s is %q", keep, name, got)
			}
		}
	}
}
