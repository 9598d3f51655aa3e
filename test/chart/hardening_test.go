package chart

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/grantor-dev/grantor/internal/app"
)

// hardening is what every Deployment must be, by the names under which checkers know it.
var hardening = map[string]func(d *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool{
	"allowPrivilegeEscalation is false": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return c.SecurityContext.AllowPrivilegeEscalation != nil && !*c.SecurityContext.AllowPrivilegeEscalation
	},
	"not privileged": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return c.SecurityContext.Privileged == nil
	},
	"runAsNonRoot with a high uid": func(_ *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool {
		return *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser == 65532 && *pod.SecurityContext.RunAsGroup == 65532 &&
			c.SecurityContext.RunAsUser == nil && c.SecurityContext.RunAsNonRoot == nil
	},
	"capabilities: drop ALL, add none": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(c.SecurityContext.Capabilities.Add) == 0
	},
	"seccompProfile RuntimeDefault": func(_ *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool {
		return pod.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault && c.SecurityContext.SeccompProfile == nil
	},
	"readOnlyRootFilesystem": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return *c.SecurityContext.ReadOnlyRootFilesystem
	},
	"no volumes": func(_ *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool {
		return len(pod.Volumes) == 0 && len(c.VolumeMounts) == 0
	},
	"no namespace of the host": func(_ *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool {
		return !pod.HostNetwork && !pod.HostPID && !pod.HostIPC && !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 })
	},
	"requests and limits": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return !c.Resources.Requests.Cpu().IsZero() && !c.Resources.Requests.Memory().IsZero() && !c.Resources.Limits.Memory().IsZero()
	},
	"metrics for those alone who may read them": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return slices.Contains(c.Args, "--metrics-listen=:8443") && slices.Contains(c.Ports, corev1.ContainerPort{Name: "metrics", ContainerPort: 8443})
	},
	"startup, liveness and readiness probes off the public port": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.String() != "ops" {
				return false
			}
		}
		return c.StartupProbe != nil && slices.Contains(c.Ports, corev1.ContainerPort{Name: "ops", ContainerPort: 8081})
	},
	"a ServiceAccount of its own": func(d *appsv1.Deployment, pod *corev1.PodSpec, _ *corev1.Container) bool {
		return pod.ServiceAccountName == d.Name && *pod.AutomountServiceAccountToken
	},
	"no secrets in the environment": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return len(c.EnvFrom) == 0 && !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
			return e.ValueFrom == nil || e.ValueFrom.ResourceFieldRef == nil && e.ValueFrom.FieldRef == nil
		})
	},
	"image with a version": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		_, tag, ok := strings.Cut(c.Image, ":")
		return ok && tag != "latest" && strings.HasPrefix(tag, "v")
	},
	"one container, of the image's entry point": func(_ *appsv1.Deployment, pod *corev1.PodSpec, c *corev1.Container) bool {
		return len(pod.Containers) == 1 && len(pod.InitContainers) == 0 && len(c.Command) == 0
	},
	"flags that the program knows": func(_ *appsv1.Deployment, _ *corev1.PodSpec, c *corev1.Container) bool {
		return knowsFlags(c.Args)
	},
}

// knowsFlags reports whether the program takes these arguments.
func knowsFlags(args []string) bool {
	var out bytes.Buffer
	return app.Main(append(slices.Clone(args), "--help"), &out, &out) == 0
}

func TestHardening(t *testing.T) {
	for name, d := range render(t, defaultNamespace, issuerAlone()).deployments(t) {
		for item, holds := range hardening {
			t.Run(name+"/"+item, func(t *testing.T) {
				if !holds(d, &d.Spec.Template.Spec, &d.Spec.Template.Spec.Containers[0]) {
					t.Error("does not hold")
				}
			})
		}
	}
}

// TestTLS: with a certificate nothing is mounted but its Secret, read only and whole, so that a renewed one arrives; the
// probes ask the port for operations, which speaks plain HTTP.
func TestTLS(t *testing.T) {
	m := render(t, defaultNamespace, with("tokenServer.tls.secretName", "edge-tls"))
	deployments := m.deployments(t)
	d := deployments["grantor-tokenserver"]
	pod, c := &d.Spec.Template.Spec, &d.Spec.Template.Spec.Containers[0]
	for item, holds := range hardening {
		if item != "no volumes" && !holds(d, pod, c) {
			t.Errorf("does not hold: %s", item)
		}
	}
	want := []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "edge-tls"}}}}
	mounts := []corev1.VolumeMount{{Name: "tls", MountPath: "/etc/grantor/tls", ReadOnly: true}}
	if diff := cmp.Diff(want, pod.Volumes) + cmp.Diff(mounts, c.VolumeMounts); diff != "" {
		t.Error(diff)
	}
	for _, flag := range []string{"--tls-cert-file=/etc/grantor/tls/tls.crt", "--tls-key-file=/etc/grantor/tls/tls.key"} {
		if !slices.Contains(c.Args, flag) {
			t.Errorf("no %s in %q", flag, c.Args)
		}
	}
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if probe.HTTPGet.Scheme != "" && probe.HTTPGet.Scheme != corev1.URISchemeHTTP {
			t.Errorf("a probe speaks %s", probe.HTTPGet.Scheme)
		}
	}
	if operator := deployments["grantor-operator"]; len(operator.Spec.Template.Spec.Volumes) != 0 {
		t.Error("the operator gets the certificate too")
	}
	ports, _, err := unstructured.NestedSlice(m.get(t, "Service", "grantor-tokenserver").Object, "spec", "ports")
	if port, _ := ports[0].(map[string]any); err != nil || port["appProtocol"] != "https" {
		t.Errorf("the Service has %v, %v", ports, err)
	}
	if !strings.Contains(m.notes, "which speaks TLS with the certificate of Secret edge-tls") || !strings.Contains(m.notes, "curl --insecure https://") {
		t.Errorf("the notes say: %s", m.notes)
	}
}

