package operator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/test/harness"
)

func permissionRows() []row {
	return []row{
		{id: "L-16", name: "status-escalation", run: statusEscalation},
		{id: "L-17", name: "rbac-minimal", run: accounts},
	}
}

// as is a user of the tenant's namespace with the given rules.
func (tn *tenant) as(name string, rules ...rbacv1.PolicyRule) client.Client {
	tn.t.Helper()
	role := &rbacv1.Role{ObjectMeta: objectMeta(tn.namespace, name), Rules: rules}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: objectMeta(tn.namespace, name),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: tn.namespace + "-" + name}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := tn.w.api.Create(tn.t.Context(), o); err != nil {
			tn.t.Fatal(err)
		}
	}
	return tn.w.config(tn.t, func(c *rest.Config) {
		c.Impersonate = rest.ImpersonationConfig{UserName: tn.namespace + "-" + name, Groups: []string{"system:authenticated"}}
	})
}

// statusEscalation: nobody but the operator makes token servers trust a key or a digest by writing a status.
func statusEscalation(t *testing.T, w *world) {
	tn := w.tenant(t)
	tn.certProvider("idp")
	tn.waitReady("idp")
	tn.wait(tn.fresh("idp"), http.StatusOK)
	edit := &rbacv1.ClusterRole{}
	if err := w.api.Get(t.Context(), client.ObjectKey{Name: "grantor-edit"}, edit); err != nil {
		t.Fatal(err)
	}
	star := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion().Group}, Resources: []string{"*"}, Verbs: []string{"*"}}
	everything := rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}
	for name, c := range map[string]client.Client{
		"editor": tn.as("editor", edit.Rules...), "star": tn.as("star", star), "everything": tn.as("everything", everything),
		"cluster-admin": w.api, "token-server": w.accountOf(t, "grantor-tokenserver"),
	} {
		for attempt, err := range tn.writeStatus(c) {
			if !apierrors.IsForbidden(err) {
				t.Errorf("%s as %s: %v", attempt, name, err)
			}
		}
	}
	// A status that comes with an object is not looked at, nor is one in a change of the object.
	o := tn.provider("with-status", certificates("idp"))
	o["status"] = forgedStatus(tn.issuer("with-status"))
	tn.create(o)
	p, err := w.providerOf(t.Context(), tn.namespace, "idp")
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: tn.object(kindProvider, "idp", object{"spec": object{"issuer": p.Spec.Issuer, "audienceAliases": []any{alias}, "certificateSecretRef": object{"name": "idp"}}, "status": forgedStatus(p.Spec.Issuer)})}
	u.SetResourceVersion(p.ResourceVersion)
	if err := w.api.Update(t.Context(), u); err != nil && !apierrors.IsConflict(err) {
		t.Fatal(err)
	}
	tn.waitReady("with-status")
	for _, name := range []string{"idp", "with-status"} {
		tn.now(tn.by(name, "ES256", "", ecKey("forged")), http.StatusBadRequest)
	}
	tn.wait(tn.fresh("idp"), http.StatusOK)
	tn.wait(tn.by("with-status", "ES256", "", tn.keyOf("idp")), http.StatusOK)
	tn.waitAs(tn.namespace+".app", "somebody-elses-secret", tn.fresh("idp"), http.StatusUnauthorized)
}

// forgedStatus says that a key of the attacker is trusted.
func forgedStatus(issuer string) object {
	public := jwk("", ecKey("forged").Public(), nil)
	return object{"observedGeneration": int64(1), "trust": object{
		"issuer": issuer, "source": "Secret", "keyCount": int64(1),
		"keys": []any{object{"type": "P-256", "algorithms": []any{"ES256"}, "thumbprintSHA256": "x", "publicJWK": asJSON(public)}},
	}}
}

