package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/test/harness"
)

var (
	readVerbs  = []string{"get", "list", "watch"}
	writeVerbs = []string{"create", "update", "patch", "delete", "deletecollection"}
	everyVerb  = slices.Concat(readVerbs, writeVerbs)
)

// TestAggregation: each role is added to the one of the cluster that it is named like, and to no other.
func TestAggregation(t *testing.T) {
	const aggregate = "rbac.authorization.k8s.io/aggregate-to-"
	for _, name := range []string{"view", "edit", "admin"} {
		var role rbacv1.ClusterRole
		if err := cluster.Client.Get(t.Context(), client.ObjectKey{Name: "grantor-" + name}, &role); err != nil {
			t.Fatal(err)
		}
		got := maps.Clone(role.Labels)
		maps.DeleteFunc(got, func(label, _ string) bool { return !strings.HasPrefix(label, aggregate) })
		if diff := cmp.Diff(map[string]string{aggregate + name: "true"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", role.Name, diff)
		}
	}
}

// TestUsersMayNotWriteStatus asks about people with a role in one namespace: Grantor's role alone, and the cluster's role
// of that name with all that is aggregated to it.
func TestUsersMayNotWriteStatus(t *testing.T) {
	createAll(t)
	for name, verbs := range map[string][]string{"view": readVerbs, "edit": everyVerb, "admin": everyVerb} {
		for user, role := range map[string]string{"grantor-only-" + name: "grantor-" + name, "cluster-" + name: aggregated(t, name)} {
			bind(t, user, role)
			for _, resource := range []string{"identityproviders", "oauthclients"} {
				for _, verb := range everyVerb {
					mustBeAllowed(t, user, verb, resource, "", namespace, slices.Contains(verbs, verb))
					mustBeAllowed(t, user, verb, resource, "status", namespace, false)
					mustBeAllowed(t, user, verb, resource, "", own, false)
				}
			}
			for kind := range specs {
				if err := writeStatus(t, as(t, user), kind); !apierrors.IsForbidden(err) || strings.Contains(err.Error(), refusal) {
					t.Errorf("%s: %s got %v, want that the role does not allow it", user, kind, err)
				}
			}
		}
	}
}

// TestStatusIsTheOperatorsWithEveryPermission: who was given everything in the group is refused by the policy.
func TestStatusIsTheOperatorsWithEveryPermission(t *testing.T) {
	createAll(t)
	const user = "everything-in-the-group"
	bind(t, user, newRole(t, user, []rbacv1.PolicyRule{{APIGroups: []string{ours}, Resources: []string{"*"}, Verbs: []string{"*"}}}))
	for kind := range specs {
		mustBeAllowed(t, user, "patch", strings.ToLower(kind)+"s", "status", namespace, true)
		awaitRefusal(t, refusal, func() error { return writeStatus(t, as(t, user), kind) })
	}
}

// aggregated makes a role with the rules that the control plane's controller, which does not run here, gives to a role of
// the cluster.
func aggregated(t *testing.T, name string) string {
	t.Helper()
	var all rbacv1.ClusterRoleList
	if err := cluster.Client.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	rules := rulesWithin(t, all.Items, name)
	if len(rules) < 5 {
		t.Fatalf("only %d rules are aggregated to %s", len(rules), name)
	}
	return newRole(t, "aggregated-"+name, rules)
}

func rulesWithin(t *testing.T, all []rbacv1.ClusterRole, name string) []rbacv1.PolicyRule {
	t.Helper()
	at := slices.IndexFunc(all, func(r rbacv1.ClusterRole) bool { return r.Name == name })
	if at < 0 {
		t.Fatalf("no ClusterRole %s", name)
	}
	if all[at].AggregationRule == nil {
		return all[at].Rules
	}
	var rules []rbacv1.PolicyRule
	for _, s := range all[at].AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if r.Name != name && selector.Matches(labels.Set(r.Labels)) {
				rules = append(rules, rulesWithin(t, all, r.Name)...)
			}
		}
	}
	return rules
}

func newRole(t *testing.T, name string, rules []rbacv1.PolicyRule) string {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	if err := cluster.Client.Create(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	removeAfter(t, role)
	return name
}

// bind gives a role to a user, in one namespace, and waits until the API server heeds it. The role lets the user read.
func bind(t *testing.T, user, role string) {
	t.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if err := cluster.Client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	removeAfter(t, binding)
	err := harness.Poll(t.Context(), policyTimeout, func() error {
		for _, resource := range []string{"identityproviders", "oauthclients"} {
			review := userReview(user, "get", resource, "", namespace)
			if err := cluster.Client.Create(t.Context(), review); err != nil {
				return harness.Permanent(err)
			}
			if !review.Status.Allowed {
				return errors.New(user + " may not get " + resource)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// as is a client of a user who has what is bound to the name.
func as(t *testing.T, user string) client.Client {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return newClient(t, config)
}

func mustBeAllowed(t *testing.T, user, verb, resource, subresource, in string, allowed bool) {
	t.Helper()
	mustAnswer(t, userReview(user, verb, resource, subresource, in), allowed)
}

func userReview(user, verb, resource, subresource, in string) *authorizationv1.SubjectAccessReview {
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: []string{"system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: ours, Resource: resource, Subresource: subresource, Namespace: in,
		},
	}}
}
