package operator

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// What a real API server refuses never leaves in force what it was to replace.
func TestRefusalsOfAnAPIServer(t *testing.T) {
	c := startCluster(t)
	c.create(t, tokenServerLease("one", everything()))
	c.startOperator(t)
	t.Run("no new Secret in the place of a deleted one", c.checkUnmadeSecret)
}

// checkUnmadeSecret has a quota keep the operator from making Secrets.
func (c *cluster) checkUnmadeSecret(t *testing.T) {
	generated := func(name string) *v1alpha1.OAuthClient {
		return oauthClient(generates, func(o *v1alpha1.OAuthClient) {
			o.Namespace, o.Name, o.Spec.Authentication.ClientSecret.SecretRef.Name = "team-b", name, name
		})
	}
	c.create(t, generated("old"))
	if o := c.clientIs(t, "team-b", "old", v1alpha1.ReasonReady); len(o.Status.Credentials) != 1 {
		t.Fatalf("status %+v", o.Status)
	}
	hard := make(corev1.ResourceList)
	hard["count/secrets"] = resource.MustParse("0")
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "small"}, Spec: corev1.ResourceQuotaSpec{Hard: hard}}
	c.create(t, quota)
	quota.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: hard}
	if err := c.client.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	c.delete(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "old"}})
	c.create(t, generated("new"))
	for _, name := range []string{"old", "new"} {
		o := c.clientIs(t, "team-b", name, v1alpha1.ReasonSecretNotFound)
		if o.Status.Credentials != nil || !strings.Contains(message(t, o.Status.Conditions, v1alpha1.ConditionResolvedRefs), "exceeded quota: small") {
			t.Errorf("%s: status %+v", name, o.Status)
		}
	}
	c.delete(t, quota)
	for _, name := range []string{"old", "new"} {
		c.clientIs(t, "team-b", name, v1alpha1.ReasonReady)
	}
}
