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
	{operatorAccount, "create", "authentication.k8s.io", "tokenreviews", "", "", "", true},
	{operatorAccount, "create", "authorization.k8s.io", "subjectaccessreviews", "", "", "", true},
	{tokenServerAccount, "create", "authentication.k8s.io", "tokenreviews", "", "", "", true},
	{tokenServerAccount, "create", "authorization.k8s.io", "subjectaccessreviews", "", "", "", true},
	{operatorAccount, "get", ours, "identityproviders", "", "", "team-a", true},
	{operatorAccount, "list", ours, "oauthclients", "", "", "", true},
	{operatorAccount, "watch", ours, "oauthclients", "", "", "", true},
	{operatorAccount, "update", ours, "identityproviders", "status", "", "team-a", true},
	{operatorAccount, "update", ours, "oauthclients", "status", "", "team-a", true},
	{operatorAccount, "get", "", "secrets", "", "partner-cert", "team-a", true},
	{operatorAccount, "watch", "", "secrets", "", "", "", true},
	{operatorAccount, "create", "", "secrets", "", "", "team-a", true},
	{operatorAccount, "update", "", "secrets", "", "playground", "team-a", true},
	{operatorAccount, "update", "", "secrets", "", "grantor-signing-keys", own, true},
	{operatorAccount, "get", "", "configmaps", "", "partner-ca", "team-a", true},
	{operatorAccount, "list", "", "configmaps", "", "", "", true},
	{operatorAccount, "watch", "", "configmaps", "", "", "", true},
	{operatorAccount, "create", "events.k8s.io", "events", "", "", "team-a", true},
	{operatorAccount, "update", "coordination.k8s.io", "leases", "", "grantor-operator", own, true},
	{operatorAccount, "list", "coordination.k8s.io", "leases", "", "", own, true},
	{operatorAccount, "watch", "coordination.k8s.io", "leases", "", "", own, true},
	{operatorAccount, "delete", "coordination.k8s.io", "leases", "", "grantor-tokenserver-1", own, true},
	{tokenServerAccount, "list", ours, "identityproviders", "", "", "", true},
	{tokenServerAccount, "watch", ours, "oauthclients", "", "", "", true},
	{tokenServerAccount, "watch", "", "secrets", "", "grantor-signing-keys", own, true},
	{tokenServerAccount, "get", "", "secrets", "", "grantor-digest-key", own, true},
	{tokenServerAccount, "get", "coordination.k8s.io", "leases", "", "grantor-tokenserver-1", own, true},
	{tokenServerAccount, "create", "coordination.k8s.io", "leases", "", "", own, true},
	{tokenServerAccount, "update", "coordination.k8s.io", "leases", "", "grantor-tokenserver-1", own, true},
	{tokenServerAccount, "delete", "coordination.k8s.io", "leases", "", "grantor-tokenserver-1", own, true},
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
			access{account, "create", "", "configmaps", "", "", own, false},
			access{account, "update", "", "configmaps", "", "", "kube-system", false},
			access{account, "create", "", "serviceaccounts", "token", "", own, false},
			access{account, "impersonate", "", "users", "", "", "", false},
			access{account, "escalate", "rbac.authorization.k8s.io", "clusterroles", "", "", "", false},
			access{account, "bind", "rbac.authorization.k8s.io", "clusterroles", "", "", "", false},
			access{account, "create", "rbac.authorization.k8s.io", "clusterrolebindings", "", "", "", false},
			access{account, "update", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", "", "", false},
			access{account, "update", "apiextensions.k8s.io", "customresourcedefinitions", "", "", "", false},
			access{account, "patch", "", "secrets", "", "grantor-signing-keys", own, false},
			access{account, "delete", "", "secrets", "", "grantor-signing-keys", own, false},
			access{account, "delete", "", "secrets", "", "", "team-a", false},
			access{account, "deletecollection", "coordination.k8s.io", "leases", "", "", own, false},
			access{account, "update", "coordination.k8s.io", "leases", "", "", "kube-system", false},
			access{account, "create", "coordination.k8s.io", "leases", "", "", "team-a", false},
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
		access{tokenServerAccount, "list", "coordination.k8s.io", "leases", "", "", own, false},
		access{tokenServerAccount, "get", "coordination.k8s.io", "leases", "", "", "team-a", false},
		access{tokenServerAccount, "get", "", "configmaps", "", "", own, false},
		access{tokenServerAccount, "create", "events.k8s.io", "events", "", "", own, false},
	)
}

func TestPermissions(t *testing.T) {
	for _, a := range append(tooMuch(), needed...) {
		review := reviewOf(a.account)
		review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: a.verb, Group: a.group, Resource: a.resource, Subresource: a.subresource, Name: a.name, Namespace: a.namespace,
		}
		mustAnswer(t, review, a.allowed)
	}
}

// TestPathPermissions: the operator reads what a cluster publishes of itself as an issuer, and no other path.
func TestPathPermissions(t *testing.T) {
	for path, allowed := range map[string]bool{
		"/.well-known/openid-configuration": true, "/openid/v1/jwks": true, "/metrics": false, "/logs": false, "/debug/pprof/heap": false,
	} {
		for _, account := range []string{operatorAccount, tokenServerAccount} {
			review := reviewOf(account)
			// Without groups: what every ServiceAccount of the cluster may read does not count.
			review.Spec.Groups = nil
			review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"}
			mustAnswer(t, review, allowed && account == operatorAccount)
		}
	}
}

// reviewOf is a question about a ServiceAccount of Grantor's.
func reviewOf(account string) *authorizationv1.SubjectAccessReview {
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:   "system:serviceaccount:" + own + ":" + account,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + own, "system:authenticated"},
	}}
}

func mustAnswer(t *testing.T, review *authorizationv1.SubjectAccessReview, allowed bool) {
	t.Helper()
	if err := cluster.Client.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	if review.Status.Allowed != allowed {
		t.Errorf("%s: %+v%+v: allowed is %t: %s", review.Spec.User, review.Spec.ResourceAttributes, review.Spec.NonResourceAttributes, review.Status.Allowed, review.Status.Reason)
	}
}
