package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// exposedConsole are values with a console behind an ingress.
func exposedConsole() map[string]any {
	values := with("console.enabled", true)
	merge(values, map[string]any{"console": map[string]any{
		"hosts":   []any{"console.example.com"},
		"callers": []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "ingress"}}}},
	}})
	return values
}

// ofConsole keeps what is rendered for the console, and what it changes for others.
func (m manifest) ofConsole() string {
	var kept []string
	for document := range strings.SplitSeq(m.text, "---\n") {
		if strings.Contains(document, "app.kubernetes.io/component: console") {
			kept = append(kept, "---\n"+document)
		}
	}
	return strings.Join(kept, "")
}

// TestNoConsole: it is there for who asks for it.
func TestNoConsole(t *testing.T) {
	for _, set := range valueSets(t) {
		if text := render(t, defaultNamespace, valueSet(t, set)).text; strings.Contains(text, "component: console") {
			t.Errorf("%s renders a console", set)
		}
	}
}

// TestConsoleIsHardened holds it to the bar of the others, in both ways to reach it.
func TestConsoleIsHardened(t *testing.T) {
	for name, values := range map[string]map[string]any{"alone": with("console.enabled", true), "exposed": exposedConsole()} {
		m := render(t, defaultNamespace, values)
		mustBeTaken(t, m)
		mustFindFiles(t, m)
		d := m.deployments(t)["grantor-console"]
		for item, holds := range hardening {
			// Its own are those of any Go program, and no policy of the network lets anybody read them.
			if item != "metrics for those alone who may read them" && !holds(d, &d.Spec.Template.Spec, &d.Spec.Template.Spec.Containers[0]) {
				t.Errorf("%s: does not hold: %s", name, item)
			}
		}
		mustBeAdmitted(t, name, d.Spec.Template.Labels, d.Spec.Template.Spec)
	}
}

// TestConsoleListens: without a host it is reached by kubectl port-forward alone.
func TestConsoleListens(t *testing.T) {
	for name, tc := range map[string]struct {
		values map[string]any
		listen bool
		ports  []string
	}{
		"alone":   {with("console.enabled", true), false, []string{"ops"}},
		"exposed": {exposedConsole(), true, []string{"ops", "pages"}},
	} {
		m := render(t, "auth", tc.values)
		c := m.deployments(t)["grantor-console"].Spec.Template.Spec.Containers[0]
		var ports []string
		for _, p := range c.Ports {
			ports = append(ports, p.Name)
		}
		slices.Sort(ports)
		if slices.Contains(c.Args, "--listen=:8082") != tc.listen || !slices.Equal(ports, tc.ports) {
			t.Errorf("%s: %v, ports %v", name, c.Args, ports)
		}
		if port := into[corev1.Service](t, m, "Service", "grantor-console").Spec.Ports[0]; port.TargetPort.IntValue() != 8082 {
			t.Errorf("%s: the Service leads to %v", name, port.TargetPort)
		}
	}
}

// TestConsoleTLS: with a certificate it speaks TLS, and who looks it up is told.
func TestConsoleTLS(t *testing.T) {
	for secret, want := range map[string]string{"": "http", "console-tls": "https"} {
		values := exposedConsole()
		merge(values, map[string]any{"console": map[string]any{"tls": map[string]any{"secretName": secret}}})
		m := render(t, "auth", values)
		mustBeTaken(t, m)
		port := into[corev1.Service](t, m, "Service", "grantor-console").Spec.Ports[0]
		if port.Name != want || *port.AppProtocol != want || !strings.Contains(m.notes, "at "+want+"://localhost:8082") {
			t.Errorf("%q: %+v, %s", secret, port, m.notes)
		}
		pod := m.deployments(t)["grantor-console"].Spec.Template.Spec
		speaks := slices.Contains(pod.Containers[0].Args, "--tls-cert-file=/etc/grantor/tls/tls.crt") && slices.Contains(pod.Containers[0].Args, "--tls-key-file=/etc/grantor/tls/tls.key")
		mounted := slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == "tls" && v.Secret.SecretName == secret }) &&
			slices.ContainsFunc(pod.Containers[0].VolumeMounts, func(v corev1.VolumeMount) bool {
				return v.Name == "tls" && v.MountPath == "/etc/grantor/tls" && v.ReadOnly && v.SubPath == ""
			})
		if speaks != (secret != "") || mounted != speaks || !knowsFlags(pod.Containers[0].Args) {
			t.Errorf("%q: %v, %+v", secret, pod.Containers[0].Args, pod.Volumes)
		}
	}
}