// writeStatus tries every way to write a status, and returns what the API server says.
func (tn *tenant) writeStatus(c client.Client) map[string]error {
	tn.t.Helper()
	ctx, all := tn.t.Context(), map[string]error{}
	statuses := map[string]object{
		kindProvider + "/idp": forgedStatus(tn.issuer("idp")),
		kindClient + "/app":   {"clientID": tn.namespace + ".app", "authentication": "Public", "credentials": []any{}},
	}
	for target, status := range statuses {
		kind, name, _ := strings.Cut(target, "/")
		fresh := func() *unstructured.Unstructured {
			return &unstructured.Unstructured{Object: tn.object(kind, name, nil)}
		}
		all["merge patch of "+target] = c.Status().Patch(ctx, fresh(), client.RawPatch("application/merge-patch+json", []byte(asJSON(object{"status": status}))))
		all["json patch of "+target] = c.Status().Patch(ctx, fresh(), client.RawPatch("application/json-patch+json", []byte(asJSON([]any{object{"op": "replace", "path": "/status", "value": status}}))))
		applied := asJSON(tn.object(kind, name, object{"status": status}))
		all["apply of "+target] = c.Status().Patch(ctx, fresh(), client.RawPatch("application/apply-patch+yaml", []byte(applied)), client.FieldOwner("grantor-operator"), client.ForceOwnership)
		whole := fresh()
		if err := tn.w.api.Get(ctx, client.ObjectKeyFromObject(whole), whole); err != nil {
			tn.t.Fatal(err)
		}
		whole.Object["status"] = status
		all["update of "+target] = c.Status().Update(ctx, whole)
		all["dry run of "+target] = c.Status().Patch(ctx, fresh(), client.RawPatch("application/merge-patch+json", []byte(asJSON(object{"status": status}))), &client.SubResourcePatchOptions{PatchOptions: client.PatchOptions{DryRun: []string{"All"}}})
	}
	return all
}