// TestOneTokenServer: two at a time would take an assertion twice, and during a rollout too.
func TestOneTokenServer(t *testing.T) {
	d := render(t, defaultNamespace, issuerAlone()).deployments(t)["grantor-tokenserver"]
	if *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Errorf("replicas %d with strategy %s", *d.Spec.Replicas, d.Spec.Strategy.Type)
	}
}

// TestTokenServersThatShare: with Valkey there may be many, and an upgrade leaves none out.
func TestTokenServersThatShare(t *testing.T) {
	values := with("tokenServer.valkey.passwordSecret", "vk")
	values["tokenServer"].(map[string]any)["replicas"] = 3 //nolint:errcheck,forcetypeassert // It is one.
	d := render(t, defaultNamespace, values).deployments(t)["grantor-tokenserver"]
	update := d.Spec.Strategy.RollingUpdate
	if *d.Spec.Replicas != 3 || update == nil || update.MaxUnavailable.String() != "0" || update.MaxSurge.String() != "1" {
		t.Errorf("replicas %d with strategy %+v", *d.Spec.Replicas, d.Spec.Strategy)
	}
	container := d.Spec.Template.Spec.Containers[0]
	if !slices.Contains(container.Args, "--valkey-password-file=/etc/grantor/valkey/password/password") ||
		len(container.VolumeMounts) != 1 || container.VolumeMounts[0].MountPath != "/etc/grantor/valkey/password" || !container.VolumeMounts[0].ReadOnly {
		t.Errorf("the password is not where the program looks: %v, %+v", container.Args, container.VolumeMounts)
	}
	for _, e := range container.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			t.Errorf("a secret is in the environment: %+v", e)
		}
	}
}

// TestValkeyWithoutServer: what is set for a server that is not named would have no effect, and is refused.
func TestValkeyWithoutServer(t *testing.T) {
	values := issuerAlone()
	merge(values, map[string]any{"tokenServer": map[string]any{"valkey": map[string]any{"username": "grantor"}}})
	if _, err := tryRender(t.Context(), "auth", values); err == nil || !strings.Contains(err.Error(), "tokenServer.valkey.addresses is empty, but what sets --valkey-username=grantor") {
		t.Errorf("got %v", err)
	}
}

// TestNoRoleIsWide looks at the rules themselves; what they add up to is asked of an API server in test/config.
func TestNoRoleIsWide(t *testing.T) {
	m := render(t, defaultNamespace, issuerAlone())
	seen := map[bool]int{}
	for _, o := range m.objects {
		if o.GetKind() != "Role" && o.GetKind() != "ClusterRole" {
			continue
		}
		var role rbacv1.ClusterRole // a Role has the same rules
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			t.Fatal(err)
		}
		wide := []string{"*", "escalate", "bind", "impersonate", "pods/exec", "nodes/proxy"}
		people := slices.Contains([]string{"grantor-view", "grantor-edit", "grantor-admin", "grantor-metrics-reader"}, role.Name)
		if people {
			wide = append(wide, "identityproviders/status", "oauthclients/status")
		} else {
			wide = append(wide, "deletecollection")
		}
		seen[people]++
		for _, rule := range role.Rules {
			words := slices.Concat(rule.Verbs, rule.APIGroups, rule.Resources, rule.ResourceNames)
			for _, word := range wide {
				if slices.Contains(words, word) {
					t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), rule)
				}
			}
		}
	}
	if seen[false] != 5 || seen[true] != 4 {
		t.Errorf("%d roles of processes and %d of people are rendered, not 5 and 4", seen[false], seen[true])
	}
}

// bindsOurs reports whether a role goes to the account that it is named after, or that for metrics to both.
func bindsOurs(b rbacv1.ClusterRoleBinding) bool {
	accounts := []string{"grantor-operator", "grantor-tokenserver"}
	for _, s := range b.Subjects {
		if s.Kind != "ServiceAccount" || s.Namespace != "auth" || !slices.Contains(accounts, s.Name) {
			return false
		}
	}
	if b.RoleRef.Name == "grantor-metrics" {
		return len(b.Subjects) == len(accounts)
	}
	return len(b.Subjects) == 1 && strings.HasPrefix(b.RoleRef.Name, b.Subjects[0].Name)
}

// TestBindings: permissions go to the two accounts of the chart, and are those of its own roles: neither cluster-admin nor
// the default account of a namespace stands anywhere.
func TestBindings(t *testing.T) {
	for _, values := range []map[string]any{issuerAlone(), with("watchNamespaces", []any{"team-a"})} {
		m := render(t, "auth", values)
		bindings := 0
		for _, o := range m.objects {
			if o.GetKind() != "RoleBinding" && o.GetKind() != "ClusterRoleBinding" {
				continue
			}
			bindings++
			var binding rbacv1.ClusterRoleBinding // a RoleBinding has the same fields
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &binding); err != nil {
				t.Fatal(err)
			}
			m.get(t, binding.RoleRef.Kind, binding.RoleRef.Name)
			if !bindsOurs(binding) {
				t.Errorf("%s %s: %+v to %+v", o.GetKind(), o.GetName(), binding.RoleRef, binding.Subjects)
			}
			if binding.Kind == "ClusterRoleBinding" && values["watchNamespaces"] != nil {
				t.Errorf("with watchNamespaces, %s is for the whole cluster", o.GetName())
			}
		}
		if bindings < 4 {
			t.Errorf("only %d bindings", bindings)
		}
	}
}
