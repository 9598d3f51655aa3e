package chart

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

// TestScrape: the ServiceMonitor leads to the metrics of both components, by the labels of its own Service, and says how to
// ask for them.
func TestScrape(t *testing.T) {
	const tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	enabled := with("monitoring.serviceMonitor.enabled", true)
	network, verified := with("metrics.access", "Network"), with("metrics.tls.secretName", "scrape-tls")
	merge(verified, enabled)
	for name, tc := range map[string]struct {
		values   map[string]any
		port     any
		endpoint map[string]any
	}{
		"default": {enabled, int64(8443), map[string]any{
			"port": "metrics", "interval": "30s", "honorLabels": true, "scheme": "https", "bearerTokenFile": tokenFile, "tlsConfig": map[string]any{"insecureSkipVerify": true},
		}},
		"with a certificate": {verified, int64(8443), map[string]any{
			"port": "metrics", "interval": "30s", "honorLabels": true, "scheme": "https", "bearerTokenFile": tokenFile, "tlsConfig": map[string]any{
				"serverName": "grantor-metrics.auth.svc", "ca": map[string]any{"secret": map[string]any{"name": "scrape-tls", "key": "ca.crt"}},
			},
		}},
		"whom the network lets": {network, int64(8081), map[string]any{"port": "ops", "interval": "30s", "honorLabels": true}},
	} {
		t.Run(name, func(t *testing.T) {
			m := render(t, "auth", tc.values)
			service, monitor := into[corev1.Service](t, m, "Service", "grantor-metrics"), m.get(t, "ServiceMonitor", "grantor")
			endpoints, _, err := unstructured.NestedSlice(monitor.Object, "spec", "endpoints")
			if diff := cmp.Diff([]any{tc.endpoint}, endpoints); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if p := service.Spec.Ports; len(p) != 1 || p[0].Name != tc.endpoint["port"] || int64(p[0].Port) != tc.port || p[0].TargetPort.String() != tc.endpoint["port"] {
				t.Errorf("the Service has %+v", p)
			}
			mustSelect(t, m, service, monitor)
		})
	}
}

// mustSelect checks that the ServiceMonitor finds the Service, and this the pods.
func mustSelect(t *testing.T, m manifest, service *corev1.Service, monitor *unstructured.Unstructured) {
	t.Helper()
	selector, _, err := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
	if err != nil || len(selector) != 2 || m.get(t, "Service", "grantor-tokenserver").GetLabels()["app.kubernetes.io/component"] == "metrics" {
		t.Errorf("%v, %v", selector, err)
	}
	for label, value := range selector {
		if service.Labels[label] != value {
			t.Errorf("it selects %s=%s", label, value)
		}
	}
	if diff := cmp.Diff(map[string]string{"app.kubernetes.io/name": "grantor"}, service.Spec.Selector); diff != "" {
		t.Errorf("the Service selects %s", diff)
	}
}

// TestMetricsCertificate: both processes get the certificate, which is for the name by which Prometheus asks.
func TestMetricsCertificate(t *testing.T) {
	m := render(t, "auth", with("metrics.tls.issuerRef.name", "internal"))
	for name, d := range m.deployments(t) {
		c := d.Spec.Template.Spec.Containers[0]
		if v := d.Spec.Template.Spec.Volumes; len(v) != 1 || v[0].Secret == nil || v[0].Secret.SecretName != "scrape-tls" ||
			len(c.VolumeMounts) != 1 || c.VolumeMounts[0].MountPath != "/etc/grantor/metrics" || !c.VolumeMounts[0].ReadOnly || !knowsFlags(c.Args) {
			t.Errorf("%s: %+v %+v", name, v, c.VolumeMounts)
		}
	}
	spec, _ := m.get(t, "Certificate", "grantor-metrics").Object["spec"].(map[string]any)
	if diff := cmp.Diff([]any{"grantor-metrics.auth.svc"}, spec["dnsNames"]); diff != "" || spec["secretName"] != "scrape-tls" {
		t.Errorf("%v: %s", spec["secretName"], diff)
	}
}

// TestMetricsByNetwork: where the network alone decides, nobody has a permission for it.
func TestMetricsByNetwork(t *testing.T) {
	text := render(t, "auth", with("metrics.access", "Network")).text
	for _, gone := range []string{"--metrics", "8443", "grantor-metrics-reader", "subjectaccessreviews"} {
		if strings.Contains(text, gone) {
			t.Errorf("there is still %s", gone)
		}
	}
}

// scraper asks processes for metrics.
type scraper struct {
	t      *testing.T
	client *http.Client
}

func newScraper(t *testing.T) scraper {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // #nosec G402 -- it is made at the start
	t.Cleanup(transport.CloseIdleConnections)
	return scraper{t, &http.Client{Transport: transport, Timeout: 15 * time.Second}}
}

// status is what comes of asking, with a token unless it is empty. Nothing but 200 comes with metrics.
func (s scraper) status(url, token string) (status int) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || (res.StatusCode == http.StatusOK) != strings.Contains(string(text), "go_goroutines") {
		s.t.Errorf("%s with %q, %v", res.Status, text, err)
	}
	return res.StatusCode
}