// accounts: who has taken over a token server reads no Secret of a tenant and writes nothing that counts; who has taken
// over the operator becomes nobody else.
func accounts(t *testing.T, w *world) {
	tn := w.tenant(t)
	server, operator := w.accountOf(t, "grantor-tokenserver"), w.accountOf(t, "grantor-operator")
	ctx := t.Context()
	secret := &corev1.Secret{ObjectMeta: objectMeta(tn.namespace, "app")}
	for name, err := range map[string]error{
		"get":          server.Get(ctx, client.ObjectKeyFromObject(secret), &corev1.Secret{}),
		"list":         server.List(ctx, &corev1.SecretList{}, client.InNamespace(tn.namespace)),
		"list all":     server.List(ctx, &corev1.SecretList{}),
		"get map":      server.Get(ctx, client.ObjectKey{Namespace: tn.namespace, Name: "ca"}, &corev1.ConfigMap{}),
		"create":       server.Create(ctx, &corev1.Secret{ObjectMeta: objectMeta(tn.namespace, "new")}),
		"create own":   server.Create(ctx, &corev1.Secret{ObjectMeta: objectMeta(harness.Namespace, "new")}),
		"delete":       server.Delete(ctx, secret),
		"new client":   server.Create(ctx, &unstructured.Unstructured{Object: tn.object(kindClient, "new", object{"spec": object{"authentication": object{"public": object{}}}})}),
		"operator pod": operator.Create(ctx, &corev1.Pod{ObjectMeta: objectMeta(harness.Namespace, "new"), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}),
		"operator put": operator.Update(ctx, w.secretOf(t, tn.namespace, "app")),
		"operator spec": operator.Patch(ctx, &unstructured.Unstructured{Object: tn.object(kindClient, "app", nil)},
			client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"grantEnabled":false}}`))),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]client.Client{"operator": operator, "token server": server} {
		for _, r := range []authorizationv1.ResourceAttributes{
			{Verb: "*", Group: "*", Resource: "*"},
			{Verb: "impersonate", Resource: "users"},
			{Verb: "impersonate", Resource: "serviceaccounts"},
			{Verb: "create", Resource: "pods"},
			{Verb: "create", Resource: "pods", Subresource: "exec"},
			{Verb: "escalate", Group: rbacv1.GroupName, Resource: "clusterroles"},
			{Verb: "bind", Group: rbacv1.GroupName, Resource: "clusterroles"},
			{Verb: "create", Group: rbacv1.GroupName, Resource: "clusterrolebindings"},
			{Verb: "create", Resource: "serviceaccounts", Subresource: "token"},
			{Verb: "delete", Resource: "secrets"},
			{Verb: "deletecollection", Resource: "secrets"},
			{Verb: "patch", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"},
			{Verb: "patch", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
			{Verb: "get", Resource: "nodes", Subresource: "proxy"},
			{Verb: "create", Group: "apps", Resource: "deployments"},
			{Verb: "create", Group: v1alpha1.GroupVersion().Group, Resource: "identityproviders"},
			{Verb: "delete", Group: v1alpha1.GroupVersion().Group, Resource: "oauthclients"},
		} {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &r}}
			if err := c.Create(ctx, review); err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed {
				t.Errorf("the %s may %s %s %s/%s", name, r.Verb, r.Group, r.Resource, r.Subresource)
			}
		}
	}
}

func surfaceRows() []row {
	return []row{{id: "L-18", name: "webhook-unauth", run: surface}}
}

// surface: nothing listens besides the ports that are documented, the API server calls none of them, and what a webhook
// would be asked changes nothing there.
func surface(t *testing.T, w *world) {
	var mutating admissionregistrationv1.MutatingWebhookConfigurationList
	var validating admissionregistrationv1.ValidatingWebhookConfigurationList
	if err := w.api.List(t.Context(), &mutating); err != nil {
		t.Fatal(err)
	}
	if err := w.api.List(t.Context(), &validating); err != nil {
		t.Fatal(err)
	}
	if n := len(mutating.Items) + len(validating.Items); n != 0 {
		t.Errorf("the API server has %d webhooks", n)
	}
	crds := &unstructured.UnstructuredList{}
	crds.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinitionList"))
	if err := w.api.List(t.Context(), crds); err != nil {
		t.Fatal(err)
	}
	for _, crd := range crds.Items {
		if strategy, _, _ := unstructured.NestedString(crd.Object, "spec", "conversion", "strategy"); strategy != "None" {
			t.Errorf("%s is converted by %s", crd.GetName(), strategy)
		}
	}
	wanted := map[int][]string{w.grantor.Operator.Pid(): {w.grantor.Operator.OpsURL}}
	for i, p := range w.grantor.TokenServers {
		wanted[p.Pid()] = []string{p.OpsURL, w.grantor.URLs[i]}
	}
	for pid, urls := range wanted {
		got := listening(t, pid)
		for _, url := range urls {
			address := strings.TrimPrefix(url, "http://")
			if !got[address] {
				t.Errorf("process %d does not listen on %s: %v", pid, address, got)
			}
			delete(got, address)
			w.attackPort(t, url)
		}
		for address := range got {
			t.Errorf("process %d listens on %s too", pid, address)
		}
	}
}

// attackPort sends what a webhook would take.
func (w *world) attackPort(t *testing.T, url string) {
	t.Helper()
	review := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"x","object":{"spec":{"issuer":"https://evil.test"}}}}`
	for _, path := range []string{"/", "/validate", "/mutate", "/convert", "/validate-grantor-dev-v1alpha1-identityprovider", "/debug/pprof/", "/debug/pprof/heap", "/configz", "/metrics", "/healthz", "/readyz", "/admission"} {
		for _, body := range []string{review, strings.Repeat("x", 8<<20), "\x00", ""} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			res, err := w.client.Do(r)
			if err != nil {
				if len(body) > 1<<20 {
					continue // It may hang up while it is being talked to.
				}
				t.Fatal(fmt.Errorf("post to %s: %w", path, err))
			}
			_ = res.Body.Close()
			if res.StatusCode < 400 || res.StatusCode >= 500 {
				t.Errorf("POST %s%s answers %d", url, path, res.StatusCode)
			}
		}
	}
}
