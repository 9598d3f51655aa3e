package chart

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// valueSets are the files of the folder ci, by what stands before -values.yaml.
func valueSets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "ci", "*-values.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d sets of values: %v", len(files), err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), "-values.yaml"))
	}
	return names
}

func valueSet(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "ci", name+"-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// into converts a rendered object, which must have no field that its type does not know.
func into[T any](t *testing.T, m manifest, kind, name string) *T {
	t.Helper()
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(m.get(t, kind, name).Object, typed, true); err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
	return typed
}

// TestSetsAreHardened holds what every set of values installs to the same bar, and lets the API server judge its pods where
// it enforces the strictest standard.
func TestSetsAreHardened(t *testing.T) {
	for _, set := range valueSets(t) {
		m := render(t, defaultNamespace, valueSet(t, set))
		mustBeTaken(t, render(t, "auth", valueSet(t, set)))
		mustFindFiles(t, m)
		for name, d := range m.deployments(t) {
			for item, holds := range hardening {
				if (item == "no volumes" || item == "image with a version") && set != "default" {
					continue // what volumes there are, the next test says; images are by digest there
				}
				if !holds(d, &d.Spec.Template.Spec, &d.Spec.Template.Spec.Containers[0]) {
					t.Errorf("%s, %s: does not hold: %s", set, name, item)
				}
			}
			mustBeAdmitted(t, set+", "+name, d.Spec.Template.Labels, d.Spec.Template.Spec)
		}
		test := into[corev1.Pod](t, m, "Pod", "grantor-test")
		mustBeAdmitted(t, set+", "+test.Name, test.Labels, test.Spec)
	}
}

// mustBeAdmitted asks the API server about a pod in the namespace of config/default, whose label enforces the standard
// restricted.
func mustBeAdmitted(t *testing.T, name string, labels map[string]string, spec corev1.PodSpec) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: defaultNamespace, GenerateName: "judged-", Labels: labels}, Spec: spec,
	}
	if err := cluster.Client.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
		t.Errorf("%s is refused: %v", name, err)
	}
	careless := pod.DeepCopy()
	careless.Spec.Containers[0].SecurityContext = nil
	if err := cluster.Client.Create(t.Context(), careless, client.DryRunAll); !apierrors.IsForbidden(err) {
		t.Errorf("%s: the standard is not enforced: %v", name, err)
	}
}

// TestTestPod: what helm test runs is no more than a look from outside: no permission, no secret, flags that exist, and a
// policy of its own that goes with it.
func TestTestPod(t *testing.T) {
	for set, flag := range map[string]string{"default": "--plain-http", "production": "--insecure"} {
		m := render(t, defaultNamespace, valueSet(t, set))
		pod := into[corev1.Pod](t, m, "Pod", "grantor-test")
		c := pod.Spec.Containers[0]
		if len(pod.Spec.Containers) != 1 || *pod.Spec.AutomountServiceAccountToken || len(pod.Spec.Volumes)+len(c.Env)+len(c.EnvFrom) != 0 ||
			pod.Spec.RestartPolicy != corev1.RestartPolicyNever || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: %+v", set, pod.Spec)
		}
		tokenServer := m.deployments(t)["grantor-tokenserver"].Spec.Template.Spec.Containers[0]
		if c.Image != tokenServer.Image || !slices.Contains(c.Args, flag) || !knowsFlags(c.Args) {
			t.Errorf("%s: %s %v", set, c.Image, c.Args)
		}
		for _, kind := range []string{"Pod", "NetworkPolicy"} {
			hooks := m.get(t, kind, "grantor-test").GetAnnotations()
			if hooks["helm.sh/hook"] != "test" || hooks["helm.sh/hook-delete-policy"] != "before-hook-creation,hook-succeeded" {
				t.Errorf("%s: the %s is kept, or is no hook: %v", set, kind, hooks)
			}
		}
	}
}

// mustFindFiles checks that what a flag names is mounted, and that nothing is mounted that no flag names.
func mustFindFiles(t *testing.T, m manifest) {
	t.Helper()
	const account = "/var/run/secrets/kubernetes.io/serviceaccount"
	for name, d := range m.deployments(t) {
		pod := d.Spec.Template.Spec
		volumes, used := map[string]bool{}, map[string]bool{account: true}
		for _, v := range pod.Volumes {
			volumes[v.Name] = true
		}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if !volumes[mount.Name] {
				t.Errorf("%s: there is no volume %s", name, mount.Name)
			}
			used[mount.MountPath] = false
		}
		for _, file := range filesOf(pod.Containers[0].Args) {
			if _, mounted := used[path.Dir(file)]; !mounted {
				t.Errorf("%s: %s is not mounted", name, file)
			}
			used[path.Dir(file)] = true
		}
		for folder, named := range used {
			if !named {
				t.Errorf("%s: no flag names what is in %s", name, folder)
			}
		}
	}
}

// filesOf are those that flags name.
func filesOf(args []string) (files []string) {
	for _, arg := range args {
		if flag, file, _ := strings.Cut(arg, "="); strings.HasSuffix(flag, "-file") {
			files = append(files, file)
		}
	}
	return files
}

