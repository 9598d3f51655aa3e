package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAllPermissions writes down everything that the two ServiceAccounts may do beyond what every ServiceAccount may, as
// the API server sees it, so that nothing is added unnoticed.
func TestAllPermissions(t *testing.T) {
	const stranger = "stranger"
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: stranger}}
	if err := cluster.Client.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	removeAfter(t, account)
	everywhere := map[string]map[string]bool{}
	var got strings.Builder
	for _, place := range []struct{ namespace, title string }{{"default", "all namespaces"}, {own, "its own namespace besides"}} {
		everybody := rulesOf(t, stranger, place.namespace)
		for _, name := range []string{operatorAccount, tokenServerAccount} {
			rules := rulesOf(t, name, place.namespace)
			maps.DeleteFunc(rules, func(rule string, _ bool) bool { return everybody[rule] || everywhere[name][rule] })
			everywhere[name] = rules
			_, _ = fmt.Fprintf(&got, "%s, %s:\n  %s\n", name, place.title, strings.Join(slices.Sorted(maps.Keys(rules)), "\n  "))
		}
	}
	const file = "testdata/permissions.golden"
	if *update {
		if err := os.WriteFile(filepath.FromSlash(file), []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("permissions changed; go test ./test/config -update writes them (-golden +granted):\n%s", diff)
	}
}

// rulesOf returns what a ServiceAccount may do in a namespace: one verb on one resource or path each.
func rulesOf(t *testing.T, account, namespace string) map[string]bool {
	t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := serviceAccount(t, account).Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	if review.Status.Incomplete || review.Status.EvaluationError != "" {
		t.Fatalf("the API server does not know all permissions: %s", review.Status.EvaluationError)
	}
	rules := map[string]bool{}
	for _, r := range review.Status.ResourceRules {
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					rules[resourceRule(resource, group, verb, r.ResourceNames)] = true
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

func resourceRule(resource, group, verb string, names []string) string {
	text := strings.TrimSuffix(resource+"."+group, ".") + " " + verb
	if len(names) > 0 {
		text += ": " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
	}
	return text
}
