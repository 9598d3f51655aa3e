package config

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/grantor-dev/grantor/test/harness"
)

// access is one question to the API server. Without a namespace it is about all of them.
type access struct {
	account, verb, group, resource, subresource, name, namespace string
	allowed                                                      bool
}

const (
	operatorAccount    = "grantor-operator"
	tokenServerAccount = "grantor-tokenserver"
	ours               = "grantor.dev"
	own                = harness.Namespace
)

// needed is what the roles are for.
var needed = []access{
	{operatorAccount, "get", ours, "identityproviders", "", "", "team-a", true},
	{operatorAccount, "list", ours, "oauthclients", "", "", "", true},
	{operatorAccount, "watch", ours, "oauthclients", "", "", "", true},
	{operatorAccount, "patch", ours, "identityproviders", "status", "", "team-a", true},
	{operatorAccount, "patch", ours, "oauthclients", "status", "", "team-a", true},
	{operatorAccount, "get", "", "secrets", "", "partner-cert", "team-a", true},
	{operatorAccount, "watch", "", "secrets", "", "", "", true},
	{operatorAccount, "create", "", "secrets", "", "", "team-a", true},
	{operatorAccount, "create", "events.k8s.io", "events", "", "", "team-a", true},
	{operatorAccount, "update", "coordination.k8s.io", "leases", "", "grantor-operator", own, true},
	{tokenServerAccount, "list", ours, "identityproviders", "", "", "", true},
	{tokenServerAccount, "watch", ours, "oauthclients", "", "", "", true},
	{tokenServerAccount, "watch", "", "secrets", "", "grantor-signing-keys", own, true},
	{tokenServerAccount, "get", "", "secrets", "", "grantor-digest-key", own, true},
}

// tooMuch is what a taken-over process must not be able to do.
func tooMuch() (rows []access) {
	for _, account := range []string{operatorAccount, tokenServerAccount} {
		rows = append(
			rows,
			access{account, "*", "*", "*", "", "", "", false},
			access{account, "create", "", "pods", "", "", own, false},
			access{account, "create", "", "pods", "exec", "", own, false},
			access{account, "create", "apps", "deployments", "", "", own, false},
			access{account, "get", "", "nodes", "proxy", "", "", false},
			access{account, "get", "", "configmaps", "", "", "kube-system", false},
			access{account, "create", "", "serviceaccounts", "token", "", own, false},
			access{account, "impersonate", "", "users", "", "", "", false},
			access{account, "escalate", "rbac.authorization.k8s.io", "clusterroles", "", "", "", false},
			access{account, "bind", "rbac.authorization.k8s.io", "clusterroles", "", "", "", false},
			access{account, "create", "rbac.authorization.k8s.io", "clusterrolebindings", "", "", "", false},
			access{account, "update", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", "", "", false},
			access{account, "update", "apiextensions.k8s.io", "customresourcedefinitions", "", "", "", false},
			access{account, "update", "", "secrets", "", "grantor-signing-keys", own, false},
			access{account, "delete", "", "secrets", "", "", "team-a", false},
			access{account, "create", ours, "identityproviders", "", "", "team-a", false},
			access{account, "update", ours, "oauthclients", "", "", "team-a", false},
			access{account, "delete", ours, "identityproviders", "", "", "team-a", false},
		)
	}
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		for _, resource := range []string{"identityproviders", "oauthclients"} {
			rows = append(rows, access{tokenServerAccount, verb, ours, resource, "status", "", "team-a", false})
		}
		rows = append(rows, access{tokenServerAccount, verb, "", "secrets", "", "grantor-signing-keys", own, false})
	}
	return append(
		rows,
		access{tokenServerAccount, "get", "", "secrets", "", "partner-cert", "team-a", false},
		access{tokenServerAccount, "get", "", "secrets", "", "grantor-signing-keys", "team-a", false},
		access{tokenServerAccount, "get", "", "secrets", "", "another", own, false},
		access{tokenServerAccount, "list", "", "secrets", "", "", own, false},
		access{tokenServerAccount, "list", "", "secrets", "", "", "", false},
		access{operatorAccount, "update", "coordination.k8s.io", "leases", "", "", "kube-system", false},
	)
}

func TestPermissions(t *testing.T) {
	for _, a := range append(tooMuch(), needed...) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + own + ":" + a.account,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + own, "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: a.verb, Group: a.group, Resource: a.resource, Subresource: a.subresource, Name: a.name, Namespace: a.namespace,
			},
		}}
		if err := cluster.Client.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != a.allowed {
			t.Errorf("%+v: allowed is %t: %s", a, review.Status.Allowed, review.Status.Reason)
		}
	}
}