// TestTestPodRunsWhereTheServerDoes: it needs the same nodes, and the same registry.
func TestTestPodRunsWhereTheServerDoes(t *testing.T) {
	values := issuerAlone()
	for _, value := range []string{"imagePullSecrets", "tokenServer.nodeSelector", "tokenServer.tolerations"} {
		set(values, value, changes[value].value)
	}
	m := render(t, "auth", values)
	pod, server := into[corev1.Pod](t, m, "Pod", "grantor-test").Spec, m.deployments(t)["grantor-tokenserver"].Spec.Template.Spec
	if len(pod.ImagePullSecrets) == 0 || len(pod.NodeSelector) == 0 || len(pod.Tolerations) == 0 {
		t.Errorf("it has %v, %v and %v", pod.ImagePullSecrets, pod.NodeSelector, pod.Tolerations)
	}
	if diff := cmp.Diff(server.ImagePullSecrets, pod.ImagePullSecrets) + cmp.Diff(server.NodeSelector, pod.NodeSelector) + cmp.Diff(server.Tolerations, pod.Tolerations); diff != "" {
		t.Errorf("-server +test:\n%s", diff)
	}
}

// TestWhatIsScaled: the autoscaler sets the number of the pods that the token server has.
func TestWhatIsScaled(t *testing.T) {
	m := render(t, "auth", with("tokenServer.autoscaling.enabled", true))
	target := into[autoscalingv2.HorizontalPodAutoscaler](t, m, "HorizontalPodAutoscaler", "grantor-tokenserver").Spec.ScaleTargetRef
	if want := (autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "grantor-tokenserver"}); target != want {
		t.Errorf("it scales %+v", target)
	}
	m.get(t, target.Kind, target.Name)
}

// production is what must hold where nothing may be lost with one node, by the names under which checkers know it.
var production = map[string]func(m manifest, d *appsv1.Deployment) bool{
	"minimum replicas": func(_ manifest, d *appsv1.Deployment) bool { return *d.Spec.Replicas >= 2 },
	"topologySpreadConstraint": func(_ manifest, d *appsv1.Deployment) bool {
		var keys []string
		for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
			if selects(c.LabelSelector, d.Spec.Template.Labels) {
				keys = append(keys, c.TopologyKey)
			}
		}
		return slices.Equal(keys, []string{"kubernetes.io/hostname", "topology.kubernetes.io/zone"})
	},
	"image by digest": func(_ manifest, d *appsv1.Deployment) bool {
		return strings.Contains(d.Spec.Template.Spec.Containers[0].Image, "@sha256:")
	},
	"no volume but Secrets, whole and read-only": func(_ manifest, d *appsv1.Deployment) bool {
		secrets := map[string]bool{}
		for _, v := range d.Spec.Template.Spec.Volumes {
			secrets[v.Name] = v.Secret != nil && len(v.Secret.Items) == 0
		}
		for _, mount := range d.Spec.Template.Spec.Containers[0].VolumeMounts {
			if !mount.ReadOnly || mount.SubPath != "" || !secrets[mount.Name] {
				return false
			}
		}
		return !slices.Contains(slices.Collect(maps.Values(secrets)), false)
	},
}

func TestProduction(t *testing.T) {
	m := render(t, defaultNamespace, valueSet(t, "production"))
	for name, d := range m.deployments(t) {
		for item, holds := range production {
			if !holds(m, d) {
				t.Errorf("%s: does not hold: %s", name, item)
			}
		}
		budget := into[policyv1.PodDisruptionBudget](t, m, "PodDisruptionBudget", name)
		if !selects(budget.Spec.Selector, d.Spec.Template.Labels) || budget.Spec.MaxUnavailable.IntValue() != 1 || budget.Spec.MinAvailable != nil ||
			*budget.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow {
			t.Errorf("%s: missingPodDisruptionBudget: %+v", name, budget.Spec)
		}
	}
}

// TestNoBudgetForOne: a budget for the only pod would keep its node from being drained.
func TestNoBudgetForOne(t *testing.T) {
	for _, o := range render(t, defaultNamespace, issuerAlone()).objects {
		if o.GetKind() == "PodDisruptionBudget" {
			t.Errorf("there is one for %s", o.GetName())
		}
	}
	scaled := with("tokenServer.autoscaling.enabled", true)
	m := render(t, defaultNamespace, scaled)
	m.get(t, "PodDisruptionBudget", "grantor-tokenserver")
	if d := m.deployments(t)["grantor-tokenserver"]; d.Spec.Replicas != nil || len(d.Spec.Template.Spec.TopologySpreadConstraints) != 2 {
		t.Errorf("the autoscaler's number is overwritten, or its pods are not spread: %+v", d.Spec)
	}
}

// selects reports whether a selector of labels selects what has them, and is not one for everything.
func selects(s *metav1.LabelSelector, labels map[string]string) bool {
	if s == nil || len(s.MatchLabels) < 2 {
		return false
	}
	for name, value := range s.MatchLabels {
		if labels[name] != value {
			return false
		}
	}
	return true
}