// TestConsoleReads: it reads the two kinds, and nothing else: no Secret, no pod, in no namespace that is not served.
func TestConsoleReads(t *testing.T) {
	rules := []rbacv1.PolicyRule{{APIGroups: []string{"grantor.dev"}, Resources: []string{"identityproviders", "oauthclients"}, Verbs: []string{"get", "list", "watch"}}}
	m := render(t, "auth", with("console.enabled", true))
	if diff := cmp.Diff(rules, into[rbacv1.ClusterRole](t, m, "ClusterRole", "grantor-console").Rules); diff != "" {
		t.Error(diff)
	}
	some := with("console.enabled", true)
	some["watchNamespaces"], some["metrics"] = []any{"team-a"}, map[string]any{"accessReview": false}
	m = render(t, "auth", some)
	roles := map[string]string{}
	for _, o := range m.objects {
		if (o.GetKind() == "Role" || o.GetKind() == "ClusterRole") && strings.Contains(o.GetName(), "console") {
			roles[o.GetNamespace()] = o.GetKind()
		}
	}
	if want := map[string]string{"auth": "Role", "team-a": "Role"}; !maps.Equal(roles, want) {
		t.Errorf("roles %v", roles)
	}
	if args := m.deployments(t)["grantor-console"].Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--watch-namespaces=team-a") {
		t.Errorf("it shows others: %v", args)
	}
}

// TestConsoleFindsTokenServers: the name that it asks for is that of a Service with all of their pods, also those that are not
// Ready.
func TestConsoleFindsTokenServers(t *testing.T) {
	m := render(t, "auth", with("console.enabled", true))
	s := into[corev1.Service](t, m, "Service", "grantor-tokenserver-pods")
	labels := m.deployments(t)["grantor-tokenserver"].Spec.Template.Labels
	for name, value := range s.Spec.Selector {
		if labels[name] != value {
			t.Errorf("%s=%s selects no token server", name, value)
		}
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone || !s.Spec.PublishNotReadyAddresses {
		t.Errorf("%+v", s.Spec)
	}
	if args := m.deployments(t)["grantor-console"].Spec.Template.Spec.Containers[0].Args; !slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "--metrics-url=") && strings.Contains(a, "https://grantor-tokenserver-pods.auth.svc:8443/")
	}) {
		t.Errorf("it asks %v", args)
	}
}

// TestConsoleReadsMetrics: it shows its token, and knows by which authorities to tell token servers where they have some.
func TestConsoleReadsMetrics(t *testing.T) {
	m := render(t, "auth", with("console.enabled", true))
	binding := into[rbacv1.ClusterRoleBinding](t, m, "ClusterRoleBinding", "grantor-console-metrics")
	if binding.RoleRef.Name != "grantor-metrics-reader" || len(binding.Subjects) != 1 || binding.Subjects[0].Name != "grantor-console" || binding.Subjects[0].Namespace != "auth" {
		t.Errorf("%+v", binding)
	}
	for name, tc := range map[string]struct {
		metrics      map[string]any
		args, absent []string
		volumes      int
	}{
		"certificates of their own": {map[string]any{}, []string{"--metrics-token-file=/var/run/secrets/kubernetes.io/serviceaccount/token", "--metrics-insecure"}, []string{"--metrics-listen"}, 0},
		"certificates of an authority": {
			map[string]any{"tls": map[string]any{"secretName": "scrape-tls"}},
			[]string{"--metrics-ca-file=/etc/grantor/metrics/ca.crt", "--metrics-server-name=grantor-metrics.auth.svc"},
			[]string{"--metrics-insecure", "--metrics-tls"},
			1,
		},
		"whom the network lets": {map[string]any{"access": "Network"}, []string{"--metrics-url=http://grantor-tokenserver-pods.auth.svc:8081/metrics"}, []string{"--metrics-token-file", "--metrics-insecure"}, 0},
	} {
		values := with("console.enabled", true)
		values["metrics"] = tc.metrics
		m := render(t, "auth", values)
		mustBeTaken(t, m)
		mustFindFiles(t, m)
		pod := m.deployments(t)["grantor-console"].Spec.Template.Spec
		for _, want := range tc.args {
			if !slices.Contains(pod.Containers[0].Args, want) {
				t.Errorf("%s: no %s in %v", name, want, pod.Containers[0].Args)
			}
		}
		for _, absent := range tc.absent {
			if slices.ContainsFunc(pod.Containers[0].Args, func(a string) bool { return strings.HasPrefix(a, absent) }) {
				t.Errorf("%s: %s in %v", name, absent, pod.Containers[0].Args)
			}
		}
		if len(pod.Volumes) != tc.volumes || !knowsFlags(pod.Containers[0].Args) {
			t.Errorf("%s: %+v, %v", name, pod.Volumes, pod.Containers[0].Args)
		}
		if slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return len(v.Secret.Items) != 1 || v.Secret.Items[0].Key != "ca.crt" }) {
			t.Errorf("%s: it gets more than the authorities: %+v", name, pod.Volumes)
		}
	}
}

