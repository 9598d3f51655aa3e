package chart

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// mustBeTaken asks the API server about all objects, as kubectl does: an unknown field is an error. Nothing is stored, and
// the namespace is one that exists. The definitions are left out: they take long, and are the same each time.
func mustBeTaken(t *testing.T, m manifest) {
	t.Helper()
	var documents []string
	for _, o := range m.objects {
		if o.GetKind() == "CustomResourceDefinition" {
			continue
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(text))
	}
	mustBeApplied(t, strings.Join(documents, "---\n"))
}

func mustBeApplied(t *testing.T, text string) {
	t.Helper()
	if out, err := dryRun(t, text); err != nil || strings.Contains(out, "Warning") {
		t.Errorf("the API server does not take it: %v\n%s", err, out)
	}
}

// dryRun asks the API server about objects, as kubectl does: an unknown field is an error.
func dryRun(t *testing.T, text string) (said string, err error) {
	t.Helper()
	text = strings.ReplaceAll(text, "namespace: auth", "namespace: default")
	cmd := cluster.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	return string(out), err //nolint:wrapcheck // The test says what it is about.
}

func TestInstall(t *testing.T) {
	m := render(t, "auth", issuerAlone())
	mustBeApplied(t, m.text)
	for _, o := range m.objects {
		namespaced := !strings.HasPrefix(o.GetKind(), "Cluster") && !strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy") &&
			o.GetKind() != "CustomResourceDefinition"
		if namespaced != (o.GetNamespace() == "auth") {
			t.Errorf("%s %s is in namespace %q", o.GetKind(), o.GetName(), o.GetNamespace())
		}
	}
	if strings.Contains(m.text, defaultNamespace) {
		t.Errorf("installed in auth, it still speaks of %s", defaultNamespace)
	}
	for name, account := range map[string]string{
		"grantor-status-writer": "grantor-operator", "grantor-secret-writer": "grantor-operator", "grantor-lease-writer": "grantor-tokenserver",
	} {
		text, err := m.get(t, "ValidatingAdmissionPolicy", name).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "'system:serviceaccount:auth:"+account+"'") {
			t.Errorf("%s is not about %s in auth", name, account)
		}
	}
}
