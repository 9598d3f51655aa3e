package console

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

var update = flag.Bool("update", false, "write the golden files")

// rulesOf returns what an account of Grantor's may do in a namespace: one verb on one resource or path each.
func rulesOf(t *testing.T, account, namespace string) map[string]bool {
	t.Helper()
	kubeconfig, err := site.ControlPlane.KubeconfigFor(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: site.ControlPlane.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := c.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, r := range review.Status.ResourceRules {
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					rules[strings.TrimSuffix(resource+"."+group, ".")+" "+verb] = true
				}
			}
		}
	}
	for _, r := range review.Status.NonResourceRules {
		for _, path := range r.NonResourceURLs {
			for _, verb := range r.Verbs {
				rules[path+" "+verb] = true
			}
		}
	}
	return rules
}

// TestAllPermissions writes down everything that the console may do beyond what every ServiceAccount may, as the API server
// sees it, so that nothing is added unnoticed.
func TestAllPermissions(t *testing.T) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: "stranger"}}
	if err := site.ControlPlane.Client.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	everywhere := map[string]bool{}
	for _, place := range []struct{ namespace, title string }{{"default", "all namespaces"}, {harness.Namespace, "its own namespace besides"}} {
		rules, everybody := rulesOf(t, "grantor-console", place.namespace), rulesOf(t, "stranger", place.namespace)
		maps.DeleteFunc(rules, func(rule string, _ bool) bool { return everybody[rule] || everywhere[rule] })
		everywhere = rules
		_, _ = fmt.Fprintf(&got, "grantor-console, %s:\n  %s\n", place.title, strings.Join(slices.Sorted(maps.Keys(rules)), "\n  "))
	}
	const file = "testdata/permissions.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("permissions changed; go test ./test/console -update writes them (-golden +granted):\n%s", diff)
	}
}
