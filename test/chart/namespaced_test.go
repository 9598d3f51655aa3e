package chart

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/jwttest"
	"github.com/grantor-dev/grantor/test/harness"
)

// The namespaces of the test: one that is served, and one that is not.
const served, unserved = "team-a", "team-z"

// partial is a cluster where the chart gave Grantor Roles alone.
type partial struct {
	t       *testing.T
	cp      *harness.ControlPlane
	grantor *harness.Grantor
}

// newPartial installs the chart for one namespace over config/default, whose ClusterRoles go.
func newPartial(t *testing.T) *partial {
	t.Helper()
	dir := t.TempDir()
	cp, err := harness.StartControlPlane(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := &partial{t: t, cp: cp}
	for _, name := range []string{"grantor-operator", "grantor-tokenserver", "grantor-metrics"} {
		for _, o := range []client.Object{
			&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}},
		} {
			if err := cp.Client.Delete(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{served, unserved} {
		p.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	m := render(t, defaultNamespace, with("watchNamespaces", []any{served}))
	apply := cp.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "-f", "-")
	apply.Stdin = strings.NewReader(m.text)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("install: %v: %s", err, out)
	}
	binary, err := harness.Build(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if p.grantor, err = harness.StartGrantorFor(t.Context(), cp, binary, dir, 2, served); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.grantor.Stop)
	return p
}

// in is the same for a part of the test.
func (p *partial) in(t *testing.T) *partial {
	t.Helper()
	return &partial{t, p.cp, p.grantor}
}

func (p *partial) create(o client.Object) {
	p.t.Helper()
	if err := p.cp.Client.Create(p.t.Context(), o); err != nil {
		p.t.Fatal(err)
	}
}

func partnerOf(namespace string) string { return "https://idp." + namespace + ".test" }

// tenant makes a provider and a public client that it vouches for.
func (p *partial) tenant(namespace string) {
	p.t.Helper()
	point, err := jwttest.EC(namespace, elliptic.P256()).PublicKey.Bytes()
	if err != nil {
		p.t.Fatal(err)
	}
	keys := &v1alpha1.JSONWebKeySet{}
	text := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`,
		base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
	if err := json.Unmarshal([]byte(text), keys); err != nil {
		p.t.Fatal(err)
	}
	p.create(&v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "partner"}, Spec: v1alpha1.IdentityProviderSpec{
		Issuer: partnerOf(namespace), AudienceAliases: []string{p.grantor.Issuer}, JWKS: keys,
	}})
	p.create(&v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"}, Spec: v1alpha1.OAuthClientSpec{
		Authentication: v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}},
	}})
}

// exchange presents an assertion of the namespace's provider for its client, and returns the status.
func (p *partial) exchange(server, namespace string) int {
	p.t.Helper()
	now := time.Now().Unix()
	claims := jwttest.Object{}.Add("iss", jwttest.Quote(partnerOf(namespace))).Add("sub", `"alice"`).Add("aud", jwttest.Quote(p.grantor.Issuer)).
		Add("iat", fmt.Sprint(now)).Add("exp", fmt.Sprint(now+60)).Add("jti", jwttest.Quote(fmt.Sprint(time.Now().UnixNano())))
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "client_id": {namespace + ".app"},
		"assertion": {jwttest.Compact("ES256", jwttest.EC(namespace, elliptic.P256()), `{"alg":"ES256"}`, claims.String())},
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, server+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// ready waits until an object has a condition Ready with a reason, and returns what its ResolvedRefs says.
func (p *partial) ready(o client.Object, conditions func() []metav1.Condition, reason string) string {
	p.t.Helper()
	var refs *metav1.Condition
	err := harness.Poll(p.t.Context(), 30*time.Second, func() error {
		if err := p.cp.Client.Get(p.t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		refs = meta.FindStatusCondition(conditions(), v1alpha1.ConditionResolvedRefs)
		if c := meta.FindStatusCondition(conditions(), v1alpha1.ConditionReady); c == nil || c.Reason != reason || refs == nil {
			return fmt.Errorf("%s: %+v", client.ObjectKeyFromObject(o), conditions())
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return refs.Message
}

func (p *partial) providerReady(namespace, name, reason string) {
	p.t.Helper()
	o := &v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	p.ready(o, func() []metav1.Condition { return o.Status.Conditions }, reason)
}

func (p *partial) clientReady(namespace, name, reason string) string {
	p.t.Helper()
	o := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return p.ready(o, func() []metav1.Condition { return o.Status.Conditions }, reason)
}

// TestNamespacedInstall is L-17: with watchNamespaces, Grantor works with Roles alone. What it serves is what is in those
// namespaces and in its own, and it can read nothing elsewhere.
func TestNamespacedInstall(t *testing.T) {
	p := newPartial(t)
	p.tenant(unserved) // First: it has had more time than the others when they are done.
	for _, namespace := range []string{served, defaultNamespace} {
		p.tenant(namespace)
	}
	for _, namespace := range []string{served, defaultNamespace} {
		p.providerReady(namespace, "partner", v1alpha1.ReasonReady)
		p.clientReady(namespace, "app", v1alpha1.ReasonReady)
		for _, server := range p.grantor.URLs {
			if got := p.exchange(server, namespace); got != http.StatusOK {
				t.Errorf("%s at %s: %d", namespace, server, got)
			}
		}
	}
	for _, server := range p.grantor.URLs {
		if got := p.exchange(server, unserved); got != http.StatusUnauthorized {
			t.Errorf("%s at %s: %d", unserved, server, got)
		}
	}
	foreign := &v1alpha1.IdentityProvider{}
	if err := p.cp.Client.Get(t.Context(), client.ObjectKey{Namespace: unserved, Name: "partner"}, foreign); err != nil {
		t.Fatal(err)
	}
	if len(foreign.Status.Conditions) != 0 || foreign.Status.Trust != nil {
		t.Errorf("an object that is not served has the status %+v", foreign.Status)
	}
	t.Run("generated Secret", func(t *testing.T) {
		p := p.in(t)
		p.create(&v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: served, Name: "batch"}, Spec: v1alpha1.OAuthClientSpec{
			Authentication: v1alpha1.ClientAuthentication{ClientSecret: &v1alpha1.ClientSecretAuthentication{
				SecretRef: v1alpha1.ClientSecretReference{Name: "batch"}, Generate: new(true),
			}},
		}})
		p.clientReady(served, "batch", v1alpha1.ReasonReady)
	})
	t.Run("cluster issuer", func(t *testing.T) {
		p := p.in(t)
		p.create(&v1alpha1.IdentityProvider{ObjectMeta: metav1.ObjectMeta{Namespace: served, Name: "cluster"}, Spec: v1alpha1.IdentityProviderSpec{
			Issuer: p.clusterIssuer(), Profile: v1alpha1.ProfileKubernetes, ClusterIssuer: &v1alpha1.ClusterKeySet{}, AudienceAliases: []string{p.grantor.Issuer},
			ClaimValidationRules: []v1alpha1.ClaimValidationRule{{Expression: "claims.sub.startsWith('system:serviceaccount:" + served + ":')"}},
		}})
		p.providerReady(served, "cluster", v1alpha1.ReasonReady)
	})
	t.Run("reference to what is not served", func(t *testing.T) {
		p := p.in(t)
		p.create(&v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: served, Name: "abroad"}, Spec: v1alpha1.OAuthClientSpec{
			Authentication:    v1alpha1.ClientAuthentication{Public: &v1alpha1.PublicAuthentication{}},
			IdentityProviders: []v1alpha1.IdentityProviderReference{{Name: "partner", Namespace: unserved}},
		}})
		if got := p.clientReady(served, "abroad", v1alpha1.ReasonReferenceNotPermitted); !strings.Contains(got, "--watch-namespaces") {
			t.Errorf("ResolvedRefs says %q", got)
		}
	})
	p.permissions()
	p.metrics(served)
	log, err := os.ReadFile(p.grantor.Operator.Log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the operator logs %s", line)
		}
	}
}

func (p *partial) clusterIssuer() string {
	p.t.Helper()
	out, err := p.cp.Kubectl(p.t.Context(), "get", "--raw", "/.well-known/openid-configuration").Output()
	if err != nil {
		p.t.Fatal(err)
	}
	var document struct{ Issuer string }
	if err := json.Unmarshal(out, &document); err != nil || document.Issuer == "" {
		p.t.Fatalf("%v: %s", err, out)
	}
	return document.Issuer
}

// permissions asks the API server what the accounts may do.
func (p *partial) permissions() {
	p.t.Helper()
	ours := v1alpha1.GroupVersion().Group
	may := func(account, namespace, verb, group, resource string) bool {
		file, err := p.cp.KubeconfigFor(p.t.Context(), account)
		if err != nil {
			p.t.Fatal(err)
		}
		config, err := clientcmd.BuildConfigFromFlags("", file)
		if err != nil {
			p.t.Fatal(err)
		}
		c, err := client.New(config, client.Options{Scheme: p.cp.Client.Scheme()})
		if err != nil {
			p.t.Fatal(err)
		}
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Group: group, Resource: resource},
		}}
		if err := c.Create(context.WithoutCancel(p.t.Context()), review); err != nil {
			p.t.Fatal(err)
		}
		return review.Status.Allowed
	}
	const operator, server = "grantor-operator", "grantor-tokenserver"
	for _, tc := range []struct {
		account, namespace, verb, group, resource string
		want                                      bool
	}{
		{operator, served, "get", "", "secrets", true},
		{operator, defaultNamespace, "get", "", "secrets", true},
		{operator, unserved, "get", "", "secrets", false},
		{operator, "", "list", "", "secrets", false},
		{operator, unserved, "list", "", "configmaps", false},
		{operator, unserved, "list", ours, "oauthclients", false},
		{operator, "", "list", ours, "identityproviders", false},
		{server, served, "watch", ours, "oauthclients", true},
		{server, served, "get", "", "secrets", false},
		{server, unserved, "get", ours, "oauthclients", false},
		{server, "", "list", ours, "identityproviders", false},
	} {
		if got := may(tc.account, tc.namespace, tc.verb, tc.group, tc.resource); got != tc.want {
			p.t.Errorf("%s in %q: %s %s.%s: %v", tc.account, tc.namespace, tc.verb, tc.resource, tc.group, got)
		}
	}
}
