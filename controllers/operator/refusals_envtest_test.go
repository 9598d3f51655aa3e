package operator

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// What a real API server refuses never leaves in force what it was to replace.
func TestRefusalsOfAnAPIServer(t *testing.T) {
	c := startCluster(t)
	if err := admissionregistrationv1.AddToScheme(c.scheme); err != nil {
		t.Fatal(err)
	}
	c.create(t, tokenServerLease("one", everything()))
	c.startOperator(t)
	t.Run("no new Secret in the place of a deleted one", c.checkUnmadeSecret)
	t.Run("certificate of a year that cannot be written", c.checkUnwritableCertificate)
	t.Run("inline key for no operation", c.checkInlineKeyForNothing)
	t.Run("status that is refused", c.checkRefusedStatus)
	t.Run("rotation of an immutable Secret", c.checkImmutableSecret)
}

// checkImmutableSecret makes a generated Secret immutable, whose rotation is due.
func (c *cluster) checkImmutableSecret(t *testing.T) {
	o := oauthClient(rotates, func(o *v1alpha1.OAuthClient) {
		o.Name, o.Spec.Authentication.ClientSecret.SecretRef.Name = "stone", "stone-secret"
	})
	c.create(t, o)
	c.clientIs(t, namespace, "stone", v1alpha1.ReasonReady)
	s := secret("stone-secret", nil)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		setRotatedAt(s, start.Add(-100*day))
		s.Immutable = new(true)
		return c.client.Update(t.Context(), s)
	})
	if err != nil {
		t.Fatal(err)
	}
	o = eventually(t, c, o, "client says that it is not rotated", func(o *v1alpha1.OAuthClient) bool {
		ready := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionCredentialsReady)
		return ready != nil && strings.HasSuffix(ready.Message, "for it is immutable: delete it to have a new one made")
	})
	if len(o.Status.Credentials) == 0 {
		t.Errorf("status %+v", o.Status)
	}
}

// checkUnwritableCertificate puts a certificate whose end no status can hold into the place of one that is trusted.
func (c *cluster) checkUnwritableCertificate(t *testing.T) {
	odd, err := os.ReadFile(filepath.Join("..", "..", "internal", "resolve", "testdata", "year-10000.pem"))
	if err != nil {
		t.Fatal(err)
	}
	byCertificate := func(o *v1alpha1.OAuthClient) {
		o.Name, o.Spec.Authentication.ClientSecret = "keyed", nil
		o.Spec.Authentication.PrivateKeyJWT = &v1alpha1.PrivateKeyJWTAuthentication{CertificateSecretRef: &v1alpha1.SecretKeyReference{Name: secretName}}
	}
	s := certSecret(validCert("old"))
	c.create(t, s, provider(), oauthClient(byCertificate))
	c.providerIs(t, "partner", v1alpha1.ReasonReady)
	c.clientIs(t, namespace, "keyed", v1alpha1.ReasonReady)
	s.Data["tls.crt"] = odd
	if err := c.client.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if p := c.providerIs(t, "partner", v1alpha1.ReasonInvalidKeyMaterial); p.Status.Trust != nil {
		t.Errorf("still trusted: %+v", p.Status.Trust)
	}
	if o := c.clientIs(t, namespace, "keyed", v1alpha1.ReasonInvalidKeyMaterial); o.Status.KeySet != nil {
		t.Errorf("still trusted: %+v", o.Status.KeySet)
	}
}

// checkInlineKeyForNothing has a key whose key_ops is an empty list, which the API server stores as it is.
func (c *cluster) checkInlineKeyForNothing(t *testing.T) {
	key := jwk("a")
	key.KeyOperations = []string{}
	c.create(t, provider(inline(key), func(p *v1alpha1.IdentityProvider) { p.Name, p.Spec.Issuer = "nothing", "https://nothing.example" }))
	if p := c.providerIs(t, "nothing", v1alpha1.ReasonInvalidKeyMaterial); p.Status.Trust != nil {
		t.Errorf("trusted: %+v", p.Status.Trust)
	}
}

// checkRefusedStatus has a policy refuse every status that puts one object of each kind in force.
func (c *cluster) checkRefusedStatus(t *testing.T) {
	keys, value := certSecret(validCert("old")), secret("frozen", map[string][]byte{ClientSecretDataKey: []byte(clientValue)})
	keys.Name = "frozen-cert"
	p := provider(func(p *v1alpha1.IdentityProvider) {
		p.Name, p.Spec.Issuer, p.Spec.CertificateSecretRef.Name = "frozen", "https://frozen.example", keys.Name
	})
	o := oauthClient(func(o *v1alpha1.OAuthClient) {
		o.Name, o.Spec.Authentication.ClientSecret.SecretRef.Name = "frozen", value.Name
	})
	c.create(t, keys, value, p, o)
	p = c.providerIs(t, "frozen", v1alpha1.ReasonReady)
	c.clientIs(t, namespace, "frozen", v1alpha1.ReasonReady)
	c.freeze(t, p)

	keys.Data["tls.crt"], value.Data[ClientSecretDataKey] = validCert("new"), []byte("another-client-secret-of-32-bytes")
	for _, s := range []client.Object{keys, value} {
		if err := c.client.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"!StatusRefused", "!StatusRefused"}
	p = eventually(t, c, p, "provider is withdrawn", func(p *v1alpha1.IdentityProvider) bool { return p.Status.Trust == nil })
	if diff := cmp.Diff(want, summary(p.Status.Conditions)); diff != "" {
		t.Error(diff)
	}
	o = eventually(t, c, o, "client is withdrawn", func(o *v1alpha1.OAuthClient) bool { return o.Status.ClientID == "" })
	if diff := cmp.Diff(want, summary(o.Status.Conditions)); diff != "" || o.Status.Credentials != nil {
		t.Error(diff, o.Status.Credentials)
	}
}

// freeze makes the policy, and waits until it holds for a provider that is in force.
func (c *cluster) freeze(t *testing.T, p *v1alpha1.IdentityProvider) {
	t.Helper()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "freeze"}}
	policy.Spec.Validations = []admissionregistrationv1.Validation{{
		Expression: "object.metadata.name != 'frozen' || !has(object.status.trust) && !has(object.status.clientID)",
	}}
	policy.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
		RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Update},
			Rule: admissionregistrationv1.Rule{
				APIGroups: []string{"grantor.dev"}, APIVersions: []string{"*"}, Resources: []string{"identityproviders/status", "oauthclients/status"},
			},
		},
	}}}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "freeze"}}
	binding.Spec.PolicyName = policy.Name
	binding.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
	c.create(t, policy, binding)
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsInvalid(c.client.Status().Update(ctx, p.DeepCopy(), client.DryRunAll)), nil
	})
	if err != nil {
		t.Fatalf("the policy does not come to hold: %v", err)
	}
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