// startForMetrics starts both processes on a control plane, and returns where their metrics are. The operator comes first: it
// makes the keys that the token server waits for.
func startForMetrics(t *testing.T, cp *harness.ControlPlane, binary string, more ...string) (urls map[string]string) {
	t.Helper()
	operator := append([]string{"operator", "--leader-elect=false"}, more...)
	server := append([]string{"tokenserver", "--issuer", issuer, "--listen", "127.0.0.1:0", "--drain", "0s"}, more...)
	urls = map[string]string{}
	for _, p := range []struct {
		account string
		args    []string
	}{{"grantor-operator", operator}, {"grantor-tokenserver", server}} {
		urls[p.account] = startWithMetrics(t, cp, binary, p.account, p.args)
	}
	return urls
}

// startWithMetrics starts a process, which is Ready then, and returns where its metrics are.
func startWithMetrics(t *testing.T, cp *harness.ControlPlane, binary, account string, args []string) (url string) {
	t.Helper()
	kubeconfig, err := cp.KubeconfigFor(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	var addresses [2]string
	for i := range addresses {
		if addresses[i], err = harness.FreeAddress(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	args = append(args, "--kubeconfig", kubeconfig, "--namespace", defaultNamespace, "--metrics-listen", addresses[0])
	p, err := harness.Start(t.Context(), binary, t.TempDir(), account, addresses[1], args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := p.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := newScraper(t).status(p.OpsURL+"/metrics", ""); status != http.StatusNotFound {
		t.Errorf("%s: the port for operations answers %d", account, status)
	}
	return "https://" + addresses[0] + "/metrics"
}

// TestWhoReadsMetrics asks processes with the accounts and permissions of the chart, which a real API server judges.
func TestWhoReadsMetrics(t *testing.T) {
	binary, err := harness.Build(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prometheus", "stranger"} {
		mustCreate(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: defaultNamespace, Name: name}})
	}
	mustCreate(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "grantor-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: defaultNamespace, Name: "prometheus"}},
	})
	token := func(account string, audiences ...string) string {
		text, err := cluster.ServiceAccountToken(t.Context(), defaultNamespace, account, audiences...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	s := newScraper(t)
	for process, url := range startForMetrics(t, cluster, binary) {
		for name, tc := range map[string]struct {
			token string
			want  int
		}{
			"nobody":                          {"", http.StatusUnauthorized},
			"garbage":                         {"garbage", http.StatusUnauthorized},
			"a token for somebody else":       {token("prometheus", issuer), http.StatusUnauthorized},
			"an account without the role":     {token("stranger"), http.StatusForbidden},
			"the process's own account":       {token(process), http.StatusForbidden},
			"an account with the role":        {token("prometheus"), http.StatusOK},
			"an account with the role, later": {token("prometheus"), http.StatusOK},
			"a token whose end was tampered":  {token("prometheus") + "A", http.StatusUnauthorized},
			"a token without its signature":   {unsigned(token("prometheus")), http.StatusUnauthorized},
		} {
			if got := s.status(url, tc.token); got != tc.want {
				t.Errorf("%s, %s: %d, want %d", process, name, got, tc.want)
			}
		}
	}
}

// unsigned leaves a token's signature out.
func unsigned(token string) string { return token[:strings.LastIndex(token, ".")+1] }

// mustCreate makes an object, which goes when the test has ended.
func mustCreate(t *testing.T, o client.Object) {
	t.Helper()
	if err := cluster.Client.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Client.Delete(context.WithoutCancel(t.Context()), o); err != nil {
			t.Error(err)
		}
	})
}

var binding = regexp.MustCompile(`(?m)^  kubectl (create clusterrolebinding auth-delegator.*)$`)

// metrics: without a permission for the whole cluster nobody reads metrics, until what the notes say has been done.
func (p *partial) metrics(served string) {
	p.t.Helper()
	urls := startForMetrics(p.t, p.cp, p.grantor.Binary, "--watch-namespaces", served)
	p.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: defaultNamespace, Name: "prometheus"}})
	token, err := p.cp.ServiceAccountToken(p.t.Context(), defaultNamespace, "prometheus")
	if err != nil {
		p.t.Fatal(err)
	}
	s := newScraper(p.t)
	for process, url := range urls {
		if got := s.status(url, token); got != http.StatusServiceUnavailable {
			p.t.Errorf("%s, without the permission: %d", process, got)
		}
	}
	command := binding.FindStringSubmatch(render(p.t, defaultNamespace, with("watchNamespaces", []any{served})).notes)
	if command == nil {
		p.t.Fatal("the notes do not say how to give the permission")
	}
	for _, args := range []string{command[1], "create clusterrolebinding reader --clusterrole=grantor-metrics-reader --serviceaccount=" + defaultNamespace + ":prometheus"} {
		if out, err := p.cp.Kubectl(p.t.Context(), strings.Fields(args)...).CombinedOutput(); err != nil {
			p.t.Fatalf("%v: %s", err, out)
		}
	}
	for process, url := range urls {
		if err := harness.Poll(p.t.Context(), 20*time.Second, func() error {
			if got := s.status(url, token); got != http.StatusOK {
				return fmt.Errorf("%s, with the permission: %d", process, got)
			}
			return nil
		}); err != nil {
			p.t.Error(err)
		}
	}
}
