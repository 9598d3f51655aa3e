package integration

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clusterIssuer asks the API server who it is.
func clusterIssuer(t *testing.T) string {
	t.Helper()
	out, err := grantor.ControlPlane.Kubectl(t.Context(), "get", "--raw", "/.well-known/openid-configuration").Output()
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Issuer string }
	if err := json.Unmarshal(out, &document); err != nil || document.Issuer == "" {
		t.Fatalf("%v: %s", err, out)
	}
	return document.Issuer
}

// token is a ServiceAccount's, for the given audience.
func (tn *tenant) token(account, audience string) string {
	tn.t.Helper()
	token, err := grantor.ControlPlane.ServiceAccountToken(tn.t.Context(), tn.namespace, account, audience)
	if err != nil {
		tn.t.Fatal(err)
	}
	return token
}

// exchange presents a client assertion and an assertion.
func (tn *tenant) exchange(replica int, clientID, clientAssertion, assertion string) answer {
	tn.t.Helper()
	a, err := send(tn.t.Context(), grantor.URLs[replica]+"/oauth2/token", url.Values{
		"grant_type": {grantTypeJWTBearer}, "assertion": {assertion}, "client_id": {clientID},
		"client_assertion": {clientAssertion}, "client_assertion_type": {assertionType},
	}, "", "")
	if err != nil {
		tn.t.Fatal(err)
	}
	return a
}

func payload(t *testing.T, token string) []byte {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newWorkload makes the provider of the cluster's own issuer, and a client that is the ServiceAccount worker.
func newWorkload(t *testing.T) *tenant {
	t.Helper()
	tn := newNamespace(t)
	for _, name := range []string{"worker", "stranger"} {
		tn.create(&corev1.ServiceAccount{ObjectMeta: tn.meta(name)})
	}
	tn.create(&v1alpha1.IdentityProvider{ObjectMeta: tn.meta("cluster"), Spec: v1alpha1.IdentityProviderSpec{
		Issuer: clusterIssuer(t), Profile: v1alpha1.ProfileKubernetes, ClusterIssuer: &v1alpha1.ClusterKeySet{},
		AudienceAliases: []string{grantor.Issuer},
		ClaimValidationRules: []v1alpha1.ClaimValidationRule{
			{Expression: "claims.sub.startsWith('system:serviceaccount:" + tn.namespace + ":')"},
		},
		ClaimMappings: []v1alpha1.ClaimMapping{{Claim: "pod_namespace", Expression: "claims['kubernetes.io'].namespace"}},
	}})
	tn.create(&v1alpha1.OAuthClient{ObjectMeta: tn.meta("worker"), Spec: v1alpha1.OAuthClientSpec{
		Authentication: v1alpha1.ClientAuthentication{Federated: &v1alpha1.FederatedAuthentication{
			IdentityProviderRef: v1alpha1.IdentityProviderReference{Name: "cluster"},
			Subject:             "system:serviceaccount:" + tn.namespace + ":worker",
		}},
		GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantJWTBearer},
		Scopes:     []v1alpha1.Scope{"read"},
	}})
	tn.waitReady(&v1alpha1.IdentityProvider{}, "cluster", v1alpha1.ReasonReady)
	tn.waitReady(&v1alpha1.OAuthClient{}, "worker", v1alpha1.ReasonReady)
	return tn
}

// TestWorkloadHasNoSecret: a workload exchanges the token that the cluster gave it, again and again, on every replica.
func TestWorkloadHasNoSecret(t *testing.T) {
	tn := newWorkload(t)
	id, own := tn.namespace+".worker", tn.token("worker", grantor.Issuer)
	for round := range 3 {
		for replica := range grantor.URLs {
			a := tn.exchange(replica, id, own, own)
			if a.status != http.StatusOK {
				t.Fatalf("round %d, replica %d: %+v", round, replica, a)
			}
			var claims struct {
				Subject   string `json:"sub"`
				Namespace string `json:"pod_namespace"`
			}
			if err := json.Unmarshal(payload(t, a.AccessToken), &claims); err != nil {
				t.Fatal(err)
			}
			if claims.Subject != tn.namespace+"/cluster:system:serviceaccount:"+tn.namespace+":worker" || claims.Namespace != tn.namespace {
				t.Errorf("access token says %+v", claims)
			}
		}
	}
	stranger, elsewhere := tn.token("stranger", grantor.Issuer), newWorkload(t).token("worker", grantor.Issuer)
	for name, tc := range map[string]struct {
		clientAssertion, assertion string
		status                     int
	}{
		"another workload is not the client":     {stranger, own, http.StatusUnauthorized},
		"nor is that of another namespace":       {elsewhere, own, http.StatusUnauthorized},
		"a token for another audience":           {tn.token("worker", "https://vault.example.com"), own, http.StatusUnauthorized},
		"an assertion of another namespace":      {own, elsewhere, http.StatusBadRequest},
		"an assertion for another audience":      {own, tn.token("worker", "https://vault.example.com"), http.StatusBadRequest},
		"an assertion of the namespace, allowed": {own, stranger, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			if a := tn.exchange(0, id, tc.clientAssertion, tc.assertion); a.status != tc.status {
				t.Errorf("got %+v, want %d", a, tc.status)
			}
		})
	}
}

// TestExchangeAsServiceAccount: who may ask the API server for a token of a workload can ask for what the workload gets.
func TestExchangeAsServiceAccount(t *testing.T) {
	tn := newWorkload(t)
	exchange := func(more ...string) (string, error) {
		args := append([]string{
			"exchange", "--issuer", grantor.Issuer, "--kubeconfig", grantor.ControlPlane.Kubeconfig, "--client-id", tn.namespace + ".worker",
			"--federated", "--decode", "--service-account",
		}, more...)
		out, err := exec.CommandContext(t.Context(), grantor.Binary, args...).CombinedOutput()
		return string(out), err
	}
	out, err := exchange(tn.namespace + "/worker")
	if want := `"sub": "` + tn.namespace + "/cluster:system:serviceaccount:" + tn.namespace + `:worker"`; err != nil || !strings.Contains(out, want) {
		t.Errorf("%v: %s", err, out)
	}
	for name, args := range map[string][]string{
		"401 invalid_client":                 {tn.namespace + "/stranger"},
		"the token endpoint answers 401":     {tn.namespace + "/worker", "--audience", "https://vault.example.com"},
		`serviceaccounts "nobody" not found`: {tn.namespace + "/nobody"},
	} {
		if out, err := exchange(args...); err == nil || !strings.Contains(out, name) {
			t.Errorf("%v, want %s: %s", err, name, out)
		}
	}
}

// TestClusterIssuerOfAnother: an issuer that is not the API server's gets no keys, and the condition names the right one.
func TestClusterIssuerOfAnother(t *testing.T) {
	tn := newNamespace(t)
	p := &v1alpha1.IdentityProvider{ObjectMeta: tn.meta("cluster"), Spec: v1alpha1.IdentityProviderSpec{
		Issuer: "https://another.example.com", Profile: v1alpha1.ProfileKubernetes, ClusterIssuer: &v1alpha1.ClusterKeySet{},
		AudienceAliases:      []string{grantor.Issuer},
		ClaimValidationRules: []v1alpha1.ClaimValidationRule{{Expression: "claims.sub == 'x'"}},
	}}
	tn.create(p)
	tn.waitReady(p, "cluster", v1alpha1.ReasonIssuerMismatch)
	if p.Status.Trust != nil {
		t.Errorf("keys are trusted: %+v", p.Status.Trust)
	}
}