// TestConsoleNetwork: nobody gets to it over the network who is not named, and it gets to token servers and the API server.
func TestConsoleNetwork(t *testing.T) {
	alone, exposed := newNetwork(t, render(t, "auth", with("console.enabled", true))), newNetwork(t, render(t, "auth", exposedConsole()))
	if got := alone.ingress("console"); len(got) != 0 {
		t.Errorf("alone, it lets in %+v", got)
	}
	if got := exposed.ingress("console"); len(got) != 1 || len(got[0].From) != 1 || *got[0].Ports[0].Port != *name("pages") {
		t.Errorf("exposed, it lets in %+v", got)
	}
	nobody := exposedConsole()
	merge(nobody, map[string]any{"console": map[string]any{"callers": []any{}}})
	if got := newNetwork(t, render(t, "auth", nobody)).ingress("console"); len(got) != 0 {
		t.Errorf("with no callers it lets in %+v", got)
	}
	if !alone.reaches("console", "10.0.0.1", 6443) || alone.reaches("console", "198.51.100.7", 8081) || alone.reaches("console", "198.51.100.7", 80) {
		t.Error("it reaches others than the API server, or not even that")
	}
	isConsole := func(p networkingv1.NetworkPolicyPeer) bool {
		return p.PodSelector != nil && p.PodSelector.MatchLabels["app.kubernetes.io/component"] == "console" && p.NamespaceSelector == nil
	}
	let := false
	for _, rule := range alone.ingress("tokenserver") {
		let = let || *rule.Ports[0].Port == *name("metrics") && len(rule.From) == 1 && isConsole(rule.From[0])
	}
	if !let {
		t.Error("token servers do not let it read their metrics")
	}
	for _, p := range alone.of("console") {
		if len(p.Spec.PolicyTypes) != 2 {
			t.Errorf("%s is about %v", p.Name, p.Spec.PolicyTypes)
		}
	}
}

// TestConsoleExplains: assertions are explained as token servers judge them.
func TestConsoleExplains(t *testing.T) {
	values := with("console.enabled", true)
	values["grants"] = map[string]any{"jwtBearer": map[string]any{"enabled": false}, "refreshToken": map[string]any{"enabled": false}}
	d := render(t, "auth", values).deployments(t)
	for _, name := range []string{"grantor-tokenserver", "grantor-console"} {
		args := d[name].Spec.Template.Spec.Containers[0].Args
		for _, want := range []string{"--issuer=" + issuer, "--disable-grant=jwt-bearer", "--disable-grant=refresh-token"} {
			if !slices.Contains(args, want) {
				t.Errorf("%s has no %s: %v", name, want, args)
			}
		}
	}
}

// TestConsoleNotes: who opens it is told how, and who forgot to say for whom is told that.
func TestConsoleNotes(t *testing.T) {
	nobody, everybody := exposedConsole(), exposedConsole()
	merge(nobody, map[string]any{"console": map[string]any{"callers": []any{}}})
	merge(everybody, map[string]any{"networkPolicy": map[string]any{"enabled": false}})
	for says, values := range map[string]map[string]any{
		"port-forward service/grantor-console 8082:80":                                      with("console.enabled", true),
		"Nobody may call the console under console.example.com: set console.callers.":       nobody,
		"Every pod of the cluster reaches the console (networkPolicy.enabled), and it asks": everybody,
	} {
		if notes := render(t, "auth", values).notes; !strings.Contains(notes, says) {
			t.Errorf("not said: %s:\n%s", says, notes)
		}
	}
}
